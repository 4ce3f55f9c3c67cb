/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A thread's own blocks: a list for each class, from which the fast path takes and to which it
 * gives. Here is what happens when one is empty or full. A list begins with room for little and
 * gets more each time it runs empty; all lists of a thread together may hold so many bytes, and so
 * may all threads. What lay unused from one tick to the next goes back.
 *
 * A cache belongs to one thread and is touched by no other. After a fork the child keeps the
 * caches of threads that it does not have, until a new thread takes them over: their lists were
 * cut off at any instruction, so they are counted anew then. */
#include "alloc/internal.h"

#include <pthread.h>
#include <time.h>

#include "base/arena.h"

enum {
    LONGEST = 8192, /* blocks in a list */
    LIMIT_STEP = 64 << 10,
    LIMIT_MOST = 8 << 20, /* of one thread; past it the blocks used last go, and L2 with them */
    TOTAL_LEAST = 512 << 10,
    TOTAL_MOST = 1 << 30,
    GROWTH = 4,   /* a short list becomes longer by a quarter */
    VICTIMS = 10, /* lists asked to give up room, at most */
    POOR = 2,     /* a list with room for less takes some from others */
};
#define TICK_NS 50000000u

struct cache cache_none;
__thread struct own own = {.cache = &cache_none, .fine_most = FINE_MAX, .align_most = PAGE_SIZE};

static struct {
    struct lock lock; /* guards the list, and who has which cache */
    struct cache *all;
    size_t total;          /* what all limits together may be */
    size_t least;          /* the limit of a new cache */
    _Atomic int64_t spare; /* what is left of the total; may be below zero, each gets the least */
    _Atomic uint64_t next_tick;
    pthread_key_t key;
    bool has_key;
} caches = {.least = 512 << 10};

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint32_t length(const struct cache *cache, uint32_t c)
{
    return cache->max[c] - cache->room[c];
}

/* Gives back the first n blocks of a list, and takes away so much of its room. */
static void shed(struct cache *cache, uint32_t c, uint32_t n)
{
    while (n > 0) {
        const uint32_t batch = n < classes.facts[c].batch ? n : classes.facts[c].batch;
        void *chain = cache->head[c], *last = chain;
        for (uint32_t i = 1; i < batch; i++)
            last = *(void **)last;
        cache->head[c] = *(void **)last;
        *(void **)last = NULL;
        cache->room[c] += batch;
        central_give(c, chain, batch);
        n -= batch;
    }
}

/* Sets how many blocks a list may hold, which is no less than it does. */
static void set_max(struct cache *cache, uint32_t c, uint32_t max)
{
    const size_t size = classes.facts[c].size;
    cache->claimed = cache->claimed + max * size - cache->max[c] * size;
    cache->room[c] += max - cache->max[c];
    cache->max[c] = max;
}

/* May the cache claim so many bytes more? Asks for a higher limit, then the other lists. */
static bool claim(struct cache *cache, uint32_t for_class, size_t bytes)
{
    while (cache->claimed + bytes > cache->limit && cache->limit < LIMIT_MOST) {
        if (atomic_fetch_sub(&caches.spare, LIMIT_STEP) < LIMIT_STEP) {
            atomic_fetch_add(&caches.spare, LIMIT_STEP);
            break;
        }
        cache->limit += LIMIT_STEP;
    }
    const bool may_steal =
        cache->max[for_class] < POOR || cache->max[for_class] >= classes.facts[for_class].batch;
    for (int tries = 0; may_steal && tries < VICTIMS && cache->claimed + bytes > cache->limit;
         tries++) {
        cache->thief = cache->thief + 1 < CLASSES ? cache->thief + 1 : 1;
        const uint32_t c = cache->thief;
        if (c == for_class || cache->max[c] == 0)
            continue;
        const uint32_t max = cache->max[c] / 2;
        if (length(cache, c) > max)
            shed(cache, c, length(cache, c) - max);
        set_max(cache, c, max);
    }
    return cache->claimed + bytes <= cache->limit;
}

static void flush(struct cache *cache)
{
    for (uint32_t c = 1; c < CLASSES; c++) {
        shed(cache, c, length(cache, c));
        set_max(cache, c, 0);
        cache->seen[c] = 0;
        cache->overruns[c] = 0;
    }
}

/* The destructor of the thread's value: what the thread kept goes back. Blocks that it takes or
 * gives later on, in other destructors or inside libc, pass by without a cache. */
