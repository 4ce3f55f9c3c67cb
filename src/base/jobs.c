/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A few threads and a counter. The invariant: a number is handed out once, and jobs_run returns
 * only when every thread that it started has ended. */
#include "base/jobs.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#define TICK_NANOSECONDS 100000000L
#define MAX_THREADS      64u
/* Enough for all that jobs do. Stacks count as memory where that is limited (base/limits.h), and
 * the system's 8 MB for each of 64 threads would be half of what there is. */
#define STACK_BYTES ((size_t)2 << 20)

struct work {
    void (*run)(void *shared, uint32_t i);
    void *shared;
    uint32_t n;
    atomic_uint_fast64_t next; /* wider than n: threads count past the end */
    pthread_mutex_t lock;      /* guards done */
    pthread_cond_t changed;
    uint32_t done;
};

/* One job; false where none is left. */
static bool run_one(struct work *work)
{
    const uint64_t i = atomic_fetch_add_explicit(&work->next, 1, memory_order_relaxed);
    if (i >= work->n)
        return false;
    work->run(work->shared, (uint32_t)i);
    pthread_mutex_lock(&work->lock);
    work->done++;
    pthread_cond_signal(&work->changed);
    pthread_mutex_unlock(&work->lock);
    return true;
}

static void *work_on(void *arg)
{
    while (run_one(arg))
        ;
    return NULL;
}

static unsigned count_processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return (unsigned)CPU_COUNT(&set);
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (unsigned)n : 1;
}

/* Starts up to `wanted` threads and says how many there are: fewer where the system gives no more.
 * Signals are the business of the program's own threads. */
static unsigned start(struct work *work, pthread_t *threads, unsigned wanted)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    if (!HAS_SANITIZER) /* whose frames are larger */
        (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
    unsigned n = 0;
    while (n < wanted && pthread_create(&threads[n], &attributes, work_on, work) == 0)
        n++;
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return n;
}

/* Tells of progress until all jobs are done. */
static void watch(struct work *work, void (*tick)(void *shared, uint32_t done))
{
    uint32_t done = 0;
    while (done < work->n) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += TICK_NANOSECONDS;
        if (until.tv_nsec >= 1000000000L) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000L;
        }
        pthread_mutex_lock(&work->lock);
        while (work->done == done &&
               pthread_cond_timedwait(&work->changed, &work->lock, &until) == 0)
            ;
        done = work->done;
        pthread_mutex_unlock(&work->lock);
        tick(work->shared, done);
    }
}

static void run_here(struct work *work, void (*tick)(void *shared, uint32_t done))
{
    while (run_one(work)) {
        if (tick)
            tick(work->shared, work->done);
    }
}

void jobs_run(void (*run)(void *shared, uint32_t i), void *shared, uint32_t n, unsigned threads,
              void (*tick)(void *shared, uint32_t done))
{
    struct work work = {.run = run, .shared = shared, .n = n};
    pthread_mutex_init(&work.lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&work.changed, &attributes);
    pthread_condattr_destroy(&attributes);

    if (threads == 0)
        threads = count_processors();
    if (threads > n)
        threads = n;
    if (threads > MAX_THREADS)
        threads = MAX_THREADS;

    /* Where someone watches, the caller's thread does that and no jobs, so that ticks come evenly.
     */
    pthread_t ids[MAX_THREADS];
    const unsigned wanted = threads <= 1 ? 0 : tick ? threads : threads - 1;
    const unsigned started = start(&work, ids, wanted);
    if (started && tick)
        watch(&work, tick);
    else
        run_here(&work, tick);
    for (unsigned i = 0; i < started; i++)
        pthread_join(ids[i], NULL);

    pthread_cond_destroy(&work.changed);
    pthread_mutex_destroy(&work.lock);
}
