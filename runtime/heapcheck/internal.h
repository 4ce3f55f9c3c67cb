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

/* Whether the thread blocks the signal. */
bool world_blocks(const struct world *world, pid_t tid, int signal);

bool helper_stop(struct world *world); /* world_helper.c */
void helper_resume(struct world *world);
bool signal_stop(struct world *world); /* world_signal.c */
void signal_resume(struct world *world);

/* ---- modules.c: what the loader has loaded -----------------------------------------------------
 */

struct modules {
    struct pile data;   /* struct range: what of them can be written */
    struct pile exempt; /* struct exempt */
    size_t tls_below;   /* static thread-local storage reaches so far below the thread pointer */
    size_t own_below, own_size; /* where our own is */
    uint64_t loads, unloads;
    bool is_complete; /* false: out of memory */
};

/* Code whose blocks are never leaks: those of the loader, and of libraries that keep pointers where
 * nobody can look. */
struct exempt {
    struct range code;
    unsigned depth; /* so many innermost frames are looked at */
};

/* Notes what of our own data lies among the program's, or is a library's, and the storage of the
 * calling thread: the first one's is in memory that other words point into. Once. */
void modules_note_own(void);
/* Takes the loader's lock: not while threads are stopped. */
void modules_list(struct modules *modules);
/* Nothing was loaded or unloaded since. Takes that lock too. */
bool modules_are_same(const struct modules *modules);
void modules_free(struct modules *modules);
/* Whether code of an exempt library made the block. */
bool modules_exempt(const struct modules *modules, stack_ix stack);

/* ---- areas.c: what of the memory can be read ---------------------------------------------------
 */

struct area {
    uintptr_t start, end;
    uintptr_t dead_end; /* from the start to here it is not for us: stacks */
    bool is_anonymous;
    bool is_guarded; /* what comes before it cannot be touched: perhaps it is a stack */
    bool is_stack;   /* the first thread's */
    bool is_reached;
};

struct areas {
    struct pile pile;    /* struct area, by address */
    uintptr_t low, high; /* anonymous ones are between */
    bool is_complete;
};

/* What there is now, before main, is apart from what the program maps beside it later. */
void areas_note_early(void);
bool areas_list(struct areas *areas);
void areas_free(struct areas *areas);
/* The area that has the address, NULL if it cannot be read. */
struct area *areas_find(const struct areas *areas, uintptr_t address);
/* The first one that ends above it, and the end of the list. */
struct area *areas_from(const struct areas *areas, uintptr_t address);
struct area *areas_last(const struct areas *areas);

/* ---- mark.c: what can be reached ---------------------------------------------------------------
 */

struct mark_rules {
    size_t step;          /* a pointer's address is a multiple of it */
    size_t most_offset;   /* of a pointer into a block */
    uintptr_t other_form; /* words are also taken after an exclusive or with it; 0: no */
};

struct mark {
    struct mark_rules rules;
    struct areas areas;
    uintptr_t low, high; /* no tracked block is outside */
    struct pile work;    /* struct range: blocks that were reached and not yet looked into */
    struct range here;   /* readable, and where we were last */
    struct range seen;   /* an area of which there is no more to learn */
    bool has_areas;      /* false: what can be read is not known, so nothing is looked at */
    const char *root;    /* where we are, for those who want to know */
    bool is_told;        /* they do */
    bool is_complete;    /* false: out of memory, something may not have been reached */
};

/* Nothing is marked yet: whoever gathers what was not clears the marks. */
void mark_start(struct mark *mark, const struct mark_rules *rules);
void mark_end(struct mark *mark);
/* All that can be reached from the words of a range, as far as it can be read. */
void mark_range(struct mark *mark, const char *root, uintptr_t start, uintptr_t end);
/* The same without what is our own. */
void mark_data(struct mark *mark, const char *root, uintptr_t start, uintptr_t end);
/* All that can be reached from a block, and it. */
void mark_object(struct mark *mark, const char *root, const struct object *object);
/* The object that a word points at by the rules. */
bool mark_points_at(const struct mark_rules *rules, uintptr_t word, struct object *out);

/* ---- roots.c -----------------------------------------------------------------------------------
 */

/* Where the calling thread's part of the program ends, and what it has in registers there. */
struct own_frame {
    uintptr_t sp;
    uintptr_t saved[6];
};

/* The function that called ours. */
struct own_frame frame_above(uintptr_t sp);
/* What called exit, if that is being done; else as frame_above. */
struct own_frame frame_of_exit(uintptr_t sp);

struct root_choice {
    bool threads, globals;
};

/* Adds or removes memory that the program says to be a root. False: out of memory, or (removing)
 * there is no such. */
bool roots_add(const void *start, size_t size);
bool roots_remove(const void *start, size_t size);

void roots_start(void); /* once, before all others: may call malloc */
size_t roots_descriptor_size(void);
/* Whether a thread, which has ended, was waited for. */
bool roots_was_joined(uintptr_t descriptor);
void roots_mark(struct mark *mark, const struct root_choice *choice, const struct world *world,
                const struct modules *modules, const struct own_frame *frame);

/* ---- leaks.c: what was not reached -------------------------------------------------------------
 */

struct leak {
    uintptr_t start;
    size_t size;
    stack_ix stack;
    bool is_indirect; /* another leak points to it */
};

/* All leaks of one stack. */
struct site {
    stack_ix stack;
    size_t objects, bytes;
    size_t indirect_objects, indirect_bytes;
};

struct leaks {
    struct pile list;  /* struct leak, by address */
    struct pile sites; /* struct site, the largest first */
    size_t objects, bytes;
    size_t live_objects, live_bytes; /* tracked, leaks and all */
    bool is_complete;                /* false: out of memory */
};

