/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of the CPU profiler share. A tick goes through timers.c (how much time does it
 * stand for?), the unwinder and table.c, all without a lock; profile.c starts and stops, under one
 * lock with signals held off; writer.c makes the file. */
#pragma once

#include "cpuprof/cpuprof.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/maps.h"
#include "base/outname.h"

#define EXPORTED __attribute__((visibility("default")))

/* Readers of the format know no deeper stacks. */
enum { SAMPLE_MAX = 254 };

/* ---- table.c: distinct stacks and how often each was seen ------------------------------------ */

/* Stacks stand one behind another as the file will have them: count, depth, addresses. An index
 * finds them by hash. Adding takes no lock; see there. */
struct table {
    uint64_t *words;
    size_t n_words, used; /* `used` may run past the end when the table is full */
    uint64_t *index;
    size_t n_index;
    uint32_t users; /* ticks that are in it now */
    uint64_t era;   /* differs whenever other records are in it, or it is another table */
};

/* Where a sample was counted. */
struct mark {
    uint64_t *count; /* NULL: nowhere */
    uint64_t era;
};

bool table_open(struct table *table);
void table_close(struct table *table);
void table_clear(struct table *table);
/* No count: full. */
struct mark table_add(struct table *table, const uintptr_t *pcs, size_t n, uint64_t weight);
/* Counts more of what was marked; false: it is not here, or not any more. */
bool table_add_to(struct table *table, struct mark mark, uint64_t weight);
/* The record at *at, which moves on behind it; NULL: no more. Records that are being added just now
 * are not seen yet. */
const uint64_t *table_next(const struct table *table, size_t *at);
uint64_t table_weight(const struct table *table); /* of all */
void table_check(const struct table *table);      /* aborts when it is broken */

/* ---- unloaded.c: code that goes away before the profile ends --------------------------------- */

/* What is mapped now may go. */
void unloaded_note(struct maps_reader *reader, int maps_fd);
void unloaded_forget(void);
/* The list of mapped objects, and behind it those that are no more. */
void unloaded_write_maps(struct maps_reader *reader, int maps_fd, const struct text_sink *sink);

/* ---- writer.c -------------------------------------------------------------------------------- */

struct writer {
    struct outname name;
    uint64_t period_us;
    int fd, maps_fd; /* -1: not open */
    pid_t pid;       /* whose file it is: a child must not touch it */
    uint64_t device, inode;
    bool is_seekable, has_failed;
    off_t kept;         /* bytes that stay: the header, and records of tables that were full */
    off_t at;           /* where the next byte goes */
    uint64_t bytes;     /* of records, header and trailer */
    uint64_t evictions; /* records written because a table was full */
    uint64_t kept_weight;
};

/* An errno value, or 0. */
int writer_open(struct writer *writer);
/* The table's records are added for good. */
void writer_keep(struct writer *writer, const struct table *table);
/* The file becomes what it would be if the profile ended now: where that can be taken back. */
void writer_checkpoint(struct writer *writer, const struct table *table);
/* The rest of the file. */
void writer_end(struct writer *writer, const struct table *table);
void writer_close(struct writer *writer);
/* Code may go away now. */
void writer_note_code(struct writer *writer);

/* ---- clocks.c: the kernel's ------------------------------------------------------------------ */

/* The CPU clock of any thread of this process. */
clockid_t thread_clock(pid_t tid);
uint64_t clock_ns(clockid_t clock); /* 0: there is no such clock */
/* A timer that signals a thread, or for tid 0 any that runs: its number plus one; 0: the kernel has
 * none left, or no such thread. The first expiry falls anywhere into the first interval, so that
 * work that is done in step with it is not seen always or never. */
uint32_t kernel_timer(clockid_t clock, pid_t tid, int signal, void *carried, uint64_t interval);
void kernel_timer_end(uint32_t *timer);

/* ---- timers.c: which time has passed --------------------------------------------------------- */

struct timers_options {
    uint64_t interval_ns;
    int signal;
    bool is_wall;       /* wall-clock time instead of CPU time */
    bool is_per_thread; /* of wall-clock time: CPU time always is */
};

bool timers_start(const struct timers_options *options);
/* What threads have used since their last signal is added to what they did then, in the table, to
 * which no tick adds any more. */
void timers_stop(struct table *table);
/* In a child of fork: no timer and no thread but this one is there. */
void timers_forget(void);

struct tick {
    uint64_t weight;       /* ticks that it stands for; 0: no sample */
    uint64_t watch_passed; /* nanoseconds of CPU time since the last time this was not 0 */
};

struct tick timers_tick(const siginfo_t *info);
/* Where the sample of the tick was counted. */
void timers_counted(struct mark mark);
void timers_check(void); /* aborts when it is broken */
/* Whether the signal comes from a timer of ours, maybe of a profile that has ended. */
bool timers_own(const siginfo_t *info);

/* Whether timers_enter is called for every thread: where pthread_create is ours. */
extern bool timers_are_told;
/* The calling thread begins; `routine` tells threads of one kind. */
void timers_enter(uintptr_t routine);
/* The calling thread takes ticks, whatever it inherited. */
void timers_unblock(void);

/* ---- handler.c: whose the signal is -----------------------------------------------------------
 */

/* False: the program handles the signal itself. Under the profile's lock. */
bool handler_install(int signal, void (*on_tick)(int, siginfo_t *, void *));
bool handler_is_installed(int signal);
/* In our handler: the program's, for what is no tick. False: it has none. */
bool handler_pass_on(int signal, siginfo_t *info, void *context);
/* Sets and reads what the program wants of the signal, like sigaction; false: the signal is not
 * ours, and the kernel is to be asked. */
bool handler_keep(int signal, const struct sigaction *action, struct sigaction *before);
/* The sigaction of the C library. */
extern int (*handler_kernel_action)(int signal, const struct sigaction *action,
                                    struct sigaction *before);
/* With all signals blocked. */
void handler_before_fork(void);
void handler_after_fork(bool is_child);

/* ---- profile.c ------------------------------------------------------------------------------- */

/* Started by CPUPROFILE, it goes on in children of fork. */
enum profile_origin { PROFILE_BY_CALL, PROFILE_BY_ENVIRONMENT };

int profile_start(const char *path, const struct ProfilerOptions *options,
                  enum profile_origin origin);
void profile_stop(void);
void profile_flush(void);
bool profile_is_on(void);
/* Counts more of what was marked, if it is still there. With all signals blocked. */
bool profile_add_to(struct mark mark, uint64_t weight);
void profile_state(struct ProfilerState *state);

void profile_before_fork(void);
void profile_after_fork_in_parent(void);
void profile_after_fork_in_child(void);
