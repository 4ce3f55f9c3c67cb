/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The allocator below its entry points, under the thread sanitizer: threads come and go, take and
 * give blocks of all sizes, hand them on to each other, and meanwhile others ask for statistics,
 * release memory, listen, fork and let time pass. The program's own malloc is the sanitizer's. */
#include "alloc/internal.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc/fast.h"
#include "hooks/hooks.h"

/* There are no entry points. */
void entries_start(void)
{
}

void entries_lock(void)
{
}

void entries_unlock(void)
{
}

enum { THREADS = 4, LIVES = 6, STEPS = 4000, HELD = 64, SHARED = 128 };

/* Blocks that wait for any thread to take them over. */
static void *_Atomic shared[SHARED];
static atomic_bool is_over;

static uint32_t draw(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)*seed * below) >> 32);
}

static void *take(size_t size)
{
    bool is_zero;
    void *p = fast_take(size);
    if (!p)
        p = alloc_take(size, &is_zero);
    if (!p)
        abort();
    memset(p, 7, size < 100 ? size : 100);
    return p;
}

static void give(void *p)
{
    if (p && !fast_push(fast_class(p), p))
        alloc_give(p);
}

static void *live(void *number)
{
    uint32_t seed = (uint32_t)(uintptr_t)number;
    void *held[HELD] = {0};
    for (int i = 0; i < STEPS; i++) {
        static const uint32_t limits[] = {64, 512, 4096, 60000, 400000};
        void **slot = &held[draw(&seed, HELD)];
        give(*slot);
        *slot = take(1 + draw(&seed, limits[draw(&seed, 5)]));
        const void *start;
        size_t size;
        if (!alloc_find(*slot, &start, &size) || start != *slot)
            abort();
        if (i % 4 == 0)
            *slot = atomic_exchange(&shared[draw(&seed, SHARED)], *slot);
    }
    for (int i = 0; i < HELD; i++)
        give(held[i]);
    return NULL;
}

/* Takes over blocks that others made, and never makes one. */
static void *only_frees(void *unused)
{
    uint32_t seed = 99;
    while (!is_over)
        give(atomic_exchange(&shared[draw(&seed, SHARED)], NULL));
    return unused;
}

static void hear(const void *p, size_t size)
{
    (void)p;
    (void)size;
}

static void *looks_after(void *unused)
{
    static struct alloc_stats stats;
    static struct span spans[16];
    for (int i = 0; !is_over; i++) {
        alloc_stats(&stats);
        (void)pageheap_copy(0, spans, 16);
        (void)cache_bytes();
        cache_tick();
        central_tick(i % 4 == 0);
        pageheap_tick();
        if (i % 8 == 0)
            (void)pageheap_release(1 << 20);
        if (i % 16 == 0 && hooks_add_new(hear))
            (void)hooks_remove_new(hear);
        if (i % 32 == 0)
            cache_set_total_limit((size_t)(1 + i % 64) << 20);
        usleep(1000);
    }
    return unused;
}

static void fork_once(void)
{
    const pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 1000; i++)
            give(take((size_t)i * 17));
        _exit(0);
    }
    int status = 1;
    if (waitpid(pid, &status, 0) != pid || status != 0)
        abort();
}

int main(void)
{
    pthread_t others[2], threads[THREADS];
    give(take(1));
    pthread_create(&others[0], NULL, only_frees, NULL);
    pthread_create(&others[1], NULL, looks_after, NULL);
    for (uintptr_t i = 0; i < LIVES; i++) {
        for (uintptr_t k = 0; k < THREADS; k++)
            pthread_create(&threads[k], NULL, live, (void *)(i * THREADS + k + 1));
        fork_once();
        for (int k = 0; k < THREADS; k++)
            pthread_join(threads[k], NULL);
    }
    is_over = true;
    for (int k = 0; k < 2; k++)
        pthread_join(others[k], NULL);
    for (int i = 0; i < SHARED; i++)
        give(shared[i]);
    alloc_check();
    puts("1..1\nok 1 - allocator");
    return 0;
}
