/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The first call: from the dynamic loader as a rule, long before main, with one thread. The
 * environment is read where it lies; nothing here may allocate until started is set. Also here:
 * what happens at a fork. */
#include "alloc/internal.h"

#include <pthread.h>

#include "base/arena.h"
#include "base/env.h"
#include "base/knob.h"
#include "hooks/hooks.h"

enum { BATCH_MOST = 128 };

struct knobs knobs = {
    .total_cache = 32 << 20,
    .batch = 32,
    .release_rate = 1.0,
    .large_report = -1,
};
bool alloc_started;

static struct lock start_lock;

static void read_environment(void)
{
    const int64_t total =
        env_int("TCMALLOC_MAX_TOTAL_THREAD_CACHE_BYTES", (int64_t)knobs.total_cache);
    knobs.total_cache = total < 0 ? 0 : (size_t)total;
    const int64_t batch = env_int("TCMALLOC_TRANSFER_NUM_OBJ", 0);
    if (batch >= 1)
        knobs.batch = batch > BATCH_MOST ? BATCH_MOST : (size_t)batch;
    knobs.release_rate = env_double("TCMALLOC_RELEASE_RATE", knobs.release_rate);
    knobs.is_aggressive = env_bool("TCMALLOC_AGGRESSIVE_DECOMMIT", false);
    knobs.never_releases = env_bool("TCMALLOC_DISABLE_MEMORY_RELEASE", false);
    knobs.sample = env_int("TCMALLOC_SAMPLE_PARAMETER", 0);
    knobs.large_report = env_int("TCMALLOC_LARGE_ALLOC_REPORT_THRESHOLD", knobs.large_report);
    /* Whoever starts a program with rights of its own shall not make it fail on purpose. */
    const int64_t limit = env_int("TCMALLOC_HEAP_LIMIT_MB", 0);
    if (limit > 0 && !env_is_untrusted())
        knobs.limit_mb = (size_t)limit;
}

static const struct knob rows[] = {
    {"TCMALLOC_MAX_TOTAL_THREAD_CACHE_BYTES", "33554432", "what lists of all threads may hold"},
    {"TCMALLOC_TRANSFER_NUM_OBJ", "32", "blocks that move to or from one at once, 1 to 128"},
    {"TCMALLOC_RELEASE_RATE", "1", "how readily memory goes back to the system; 0: never"},
    {"TCMALLOC_AGGRESSIVE_DECOMMIT", "0", "it does at once"},
    {"TCMALLOC_DISABLE_MEMORY_RELEASE", "0", "it never does, not when asked either"},
    {"TCMALLOC_HEAP_LIMIT_MB", "", "memory that is taken at most"},
    {"TCMALLOC_LARGE_ALLOC_REPORT_THRESHOLD", "", "a line for each block of so many bytes"},
    {"TCMALLOC_SAMPLE_PARAMETER", "0", "keep who made one block in so many bytes"},
    {"MALLOCSTATS", "0", "1: statistics at the end; 2: of each size too"},
};

static __attribute__((constructor)) void show(void)
{
    knobs_show("the allocator", rows, sizeof rows / sizeof *rows);
}

/* ---- all locks: for a fork, and for who looks at all blocks */

static bool each_lock(lock_step *step)
{
    return central_each_lock(step) && pageheap_each_lock(step) && words_each_lock(step) &&
           arena_each_lock(step);
}

static bool take(struct lock *lock)
{
    lock_take(lock);
    return true;
}

static bool drop(struct lock *lock)
{
    lock_drop(lock);
    return true;
}

void alloc_freeze(void)
{
    cache_lock();
    gate_close();
    (void)each_lock(take);
}

void alloc_thaw(void)
{
    (void)each_lock(drop);
    gate_open();
    cache_unlock();
}

static unsigned n_taken; /* by who tries; the caches' lock */

static bool try_take(struct lock *lock)
{
    const bool is_taken = lock_try(lock);
    n_taken += is_taken;
    return is_taken;
}

static bool drop_taken(struct lock *lock)
{
    if (n_taken == 0)
        return false;
    n_taken--;
    return drop(lock);
}

bool alloc_try_freeze(void)
{
    if (own.is_inside || !cache_try_lock())
        return false;
    if (gate_try_close()) {
        n_taken = 0;
        if (each_lock(try_take))
            return true;
        (void)each_lock(drop_taken);
        gate_open();
    }
    cache_unlock();
    return false;
}

/* Registered with the first call, so that it runs last before a fork: handlers of the program
 * may still allocate. */
static void before_fork(void)
{
    lock_take(&start_lock);
    entries_lock();
    hooks_lock();
    alloc_freeze();
}

static void after_fork(void)
{
    alloc_thaw();
    hooks_unlock();
    entries_unlock();
    lock_drop(&start_lock);
}

static void after_fork_in_child(void)
{
    cache_after_fork();
    after_fork();
}

void alloc_start(void)
{
    lock_take(&start_lock);
    if (alloc_started) {
        lock_drop(&start_lock);
        return;
    }
    read_environment();
    entries_start();
    classes_start(knobs.batch);
    cache_start();
    __atomic_store_n(&alloc_started, true, __ATOMIC_RELEASE);
    fast_show();
    lock_drop(&start_lock);
    pthread_atfork(before_fork, after_fork, after_fork_in_child); /* may allocate */
    hooks_watch(fast_hide, fast_show);
    if (alloc_has_started)
        alloc_has_started();
}

void alloc_check(void)
{
    classes_check();
    pageheap_check();
    central_check();
    cache_check();
}