/* What was there before: objects with the flag, or that begin where the list says. */
struct base {
    uint8_t flag;
    struct pile starts; /* uintptr_t, sorted */
};

/* After marking, the table still frozen: objects that are not marked, and were not there before.
 * Marks are cleared. */
void leaks_gather(struct leaks *leaks, const struct mark *mark, const struct base *base);
/* Sites; needs no frozen table. */
void leaks_group(struct leaks *leaks);
void leaks_free(struct leaks *leaks);

/* In place, by no malloc. */
void sort_items(void *items, size_t n, size_t size, int (*compare)(const void *, const void *));

/* ---- check.c: one check ------------------------------------------------------------------------
 */

struct check {
    struct root_choice roots;
    struct mark_rules rules;
    const struct base *base; /* what is no leak because it was there before */
    bool is_by_signal;       /* how to stop threads */
    struct own_frame frame;
    const struct pile *excused; /* stack_ix, sorted: what they made is no leak */
};

/* What the check met besides leaks; said when all threads run again. */
struct findings {
    struct leaks leaks;
    int refusal;      /* why no helper could stop the threads */
    bool has_threads; /* false: they could not be stopped at all */
    bool has_areas;   /* false: /proc/self/maps cannot be read */
    size_t unknown;   /* stacks of so many were not found */
    uintptr_t gone;   /* an ignored object that is no more, and its size */
    size_t gone_size;
};

void check_run(const struct check *check, struct findings *findings);

/* Objects that are ignored: with the checker's lock. */
enum ignored { IGNORED_DONE, IGNORED_BEFORE, IGNORED_NO_OBJECT, IGNORED_NO_MEMORY };
enum ignored ignore_object(const void *p);
enum ignored unignore_object(const void *p); /* BEFORE: it was not ignored */

/* ---- symbolize.c -------------------------------------------------------------------------------
 */

/* Names of addresses, by address. */
struct symbol {
    uintptr_t pc;
    const char *text; /* NULL: unknown; may have several lines, of inlined calls, innermost first */
};

struct symbols {
    struct pile list; /* struct symbol, sorted */
    char *answer;     /* what the texts lie in */
    size_t answer_room;
};

/* The addresses of the first n sites. */
bool symbols_collect(struct symbols *symbols, const struct leaks *leaks, size_t n);
/* Asks the symbolizer; false: that cannot be done, and unless it is to be quiet it is said why. */
bool symbols_ask(struct symbols *symbols, bool is_quiet);
const char *symbols_text(const struct symbols *symbols, uintptr_t pc); /* "" if unknown */
void symbols_free(struct symbols *symbols);
/* The program's file, by the name that it was started by if that still leads there: it may have
 * been found in PATH, or have gone to another folder. */
const char *program_path(void);

/* ---- sites.c: the same site in every run -------------------------------------------------------
 */

/* Made from where in which files the frames are. */
uint64_t site_id(stack_ix stack);
/* Reads the map, which the above uses. */
bool sites_refresh(void);
/* The file that the address is in; "" if none. */
const char *sites_file(uintptr_t pc);

/* ---- suppress.c: HEAP_CHECK_SUPPRESSIONS -------------------------------------------------------
 */

bool suppressions_are_wanted(void);
/* Adds the stacks of sites that a rule names to `stacks`, which is sorted; where no globals are
 * roots, those of what the C library keeps too. The number of them. */
size_t suppressions_apply(const struct leaks *leaks, bool has_no_globals,
                          const struct symbols *symbols, struct pile *stacks);

/* ---- report.c, dump.c --------------------------------------------------------------------------
 */

struct report {
    const char *name; /* of the check */
    const char *dump; /* path */
    struct leaks *leaks;
    struct symbols *symbols; /* empty: not asked for yet; NULL: not to be */
    int64_t most;            /* sites to print */
    bool identifies;
};

void report_leaks(const struct report *report);
/* False: said already. */
bool dump_leaks(const char *path, const struct leaks *leaks);

/* ---- checker.c: checkers, and what is on -------------------------------------------------------
 */

struct mode {
    const char *name;
    bool checks_all;        /* at the end */
    bool has_base;          /* what there is before main is no leak */
    bool after_destructors; /* when */
    struct root_choice roots;
};

struct HeapLeakChecker_State;

/* Turns the checker on. */
void checker_start(const struct mode *mode);
bool checker_is_on(void);
/* The checker of the whole program; NULL: there is none, or its check at the end was cancelled. */
struct HeapLeakChecker_State *checker_global(void);
void checker_cancel(void);
/* It takes what there is now as what was before. */
void checker_take_base(struct HeapLeakChecker_State *checker);

struct HeapLeakChecker_State *checker_new(const char *name);
void checker_delete(struct HeapLeakChecker_State *checker);
/* Checks and reports; with `frame` as where the caller's part begins. True: no leaks. */
bool checker_check(struct HeapLeakChecker_State *checker, const struct own_frame *frame,
                   bool symbolizes);
ssize_t checker_bytes(const struct HeapLeakChecker_State *checker);
ssize_t checker_objects(const struct HeapLeakChecker_State *checker);

void checker_lock(void);
void checker_unlock(void);
void checker_disable(int more);

/* ---- start.c -----------------------------------------------------------------------------------
 */

/* Right before main, if that can be known. */
void start_before_main(void);
void start_add_cleanup(void (*cleanup)(void));
void start_run_cleanups(void);
/* Where the dump of a check goes. */
void start_dump_path(char *to, size_t size, const char *name);
