/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Blocks while somebody tracks them: each call takes the slow path, and each block gets a word. A
 * block and its word come and go together, inside the gate. While nobody tracks, blocks may be
 * sampled. */
#include "alloc/internal.h"

#include <string.h>

#include "hooks/hooks.h"

/* Written while the gate is closed, or before any word is. */
static const struct alloc_tracker *tracking;

static const struct alloc_tracker *tracker(void)
{
    return __atomic_load_n(&tracking, __ATOMIC_ACQUIRE);
}

bool tracked_any(void)
{
    return tracker() != NULL;
}

/* Inside the gate. */
static void set_word(const struct alloc_tracker *t, void *p, uint64_t word, size_t size)
{
    uint64_t *at = word_make(p);
    if (!at) {
        t->lost();
        return;
    }
    if (!pagemap_class((uintptr_t)p >> PAGE_SHIFT))
        pagemap_set_pages(pagemap_large(p));
    __atomic_store_n(at, t->made(word, size), __ATOMIC_RELAXED);
}

static void clear_word(const struct alloc_tracker *t, void *p)
{
    uint64_t *at = word_of(p);
    const uint64_t word = at ? __atomic_load_n(at, __ATOMIC_RELAXED) : 0;
    if (word == 0)
        return;
    t->gone(word, p);
    __atomic_store_n(at, 0, __ATOMIC_RELAXED);
}

static void *take(size_t size, size_t align, bool *is_zero)
{
    return align > 1 ? alloc_take_aligned(size, align) : alloc_take(size, is_zero);
}

static void clear(const struct alloc_tracker *t, void *p, size_t size, bool *is_zero)
{
    if (*is_zero || size > t->clears())
        return;
    memset(p, 0, size);
    *is_zero = true;
}

static void *take_with_word(const struct alloc_tracker *t, size_t size, size_t asked, size_t align,
                            bool *is_zero)
{
    const uint64_t word = t->make(asked);
    struct cache *cache = gate_enter();
    const struct alloc_tracker *now = tracker(); /* nobody, perhaps */
    void *p = take(size, align, is_zero);
    if (p && now) {
        clear(now, p, size, is_zero);
        set_word(now, p, word, asked);
    }
    gate_leave(cache);
    t->after();
    return p;
}

void *tracked_take(size_t size, size_t asked, bool *is_zero)
{
    const struct alloc_tracker *t = tracker();
    if (UNLIKELY(t))
        return take_with_word(t, size, asked, 1, is_zero);
    if (UNLIKELY(sample_is_due(asked, size <= SMALL_MAX))) {
        *is_zero = false;
        return sample_take(asked, asked, 1);
    }
    return alloc_take(size, is_zero);
}

void *tracked_take_aligned(size_t size, size_t align)
{
    const struct alloc_tracker *t = tracker();
    bool is_zero = false;
    if (UNLIKELY(t))
        return take_with_word(t, size, size, align, &is_zero);
    if (UNLIKELY(sample_is_due(size, false)))
        return sample_take(size, size, align);
    return alloc_take_aligned(size, align);
}

void *sampled_take(size_t size, size_t asked, size_t align)
{
    bool is_zero;
    if (UNLIKELY(!tracker() && sample_is_due(asked, false)))
        return sample_take(size, asked, align);
    return take(size, align, &is_zero);
}

void tracked_note(void *p, size_t asked)
{
    const struct alloc_tracker *t = tracker();
    if (LIKELY(!t))
        return;
    const uint64_t word = t->make(asked);
    struct cache *cache = gate_enter();
    const struct alloc_tracker *now = tracker();
    if (now)
        set_word(now, p, word, asked);
    gate_leave(cache);
    t->after();
}

void tracked_forget(void *p)
{
    const struct alloc_tracker *t = tracker();
    struct span *large = pagemap_large(p);
    if (large)
        __atomic_store_n(&large->sample, 0, __ATOMIC_RELAXED);
    if (LIKELY(!t))
        return;
    struct cache *cache = gate_enter();
    const struct alloc_tracker *now = tracker();
    if (now)
        clear_word(now, p);
    gate_leave(cache);
    t->after();
}

void tracked_give(void *p)
{
    const struct alloc_tracker *t = tracker();
    if (LIKELY(!t)) {
        alloc_give(p);
        return;
    }
    struct cache *cache = gate_enter();
    const struct alloc_tracker *now = tracker();
    if (now)
        clear_word(now, p);
    alloc_give(p);
    gate_leave(cache);
    t->after();
}

static bool resize(void *p, size_t size)
{
    struct span *large = pagemap_large(p);
    if (!large)
        return true;
    const bool done = pageheap_resize(large, pages_for(size));
    if (done && large->sample)
        sample_resize(large, size);
    return done;
}

bool tracked_resize(void *p, size_t size)
{
    const struct alloc_tracker *t = tracker();
    if (LIKELY(!t))
        return resize(p, size);
    const uint64_t word = t->make(size);
    struct cache *cache = gate_enter();
    const struct alloc_tracker *now = tracker();
    const bool done = resize(p, size);
    if (done && now) {
        clear_word(now, p);
        set_word(now, p, word, size);
    }
    gate_leave(cache);
    t->after();
    return done;
}

void tracked_thread_ends(void)
{
    const struct alloc_tracker *t = tracker();
    if (t)
        t->thread_ends();
}

void alloc_track(const struct alloc_tracker *to)
{
    alloc_ensure_started();
    gate_start();
    if (to) { /* whoever finds it finds the fast path closed */
        hooks_track(true);
        __atomic_store_n(&tracking, to, __ATOMIC_RELEASE);
        return;
    }
    alloc_freeze();
    __atomic_store_n(&tracking, NULL, __ATOMIC_RELEASE);
    words_clear();
    alloc_thaw();
    hooks_track(false);
}
