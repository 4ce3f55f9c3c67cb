/* SPDX-License-Identifier: BSD-3-Clause
 *
 * base/jobs.h: every job once, ticks on the caller's thread. */
#include "base_unit.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "base/jobs.h"

#define MAX_JOBS 2000u

struct shared {
    pthread_t caller;
    atomic_uint runs[MAX_JOBS]; /* how often each job ran */
    atomic_uint at_work, most_at_work, elsewhere, unmasked;
    uint32_t ticks, last_done;
    bool went_back, was_elsewhere;
};

static void run(void *to, uint32_t i)
{
    struct shared *shared = to;
    const unsigned now = atomic_fetch_add(&shared->at_work, 1) + 1;
    unsigned most = atomic_load(&shared->most_at_work);
    while (now > most && !atomic_compare_exchange_weak(&shared->most_at_work, &most, now))
        ;
    if (!pthread_equal(pthread_self(), shared->caller)) {
        atomic_fetch_add(&shared->elsewhere, 1);
        sigset_t set;
        pthread_sigmask(SIG_SETMASK, NULL, &set);
        if (!sigismember(&set, SIGINT))
            atomic_fetch_add(&shared->unmasked, 1);
    }
    atomic_fetch_add(&shared->runs[i], 1);
    atomic_fetch_sub(&shared->at_work, 1);
}

static void tick(void *to, uint32_t done)
{
    struct shared *shared = to;
    shared->was_elsewhere |= !pthread_equal(pthread_self(), shared->caller);
    shared->went_back |= done < shared->last_done;
    shared->last_done = done;
    shared->ticks++;
}

static void check(uint32_t n, unsigned threads, bool is_watched)
{
    struct shared *shared = calloc(1, sizeof *shared);
    shared->caller = pthread_self();
    jobs_run(run, shared, n, threads, is_watched ? tick : NULL);
    for (uint32_t i = 0; i < MAX_JOBS; i++)
        assert_int_equal(shared->runs[i], i < n);
    assert_int_equal(shared->at_work, 0);
    if (threads)
        assert_true(shared->most_at_work <= threads);
    if (threads == 1 || n <= 1)
        assert_int_equal(shared->elsewhere, 0);
    assert_int_equal(shared->unmasked, 0);
    if (is_watched && n) {
        assert_true(shared->ticks > 0);
        assert_int_equal(shared->last_done, n);
        assert_false(shared->went_back);
        assert_false(shared->was_elsewhere);
    } else {
        assert_int_equal(shared->ticks, 0);
    }
    free(shared);
}

static void every_job_runs_once(void **state)
{
    (void)state;
    static const uint32_t counts[] = {0, 1, 2, 3, 64, 65, MAX_JOBS};
    static const unsigned threads[] = {0, 1, 2, 3, 8, 1000};
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        for (size_t k = 0; k < COUNT_OF(threads); k++) {
            check(counts[i], threads[k], false);
            check(counts[i], threads[k], true);
        }
    }
}

static pthread_barrier_t meeting;

static void meet(void *to, uint32_t i)
{
    (void)to;
    (void)i;
    (void)pthread_barrier_wait(&meeting);
}

static void ignore_tick(void *to, uint32_t done)
{
    (void)to;
    (void)done;
}

/* Jobs that wait for each other only end if they run at the same time. */
static void jobs_run_side_by_side(void **state)
{
    (void)state;
    assert_int_equal(pthread_barrier_init(&meeting, NULL, 3), 0);
    jobs_run(meet, NULL, 3, 3, NULL);
    jobs_run(meet, NULL, 3, 3, ignore_tick);
    pthread_barrier_destroy(&meeting);
}

static atomic_uint seen_ticks;

static void count_tick(void *to, uint32_t done)
{
    (void)to;
    (void)done;
    atomic_fetch_add(&seen_ticks, 1);
}

static void wait_for_ticks(void *to, uint32_t i)
{
    (void)to;
    (void)i;
    while (atomic_load(&seen_ticks) < 2)
        (void)usleep(1000);
}

/* Ticks come while the jobs are long, not only when one ends. */
static void ticks_come_during_a_job(void **state)
{
    (void)state;
    jobs_run(wait_for_ticks, NULL, 2, 2, count_tick);
    assert_true(atomic_load(&seen_ticks) >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_runs_once),
        cmocka_unit_test(jobs_run_side_by_side),
        cmocka_unit_test(ticks_come_during_a_job),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
