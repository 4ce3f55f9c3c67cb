/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A bump pointer over chunks of pages. A chunk is much larger than what a small program needs,
 * because pages that nobody touches cost nothing. */
#include "base/arena.h"

#include <stdint.h>

#include "base/lock.h"
#include "base/pages.h"

enum { CHUNK = 1 << 20, CACHE_LINE = 64, ALIGN = 16 };

static struct {
    struct lock lock; /* guards all below */
    uintptr_t at, end;
    size_t used;
} arena;

void *arena_take(size_t size)
{
    const size_t align = size >= CACHE_LINE ? CACHE_LINE : ALIGN;
    if (size > SIZE_MAX / 2)
        return NULL;
    lock_take(&arena.lock);
    uintptr_t p = (arena.at + align - 1) & ~(uintptr_t)(align - 1);
    if (p + size > arena.end || arena.at == 0) {
        /* What is larger than a quarter of a chunk gets pages of its own, and the rest of the
         * chunk stays in use. */
        const bool is_big = size > CHUNK / 4;
        const size_t n = is_big ? (size + SYSTEM_PAGE - 1) & ~(size_t)(SYSTEM_PAGE - 1) : CHUNK;
        void *fresh = pages_map(NULL, n, SYSTEM_PAGE);
        if (!fresh) {
            lock_drop(&arena.lock);
            return NULL;
        }
        p = (uintptr_t)fresh;
        if (is_big) {
            arena.used += size;
            lock_drop(&arena.lock);
            return fresh;
        }
        arena.end = p + CHUNK;
    }
    arena.at = p + size;
    arena.used += size;
    lock_drop(&arena.lock);
    return (void *)p;
}

size_t arena_used(void)
{
    lock_take(&arena.lock);
    const size_t n = arena.used;
    lock_drop(&arena.lock);
    return n;
}

bool arena_each_lock(lock_step *step)
{
    return step(&arena.lock);
}