static void end_of_thread(void *value)
{
    struct cache *cache = value;
    tracked_thread_ends();
    own.cache = &cache_none;
    own.is_ending = 1;
    flush(cache);
    cache_tick();
    atomic_fetch_add(&caches.spare, (int64_t)cache->limit);
    lock_take(&caches.lock);
    cache->has_thread = false;
    lock_drop(&caches.lock);
}

void cache_start(void)
{
    cache_set_total_limit(knobs.total_cache);
    caches.has_key = pthread_key_create(&caches.key, end_of_thread) == 0;
}

/* After a fork: makes the counts what the lists really are. */
static void recount(struct cache *cache)
{
    cache->claimed = 0;
    for (uint32_t c = 1; c < CLASSES; c++) {
        uint32_t n = 0;
        for (void **block = cache->head[c]; block; block = *block)
            n++;
        cache->max[c] = n;
        cache->room[c] = 0;
        cache->claimed += (size_t)n * classes.facts[c].size;
    }
}

static struct cache *cache_new(void)
{
    if (own.is_ending || own.is_inside) /* inside, the list's lock comes too late */
        return NULL;
    lock_take(&caches.lock);
    struct cache *cache = caches.all;
    while (cache && cache->has_thread)
        cache = cache->next;
    if (cache) {
        cache->has_thread = true;
    } else if ((cache = arena_take(sizeof *cache)) != NULL) {
        cache->has_thread = true;
        cache->next = caches.all;
        caches.all = cache;
    }
    lock_drop(&caches.lock);
    if (!cache)
        return NULL;
    recount(cache);
    cache->limit = caches.least;
    cache->next_tick = now() + TICK_NS;
    atomic_fetch_sub(&caches.spare, (int64_t)cache->limit);
    own.cache = cache;
    flush(cache); /* what an orphan kept */
    if (caches.has_key)
        pthread_setspecific(caches.key, cache); /* may allocate, which works by now */
    return cache;
}

struct cache *cache_own(void)
{
    if (UNLIKELY(own.cache == &cache_none))
        (void)cache_new();
    return own.cache;
}

static void tick(struct cache *cache, uint64_t at)
{
    cache->next_tick = at + TICK_NS;
    for (uint32_t c = 1; c < CLASSES; c++) {
        const uint32_t n = length(cache, c);
        const uint32_t idle = n < cache->seen[c] ? n : cache->seen[c];
        if (idle > 0) {
            shed(cache, c, idle);
            const uint32_t least = classes.facts[c].batch;
            if (cache->max[c] > least)
                set_max(cache, c, cache->max[c] - idle > least ? cache->max[c] - idle : least);
        }
        cache->seen[c] = n - idle;
    }
}

void cache_tick(void)
{
    const uint64_t at = now();
    if (own.cache != &cache_none && at >= own.cache->next_tick)
        tick(own.cache, at);
    uint64_t next = atomic_load_explicit(&caches.next_tick, memory_order_relaxed);
    if (at < next || !atomic_compare_exchange_strong(&caches.next_tick, &next, at + TICK_NS))
        return;
    if (knobs.never_releases)
        return;
    central_tick(false);
    pageheap_tick();
}

void *cache_refill(uint32_t c)
{
    struct cache *cache = own.cache;
    void *chain;
    if (UNLIKELY(cache == &cache_none) && !(cache = cache_new()))
        return central_take(c, 1, &chain) ? chain : NULL;
    if (UNLIKELY(cache->head[c] != NULL)) {
        /* The fast path did not come here: its view is blank, or it knew a smaller class. */
        void *block = cache->head[c];
        cache->head[c] = *(void **)block;
        cache->room[c]++;
        *(void **)block = NULL;
        return block;
    }
    cache_tick();
    const struct class_facts *f = &classes.facts[c];
    uint32_t max = cache->max[c];
    const uint32_t want = max < f->first ? f->first : max < f->batch ? max : f->batch;
    const uint32_t got = central_take(c, want, &chain);
    if (got == 0)
        return NULL;
    /* It ran empty: it may become longer. Slowly up to a batch; beyond that only as often as it
     * was too full before, for a thread that only takes has no use for a long list. */
    uint32_t more = max == 0 ? f->first : max < f->batch ? max / GROWTH + 1 : 0;
    if (more == 0 && cache->overruns[c] > 0) {
        cache->overruns[c]--;
        more = f->batch;
    }
    if (max + more > LONGEST)
        more = max < LONGEST ? LONGEST - max : 0;
    if (more > 0 && claim(cache, c, (size_t)more * f->size))
        set_max(cache, c, max + more);
    if (cache->max[c] < got - 1)
        set_max(cache, c, got - 1);
    void *block = chain;
    cache->head[c] = *(void **)block;
    cache->room[c] = cache->max[c] - (got - 1);
    *(void **)block = NULL;
    return block;
}

