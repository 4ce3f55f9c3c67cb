/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of the leak checker share. A check goes through them in this order: modules.c
 * lists what is loaded, world.c stops the other threads, areas.c lists what can be read, roots.c
 * feeds mark.c with all memory that the program can start from, leaks.c gathers what was not
 * reached, report.c and dump.c tell it.
 *
 * While the threads are stopped, any of them may hold any lock of the C library or the program's:
 * what runs then makes system calls alone, and its memory comes straight from base/pages. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/maps.h"
#include "heapprof/heapprof.h"

#define EXPORTED __attribute__((visibility("default")))

struct range {
    uintptr_t start, end;
};

/* An array in pages of its own, which grows. */
struct pile {
    void *p;
    size_t n, bytes; /* items in it, and bytes that it has room for */
};

/* Room for another item, not counted yet; NULL: out of memory. */
void *pile_next(struct pile *pile, size_t item);
void pile_free(struct pile *pile);

/* ---- world.c: the other threads of the process ------------------------------------------------
 */

enum { THREAD_WORDS = 16 + 32 }; /* general registers, and 16 of 16 bytes */

struct world_thread {
    pid_t tid;
    _Atomic uint32_t state; /* for the one who stops it */
    int signal;             /* it was about to take this one */
    uintptr_t sp;           /* 0: could not be found out */
    uintptr_t tp;           /* its thread pointer; 0: unknown */
    uintptr_t words[THREAD_WORDS];
};

/* How the threads were stopped. */
enum world_way {
    WORLD_ALONE, /* there are no others */
    WORLD_BY_HELPER,
    WORLD_BY_SIGNAL,
};

struct world {
    struct world_thread *threads; /* the others */
    size_t n;
    enum world_way way;
    int refusal;    /* error number for which the helper could not do it */
    size_t unknown; /* threads whose stacks could not be found out */
    int tasks_fd;   /* folder of the threads */
    uint64_t mask;  /* signals that were blocked before */
};

/* Stops all others. `world` is not on a stack: a thread may look into it later. The caller holds
 * every lock that it needs while they are stopped. False: that is not possible here, nothing is
 * stopped. */
bool world_stop(struct world *world, bool is_by_signal);
void world_resume(struct world *world);

enum { WORLD_MOST = 1 << 16 };

/* For the two ways: the thread's entry, NULL if it is not known or (adding) there is no room. */
struct world_thread *world_find(struct world *world, pid_t tid);
struct world_thread *world_add(struct world *world, pid_t tid);
/* Each thread of the process but the caller. False: they cannot be listed. */
bool world_list(struct world *world, pid_t self, void (*visit)(void *to, pid_t tid), void *to);
/* The letter of the thread's state, as ps shows it; 0: it is gone. */
char world_state_of(const struct world *world, pid_t tid);
/* The stack pointer of a thread that the kernel holds; 0 if it runs, or that is not to be known. */
uintptr_t world_sp_of(const struct world *world, pid_t tid);

bool helper_stop(struct world *world); /* world_helper.c */
void helper_resume(struct world *world);
bool signal_stop(struct world *world); /* world_signal.c */
void signal_resume(struct world *world);
