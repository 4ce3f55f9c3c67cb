/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Blocks while somebody tracks them: each call takes the slow path, and each block gets a word. A
 * block and its word come and go together inside a gate. A thread has a gate of its own, its
 * cache's, so that it is never waited for but by whoever freezes the allocator and takes them all.
 * Threads without a cache share one. */
#include "alloc/internal.h"

#include "hooks/hooks.h"

/* Written with all gates held, or before any word is. */
static const struct alloc_tracker *tracking;

static const struct alloc_tracker *tracker(void)
{
    return __atomic_load_n(&tracking, __ATOMIC_ACQUIRE);
}

bool tracked_any(void)
{
    return tracker() != NULL;
}

static struct lock *enter(void)
{
    if (own.is_inside) /* a signal handler that allocates, in the middle of it */
        return NULL;
    struct lock *gate = &cache_own()->gate;
    own.is_inside = 1;
    lock_take(gate);
    return gate;
}

static void leave(struct lock *gate)
{
    if (!gate)
        return;
    lock_drop(gate);
    own.is_inside = 0;
}

/* Inside the gate. False: there is no memory for it. */
static bool set_word(void *p, uint64_t word)
{
    uint64_t *at = word_make(p);
    if (!at)
        return false;
    if (!pagemap_class((uintptr_t)p >> PAGE_SHIFT))
        pagemap_set_pages(pagemap_large(p));
    __atomic_store_n(at, word, __ATOMIC_RELAXED);
    return true;
}

static void *take(size_t size, size_t align, bool *is_zero)
{
    return align > 1 ? alloc_take_aligned(size, align) : alloc_take(size, is_zero);
}

static void *take_with_word(const struct alloc_tracker *t, size_t size, size_t asked, size_t align,
                            bool *is_zero)
{
    const uint64_t word = t->make(asked);
    struct lock *gate = enter();
    t = tracker(); /* outside it may have been another one */
    void *p = take(size, align, is_zero);
    const bool is_lost = p && t && !set_word(p, word | t->flags());
    leave(gate);
    if (is_lost)
        t->lost();
    return p;
}

void *tracked_take(size_t size, size_t asked, bool *is_zero)
{
    const struct alloc_tracker *t = tracker();
    return UNLIKELY(t) ? take_with_word(t, size, asked, 1, is_zero) : alloc_take(size, is_zero);
}

void *tracked_take_aligned(size_t size, size_t align)
{
    const struct alloc_tracker *t = tracker();
    bool is_zero;
    return UNLIKELY(t) ? take_with_word(t, size, size, align, &is_zero)
                       : alloc_take_aligned(size, align);
}

void tracked_give(void *p)
{
    if (LIKELY(!tracked_any())) {
        alloc_give(p);
        return;
    }
    struct lock *gate = enter();
    uint64_t *word = word_of(p);
    if (word)
        __atomic_store_n(word, 0, __ATOMIC_RELAXED);
    alloc_give(p);
    leave(gate);
}

static bool resize(void *p, size_t size)
{
    struct span *large = pagemap_large(p);
    return !large || pageheap_resize(large, pages_for(size));
}

bool tracked_resize(void *p, size_t size)
{
    const struct alloc_tracker *t = tracker();
    if (LIKELY(!t))
        return resize(p, size);
    const uint64_t word = t->make(size);
    struct lock *gate = enter();
    t = tracker();
    const bool done = resize(p, size);
    const bool is_lost = done && t && !set_word(p, word | t->flags());
    leave(gate);
    if (is_lost)
        t->lost();
    return done;
}

bool alloc_track(const struct alloc_tracker *to)
{
    alloc_ensure_started();
    if (!entries_can_be_tracked())
        return false;
    if (to) { /* whoever finds it finds the fast path closed */
        hooks_track(true);
        __atomic_store_n(&tracking, to, __ATOMIC_RELEASE);
        return true;
    }
    alloc_freeze();
    __atomic_store_n(&tracking, NULL, __ATOMIC_RELEASE);
    words_clear();
    alloc_thaw();
    hooks_track(false);
    return true;
}