void cache_overflow(uint32_t c, void *p)
{
    struct cache *cache = own.cache;
    if (UNLIKELY(cache == &cache_none) && !(cache = cache_new())) {
        *(void **)p = NULL;
        central_give(c, p, 1);
        return;
    }
    const struct class_facts *f = &classes.facts[c];
    if (p == cache->head[c])
        misuse_double_free(p);
    if (cache->room[c] == 0) {
        cache_tick();
        if (cache->room[c] == 0)
            shed(cache, c, length(cache, c) < f->batch ? length(cache, c) : f->batch);
        if (cache->max[c] < f->batch) {
            if (claim(cache, c, f->size))
                set_max(cache, c, cache->max[c] + 1);
        } else if (cache->overruns[c] < UINT8_MAX) {
            cache->overruns[c]++;
        }
        if (cache->room[c] == 0) {
            *(void **)p = NULL;
            central_give(c, p, 1);
            return;
        }
    }
    *(void **)p = cache->head[c];
    cache->head[c] = p;
    cache->room[c]--;
}

void cache_flush(void)
{
    if (own.cache != &cache_none)
        flush(own.cache);
}

void cache_lock(void)
{
    lock_take(&caches.lock);
}

bool cache_try_lock(void)
{
    return lock_try(&caches.lock);
}

void cache_unlock(void)
{
    lock_drop(&caches.lock);
}

struct cache *cache_all(void)
{
    return caches.all;
}

void cache_after_fork(void)
{
    /* The lock is held, and there is one thread. */
    for (struct cache *cache = caches.all; cache; cache = cache->next)
        if (cache != own.cache && cache->has_thread) {
            cache->has_thread = false;
            atomic_fetch_add(&caches.spare, (int64_t)cache->limit);
        }
}

size_t cache_bytes(void)
{
    size_t bytes = 0;
    if (own.cache != &cache_none)
        for (uint32_t c = 1; c < CLASSES; c++)
            bytes += (size_t)length(own.cache, c) * classes.facts[c].size;
    return bytes;
}

size_t cache_total_limit(void)
{
    return caches.total;
}

void cache_set_total_limit(size_t bytes)
{
    bytes = bytes < TOTAL_LEAST ? TOTAL_LEAST : bytes > TOTAL_MOST ? TOTAL_MOST : bytes;
    atomic_fetch_add(&caches.spare, (int64_t)bytes - (int64_t)caches.total);
    caches.total = bytes;
}

size_t cache_least_limit(void)
{
    return caches.least;
}

void cache_set_least_limit(size_t bytes)
{
    caches.least = bytes > LIMIT_MOST ? LIMIT_MOST : bytes;
}

/* Other threads go on: their lengths are as good as a glance can be. */
__attribute__((no_sanitize("thread"))) void cache_stats(size_t bytes[CLASSES], size_t *count)
{
    *count = 0;
    lock_take(&caches.lock);
    for (const struct cache *cache = caches.all; cache; cache = cache->next) {
        *count += cache->has_thread;
        for (uint32_t c = 1; c < CLASSES; c++) {
            const uint32_t max = __atomic_load_n(&cache->max[c], __ATOMIC_RELAXED);
            const uint32_t room = __atomic_load_n(&cache->room[c], __ATOMIC_RELAXED);
            if (max > room)
                bytes[c] += (size_t)(max - room) * classes.facts[c].size;
        }
    }
    lock_drop(&caches.lock);
}

void cache_check(void)
{
    const struct cache *cache = own.cache;
    for (uint32_t c = 0; c < CLASSES; c++)
        ALLOC_CHECK(!cache_none.head[c] && cache_none.room[c] == 0);
    if (cache == &cache_none)
        return;
    size_t claimed = 0;
    ALLOC_CHECK(!cache->head[0] && cache->room[0] == 0);
    for (uint32_t c = 1; c < CLASSES; c++) {
        uint32_t n = 0;
        for (void **block = cache->head[c]; block; block = *block) {
            ALLOC_CHECK(pagemap_class((uintptr_t)block >> PAGE_SHIFT) == c);
            ALLOC_CHECK(++n <= cache->max[c]);
        }
        ALLOC_CHECK(n == length(cache, c));
        claimed += (size_t)cache->max[c] * classes.facts[c].size;
    }
    ALLOC_CHECK(claimed == cache->claimed);
}
