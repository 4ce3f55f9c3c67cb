/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of the heap profiler share:
 *
 *   stacks.c     each stack once, by number
 *   objects.c    words of the allocator's blocks, as objects with a stack
 *   profile.c    the profile that is on: what was made and freed, and when that is written
 *   snapshot.c   what lives at one moment, by stack
 *   text.c       profiles as text
 *   samples.c    blocks that are sampled, and stacks at which the heap grew
 *   mappings.c   mappings with who made them, as interpose.c tells
 *   switch.c     what happens without a call: the environment, the signal, the end of the process
 *   api.c        the program's door
 *
 * Locks are taken in the order profile, mappings, objects, stacks, the allocator's. */
#pragma once

#include "heapprof/heapprof.h"

#include "base/message.h"
#include "unwind/unwind.h"

struct tally {
    uint64_t objects, bytes;
};

/* ---- stacks.c */

enum { STACKS_MOST = 1 << 24 }; /* what the number in a word can be */

/* The number of a stack, which is added where it is new; 0 when there is no memory for it. Takes a
 * lock only then. */
stack_ix stack_intern(const uintptr_t *pcs, size_t n);
stack_ix stacks_number(void); /* all numbers are below */
/* A stack's blocks since they were last forgotten. */
void stack_count(stack_ix stack, size_t size);
struct tally stack_made(stack_ix stack);
void stacks_forget_made(void);
stack_ix stack_of(const struct caller *caller);
/* The same of mappings. */
void stack_count_mapped(stack_ix stack, size_t size);
struct tally stack_mapped(stack_ix stack);
/* This thread is in the middle of stack_of_call, for a signal handler to know. */
bool stacks_are_busy(void);
void stacks_thread_ends(void);
bool stacks_try_lock(void);
void stacks_lock(void);
void stacks_unlock(void);

/* ---- objects.c */

/* False: a signal handler has interrupted what objects_freeze would wait for. */
bool objects_may_wait(void);
/* objects_freeze, if nobody has to be waited for: safe in a signal handler. */
bool objects_try_freeze(void);

/* ---- mappings.c */

enum {
    MAPPINGS_PROFILED = 1 << 0,
    MAPPINGS_ONLY = 1 << 1, /* and no blocks */
    MAPPINGS_LOGGED = 1 << 2,
};

extern unsigned mappings_wanted; /* 0: nobody asks */

/* Begins with what the environment asks for; forgets. */
void mappings_begin(void);
void mappings_end(void);
void mapping_made(uintptr_t start, size_t size, struct caller caller);
void mapping_gone(uintptr_t start, size_t size);
/* Each region that is still mapped; under the lock. */
void mappings_each(void (*visit)(void *to, stack_ix stack, size_t size), void *to);
void mappings_lock(void);
bool mappings_try_lock(void);
void mappings_unlock(void);

/* ---- snapshot.c */

/* Blocks of one stack. */
struct row {
    stack_ix stack;
    struct tally live, made;
};

struct snapshot {
    struct row *rows; /* of mappings, then of blocks; most bytes first */
    size_t n, n_mappings;
    size_t mapped;
    struct tally live, made;
};

/* What the profile knows; false: no memory, or (not waiting) the table cannot be frozen now. */
bool snapshot_take(struct snapshot *snapshot, bool may_wait);
void snapshot_free(struct snapshot *snapshot);
/* Most bytes first, in an order that is the same for the same rows. */
void rows_sort(struct row *rows, size_t n);

/* ---- text.c */

/* The first line, one for each stack, and the list of mapped objects. */
void text_head(const struct text_sink *sink, const struct tally *live, const struct tally *made,
               const char *label);
void text_row(const struct text_sink *sink, const struct tally *live, const struct tally *made,
              const uintptr_t *pcs, size_t n);
/* Under the profile's lock. */
void text_maps(const struct text_sink *sink);
void text_snapshot(const struct text_sink *sink, const struct snapshot *snapshot);

/* Text in pages, which grow; no room: out of memory. */
struct grown {
    char *p;
    size_t n, room;
};

struct text_sink grown_begin(struct grown *grown);
void grown_free(struct grown *grown);

/* ---- profile.c */

/* What the table of objects tells. */
void heap_profile_made(stack_ix stack, size_t size);
void heap_profile_gone(size_t size);
void heap_profile_after(void);
void heap_profile_thread_ends(void);

bool heap_profile_is_on(void);
void heap_profile_start(const char *prefix);
void heap_profile_stop(void);
/* Writes the next file; from a signal handler, now or as soon as can be. */
void heap_profile_dump(const char *reason);
void heap_profile_dump_from_signal(void);
/* The profile as text in memory of malloc's, or NULL. */
char *heap_profile_text(void);
void heap_profile_lock(void);
void heap_profile_unlock(void);
