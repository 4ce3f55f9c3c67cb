/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The gate that each call passes while blocks are tracked, so that somebody can keep all out and
 * look at a whole table. A thread says in its cache that it is inside, then looks whether the gate
 * is closed; who closes it says so, then looks who is inside. Between saying and looking each needs
 * a barrier, or both may miss the other: as closing is rare, it makes the barrier for all threads,
 * by a system call, and entering costs two plain stores. Threads without a cache share a lock. */
#include "alloc/internal.h"

#include <linux/membarrier.h>
#include <time.h>

#include "base/syscall.h"

static struct {
    struct lock lock; /* held while it is closed: who wants in waits here */
    bool is_closed;
    bool has_barrier; /* the system call is there; else all pay */
    struct lock shared;
} gate;

static long barrier(int command)
{
    return sys_call(SYS_membarrier, command, 0, 0, 0, 0, 0);
}

void gate_start(void)
{
    if (!gate.has_barrier && barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0)
        __atomic_store_n(&gate.has_barrier, true, __ATOMIC_RELAXED);
}

static bool is_closed(struct cache *cache)
{
    __atomic_store_n(&cache->inside, 1, __ATOMIC_RELAXED);
    if (LIKELY(__atomic_load_n(&gate.has_barrier, __ATOMIC_RELAXED)))
        atomic_signal_fence(memory_order_seq_cst);
    else
        atomic_thread_fence(memory_order_seq_cst);
    return __atomic_load_n(&gate.is_closed, __ATOMIC_ACQUIRE);
}

COLD static void wait(struct cache *cache)
{
    do {
        __atomic_store_n(&cache->inside, 0, __ATOMIC_RELEASE);
        lock_take(&gate.lock);
        lock_drop(&gate.lock);
    } while (is_closed(cache));
}

struct cache *gate_enter(void)
{
    if (UNLIKELY(own.is_inside)) /* a signal handler that allocates, in the middle of it */
        return NULL;
    struct cache *cache = cache_own();
    own.is_inside = 1;
    if (UNLIKELY(cache == &cache_none))
        lock_take(&gate.shared);
    else if (UNLIKELY(is_closed(cache)))
        wait(cache);
    return cache;
}

void gate_leave(struct cache *cache)
{
    if (UNLIKELY(!cache))
        return;
    if (UNLIKELY(cache == &cache_none))
        lock_drop(&gate.shared);
    else
        __atomic_store_n(&cache->inside, 0, __ATOMIC_RELEASE);
    own.is_inside = 0;
}

bool alloc_is_inside(void)
{
    return own.is_inside;
}

static void sleep_for(long nanoseconds)
{
    const struct timespec t = {.tv_nsec = nanoseconds};
    (void)sys_call(SYS_nanosleep, (long)&t, 0, 0, 0, 0, 0);
}

static bool barrier_for_all(void)
{
    /* A child of fork may have to ask again for what its parent had. */
    return barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0 ||
           (barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0 &&
            barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0);
}

/* Before this, each thread has said that it is inside, or will see that the gate is closed. */
static void close_for_all(void)
{
    enum { ARRIVAL = 1000000 };
    __atomic_store_n(&gate.is_closed, true, __ATOMIC_SEQ_CST);
    if (gate.has_barrier && !barrier_for_all()) {
        /* A filter forbids it by now: from here on all pay. What those say who are just entering
         * without has arrived long before this sleep is over. */
        __atomic_store_n(&gate.has_barrier, false, __ATOMIC_RELAXED);
        sleep_for(ARRIVAL);
    }
    atomic_thread_fence(memory_order_seq_cst);
}

/* Not we ourselves: a signal handler may do this, in the middle of making a block. */
static bool is_inside(const struct cache *cache)
{
    return __atomic_load_n(&cache->inside, __ATOMIC_ACQUIRE) &&
           !(own.is_inside && cache == own.cache);
}

static bool shares(void)
{
    return own.is_inside && own.cache == &cache_none;
}

/* What is done inside is short, but a thread may be kept from going on. */
static void wait_until_outside(const struct cache *cache)
{
    for (unsigned round = 0; is_inside(cache); round++) {
        if (round < 16)
            sys_yield();
        else
            sleep_for(50000);
    }
}

void gate_close(void)
{
    lock_take(&gate.lock);
    close_for_all();
    for (const struct cache *cache = cache_all(); cache; cache = cache->next)
        wait_until_outside(cache);
    if (!shares())
        lock_take(&gate.shared);
}

bool gate_try_close(void)
{
    if (!lock_try(&gate.lock))
        return false;
    close_for_all();
    bool is_empty = true;
    for (const struct cache *cache = cache_all(); cache && is_empty; cache = cache->next)
        is_empty = !is_inside(cache);
    if (is_empty && lock_try(&gate.shared))
        return true;
    __atomic_store_n(&gate.is_closed, false, __ATOMIC_RELEASE);
    lock_drop(&gate.lock);
    return false;
}

void gate_open(void)
{
    if (!shares())
        lock_drop(&gate.shared);
    __atomic_store_n(&gate.is_closed, false, __ATOMIC_RELEASE);
    lock_drop(&gate.lock);
}
