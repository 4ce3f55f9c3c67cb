/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which blocks of the program live, and who made them: what the heap profile is written from and
 * the leak check marks in. Each live block that was made while somebody tracks has one word, which
 * the allocator keeps beside its pages:
 *
 *     63     56 55             32 31                             0
 *     [ flags  ][ number of stack ][ size asked for, cut at 4 GiB ]
 *
 * So a block is found from any address within it in a few loads, and nothing is hashed. A word is
 * written by the thread that makes or frees the block, without a lock; a word of zero is no block.
 * Stacks are kept once, and stay until the process ends. Nothing here uses the program's malloc. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- stacks */

typedef uint32_t stack_ix; /* 0: unknown, for want of memory */

enum { STACK_DEEPEST = 32 }; /* the outer frames of deeper ones are left out */

/* The addresses of a stack, innermost first; the first is where the call of the allocator returns
 * to. NULL, and *n = 0, for the unknown one. Takes no lock. */
const uintptr_t *stack_pcs(stack_ix stack, size_t *n);
/* The stack of the program's call of the allocator, kept: only while the allocator runs, in what it
 * tells. For pieces that other tools follow. */
stack_ix stack_of_call(void);

/* ---- objects: blocks that somebody tracks */

enum tracker {
    TRACKER_PROFILE = 1 << 0,
    TRACKER_CHECK = 1 << 1,
};

/* Blocks made from now on are tracked for `who`, or no more. The words of all blocks are forgotten
 * when the last one stops. Not from a signal handler. */
void objects_track(enum tracker who, bool on);
bool objects_are_tracked(enum tracker who);

/* Flags of an object. All but the first are for the checker to use as it likes. */
enum {
    OBJECT_PROFILED = 1 << 0, /* made while the profile was on */
    OBJECT_MARKED = 1 << 1,
    OBJECT_IGNORED = 1 << 2,
    OBJECT_DISABLED = 1 << 3,
    OBJECT_BASE = 1 << 4, /* this bit and the three above: four baselines at a time */
};

/* Objects that the calling thread makes from now on have these flags from the start. */
void objects_flags_for_new(uint8_t flags);
uint8_t objects_flags_now(void);

struct object {
    uintptr_t start;
    size_t size; /* as asked for */
    stack_ix stack;
    uint8_t flags; /* as they were when it was looked at */
    uint64_t *word;
};

/* Takes all locks that a thread may hold while it makes the table inconsistent, the allocator's and
 * the arena's too: until objects_thaw no block comes or goes for good, and whoever stops the other
 * threads in between stops none that holds one. Whoever holds the table must not call malloc, free,
 * arena_take or anything else of this header but what says so. */
void objects_freeze(void);
void objects_thaw(void);

/* The object that has the address anywhere within the room of its block (which may be larger than
 * what was asked for: compare with `size`), or, exact, the one of a block that the caller owns.
 * Takes no lock; in a frozen table what it says stays true. */
bool objects_find(uintptr_t address, struct object *out);
/* No tracked block is or was ever outside. Takes no lock. */
void objects_range(uintptr_t *low, uintptr_t *high);
/* Every object, by growing address; frozen only. */
void objects_each(void (*visit)(void *to, const struct object *object), void *to);
/* Sets and clears flags, whoever else does so at the same time. */
void objects_change_flags(const struct object *object, uint8_t set, uint8_t clear);
/* Clears flags of all objects; frozen only. */
void objects_clear_flags(uint8_t flags);

/* Blocks that were made while tracked but for which there was no memory. */
size_t objects_lost(void);

/* ---- the profiler */

/* Writes the profile's last file, if one is being made: for a tool that ends the process. */
void heap_profile_end(void);
