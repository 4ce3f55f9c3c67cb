/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The fast path, for all entry points: a block from the thread's list of its class and back. No
 * lock, no call. Whatever is not plain answers NULL or false: no list yet, list empty or full,
 * large blocks, foreign pointers, somebody who listens. The tables are blank in all these cases, or
 * the list of class 0, which has never a block and never room, is met. */
#pragma once

#include "alloc/internal.h"

/* Read while fast_hide or fast_show may write: one or the other is seen. */
static inline uint32_t fast_size_class(size_t index)
{
    return __atomic_load_n(&fast.of_size[index], __ATOMIC_RELAXED);
}

/* fetches_next: the block that the next call takes is on its way into the processor's cache by
 * then, so that the call need not wait for the link in it. Only for small ones: those of some pages
 * all fall into the same few lines, and would drive each other out. */
static inline void *fast_pop(uint32_t class_ix, bool fetches_next)
{
    struct cache *cache = own.cache;
    void *block = cache->head[class_ix];
    if (UNLIKELY(!block))
        return NULL;
    void *next = *(void **)block;
    cache->head[class_ix] = next;
    cache->room[class_ix]++;
    if (fetches_next)
        __builtin_prefetch(next);
    return block;
}

/* While blocks are sampled: false if this is one to be. */
static inline bool fast_passes(size_t size)
{
    return LIKELY((own.until_sample -= (int64_t)size) >= 0);
}

static inline void *fast_take(size_t size)
{
    if (LIKELY(size <= own.fine_most))
        return fast_pop(fast_size_class((size + 7) >> 3), true);
    if (size <= FINE_MAX) /* it was more than 0: blocks are sampled */
        return fast_passes(size) ? fast_pop(fast_size_class((size + 7) >> 3), true) : NULL;
    if (LIKELY(size <= SMALL_MAX) && (own.fine_most != 0 || fast_passes(size)))
        return fast_pop(fast_size_class(class_index(size)), false);
    return NULL;
}

/* For alignments up to a page. Spans begin at a page, so all blocks of a class are aligned when
 * its size is; the class of the size rounded up to the alignment nearly always is. A size of 0 and
 * an alignment of 0 are rare. */
static inline void *fast_take_aligned(size_t size, size_t align)
{
    if (UNLIKELY(align > own.align_most) || UNLIKELY(size - 1 >= SMALL_MAX - PAGE_SIZE))
        return NULL;
    const uint32_t c = fast_size_class(class_index((size + align - 1) & -align));
    if (UNLIKELY((classes.facts[c].size & (align - 1)) != 0))
        return NULL;
    return fast_pop(c, false);
}

/* The class of the block's page; 0 for all that is not plain. */
static inline uint32_t fast_class(const void *p)
{
    const uintptr_t a = (uintptr_t)p;
    if (UNLIKELY(a >> ADDRESS_BITS))
        return 0;
    const uintptr_t leaf = __atomic_load_n(&fast.class_of[a >> ROOT_SHIFT], __ATOMIC_RELAXED);
    if (UNLIKELY(!leaf))
        return 0;
    return __atomic_load_n((const uint8_t *)(leaf + (a >> PAGE_SHIFT)), __ATOMIC_RELAXED);
}

static inline bool fast_push(uint32_t class_ix, void *p)
{
    struct cache *cache = own.cache;
    void *head = cache->head[class_ix];
    const uint32_t room = cache->room[class_ix];
    if (UNLIKELY(room == 0) || UNLIKELY(head == p)) /* the second: freed twice in a row */
        return false;
    *(void **)p = head;
    cache->head[class_ix] = p;
    cache->room[class_ix] = room - 1;
    return true;
}
