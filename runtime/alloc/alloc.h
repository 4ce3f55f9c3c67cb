/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The allocator, as the other parts of the runtime see it. Programs see malloc, the operators and
 * the headers under gperftools/. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void alloc_ensure_started(void);

/* Whether malloc is ours: a library before this one, or the program, may have another, perhaps a
 * second copy of this. If it is not, says so to who has asked for more, by the variable. */
bool alloc_serves(const char *variable);

/* Of whoever wants to track from the first block on, if he is there: the allocator is ready. */
__attribute__((weak)) void alloc_has_started(void);

/* Asserts every invariant of every structure; ends the program when one does not hold. */
void alloc_check(void);

/* The block in use that holds the address: where it begins and how long it is. False if none does,
 * or if it is free in its span; a free block in a thread's list counts as in use. */
bool alloc_find(const void *p, const void **start, size_t *size);

/* ---- a word for each block, kept beside its pages, for whoever tracks blocks
 *
 * Zero is no word. While a block has one it is the program's; blocks that were made before somebody
 * tracked have none. A word is written by the thread that makes or frees the block, without a lock
 * that it shares with others. */

struct alloc_tracker {
    /* A block of the size is about to be made, for hooks_caller: its word, without flags. No lock
     * is held. */
    uint64_t (*make)(size_t size);
    /* It is made: the word that it gets, not zero. */
    uint64_t (*made)(uint64_t word, size_t size);
    /* Blocks of up to so many bytes are cleared, so that nothing of what was there before is in
     * them. */
    size_t (*clears)(void);
    /* It is about to go. */
    void (*gone)(uint64_t word, const void *p);
    /* There was no memory for a word. */
    void (*lost)(void);
    /* The call is over; no lock is held. */
    void (*after)(void);
    /* So is the thread, but for what its last destructors do. */
    void (*thread_ends)(void);
};

/* NULL: nobody tracks any more, and all words become zero. One change at a time. */
void alloc_track(const struct alloc_tracker *tracker);

/* This thread is in the middle of a call that has to do with a word: in a signal handler, whoever
 * waited for it would wait for himself. */
bool alloc_is_inside(void);

struct alloc_block {
    uintptr_t start;
    size_t room;
    uint64_t *word;
};

/* The block that has the address anywhere in its memory, if it has a word: of that memory, what is
 * the program's. Takes no lock. */
bool alloc_block_at(uintptr_t address, struct alloc_block *out);
/* No block is or was ever outside. */
void alloc_range(uintptr_t *low, uintptr_t *high);

/* Holds all locks of the allocator, and the arena's: no block comes or goes for good, and nobody
 * waits for one who holds a lock but for us. */
void alloc_freeze(void);
/* The same if nobody has to be waited for: safe in a signal handler. */
bool alloc_try_freeze(void);
void alloc_thaw(void);
/* Each block with a word, by growing address; frozen only. */
void alloc_each_block(void (*visit)(void *to, const struct alloc_block *block), void *to);

/* ---- samples: on average one block in so many bytes, with who made it */

/* Who knows stacks: of the program's call, hooks_caller, by number; and wants to know what the
 * system gave. Without it nothing is sampled. No lock is held. */
struct alloc_observer {
    uint32_t (*stack)(void);
    void (*grew)(size_t bytes);
};
void alloc_observe(const struct alloc_observer *observer);

size_t alloc_sample_period(void); /* bytes; 0: none is taken */
void alloc_sample_set_period(size_t bytes);
/* Each sample that lives. The allocator's locks are held. */
void alloc_each_sample(void (*visit)(void *to, uint32_t stack, size_t size), void *to);
