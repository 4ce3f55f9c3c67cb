/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The debugging allocator: the same calls over the same blocks, but each block of the program
 * stands between words that must not change, and what was given back is kept for a while and must
 * not change either. It links these files in place of the plain entry points.
 *
 *   entries.c, operators.c   the calls
 *   block.c                  the form of a block, and what its state says about a call
 *   queue.c                  blocks that were given back
 *   map.c                    what became of every address that was ever handed out
 *   verify.c                 looking at everything when the program asks for it
 *   trace.c                  a line a call
 *
 * A block, in memory of the allocator's:
 *
 *   start        user - 32   user            user + size
 *   | 0xAB ...   | head      | the program's | tail, at any address |
 *
 * or, with page fences, in pages of its own, the last of which nobody may touch:
 *
 *   start        user - 32   user            user + size        fence
 *   |            | head      | the program's | less than align  | 4096 bytes |
 *
 * The first word of the memory is the head's address; a head that stands there begins with it.
 *
 * Nothing in a block is trusted before the map has said that it is one, and its head that it is
 * whole. */
#pragma once

#include "alloc/internal.h"

#include "base/lock.h"
#include "unwind/unwind.h"

enum kind { KIND_MALLOC, KIND_NEW, KIND_NEW_ARRAY };

enum {
    HEAD_SIZE = 32,
    TAIL_SIZE = 16,
    DEBUG_ALIGN = 16, /* of every block */
    BYTE_NEW = 0xab,
    BYTE_FREED = 0xcd,
    DEEPEST_FREE = 16, /* frames of who gave a block back */
};

/* From the environment; read once. */
extern struct debug_knobs {
    bool fences;          /* TCMALLOC_PAGE_FENCE */
    bool never_reclaims;  /* TCMALLOC_PAGE_FENCE_NEVER_RECLAIM */
    bool may_read_fences; /* TCMALLOC_PAGE_FENCE_READABLE */
    bool reclaims;        /* TCMALLOC_RECLAIM_MEMORY */
    bool names;           /* TCMALLOC_SYMBOLIZE_STACKTRACE */
    bool traces;          /* TCMALLOC_TRACE */
    size_t most_waiting;  /* TCMALLOC_MAX_FREE_QUEUE_SIZE */
} debug_knobs;

/* Guards map and queue. What is found wrong is told after it was dropped: handlers of SIGABRT may
 * allocate. */
extern struct lock debug_lock;

/* ---- block.c */

/* A block of so many bytes, each BYTE_NEW; NULL when out of memory. align: a power of two. caller:
 * where the program called. */
void *debug_take(size_t size, size_t align, enum kind kind, struct caller caller);

/* The size of the block that begins at p. Ends the program when there is none. */
size_t debug_size(const void *p);

/* Ends the program unless p may be given back now, in this way. said: the size that the caller
 * named, 0 if he did not. Returns its size. */
size_t debug_examine(const void *p, enum kind kind, size_t said);

/* The same, and marks it as given back: no other call finds it any more. */
size_t debug_claim(void *p, enum kind kind, size_t said);
/* The rest of giving it back. caller: where the program called. */
void debug_retire(void *p, struct caller caller);

/* What is wrong with a block in use. Under the lock. */
enum fault { FAULT_NONE, FAULT_BEFORE, FAULT_FREED, FAULT_AFTER, FAULT_MEMORY_MAP };
enum fault debug_fault(const void *p, enum kind kind);
_Noreturn COLD void debug_report(const void *p, enum fault fault);
/* Of a block that is whole. Under the lock. */
size_t debug_size_of(const void *p);

/* ---- map.c; all under the lock */

enum place_state { PLACE_UNKNOWN, PLACE_LIVE, PLACE_WAITING, PLACE_GONE };

struct place {
    enum place_state state;
    enum kind kind;
};

struct place map_find(const void *p);
/* False: out of memory, which cannot be when p has a place. */
bool map_put(const void *p, struct place place);
/* Each block in use, until the visitor says no. */
void map_each_live(bool (*visit)(void *arg, const void *p, enum kind kind), void *arg);

/* ---- queue.c */

struct waiting {
    unsigned char *start;
    const void *user;
    size_t total;
    uintptr_t thread;
    size_t n_pcs;
    uintptr_t pcs[DEEPEST_FREE];
};

/* Takes the block over, all bytes of it BYTE_FREED. */
void queue_push(const struct waiting *freed);
size_t queue_bytes(void);

/* ---- trace.c */

void trace_call(const char *call, size_t size, const void *p, struct caller caller);

/* ---- entries.c */

/* The end of a call that took a block, or did not get it; p is returned. */
void *debug_finish(void *p, size_t size, struct caller caller);
/* A whole call that gives one back. */
void debug_free(void *p, enum kind kind, size_t said, struct caller caller);
