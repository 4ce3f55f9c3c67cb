/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Hearing of threads from their first instruction on: the calls that make them are found here
 * first, in the shared library. While no profile is on they only hand over. A thread passes through
 * our hands and not through our frame: its stacks look as without us. */
#include "cpuprof/internal.h"

#include <dlfcn.h>
#include <pthread.h>
#include <threads.h>

#include "base/syscall.h"

typedef void *start_routine(void *);

/* What a new thread is to do, from its maker to itself. */
struct launch {
    start_routine *routine;
    void *argument;
};

/* Thirty at one time are on their way; the next one is found by the watch. */
enum { LAUNCHES = 32 };

static struct {
    uint32_t taken; /* a bit each */
    struct launch launches[LAUNCHES];
    int (*pthread_create)(pthread_t *, const pthread_attr_t *, start_routine *, void *);
    int (*thrd_create)(thrd_t *, thrd_start_t, void *);
} threads;

static void *next_symbol(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

static __attribute__((constructor(101))) void find_real_ones(void)
{
    *(void **)&threads.pthread_create = next_symbol("pthread_create");
    *(void **)&threads.thrd_create = next_symbol("thrd_create");
    timers_are_told = true;
}

static struct launch *take_launch(start_routine *routine, void *argument)
{
    uint32_t taken = __atomic_load_n(&threads.taken, __ATOMIC_RELAXED);
    while (taken != UINT32_MAX) {
        const unsigned i = (unsigned)__builtin_ctz(~taken);
        if (__atomic_compare_exchange_n(&threads.taken, &taken, taken | 1u << i, true,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
            threads.launches[i] = (struct launch){routine, argument};
            return &threads.launches[i];
        }
    }
    return NULL;
}

static void give_launch(const struct launch *launch)
{
    const size_t i = (size_t)(launch - threads.launches);
    (void)__atomic_fetch_and(&threads.taken, ~(1u << i), __ATOMIC_RELEASE);
}

/* Threads are often made with all signals blocked, so that the program's own go to another one:
 * ours is let through. */
static __attribute__((noinline)) struct launch begin(struct launch *given)
{
    const struct launch launch = *given;
    give_launch(given);
    timers_unblock();
    timers_enter((uintptr_t)launch.routine);
    return launch;
}

/* Leaves by a jump: the routine's frame stands where ours stood. */
static __attribute__((optimize("O2"))) void *run(void *given)
{
    const struct launch launch = begin(given);
    return launch.routine(launch.argument);
}

static __attribute__((optimize("O2"))) int run_c11(void *given)
{
    const struct launch launch = begin(given);
    return ((thrd_start_t)(uintptr_t)launch.routine)(launch.argument);
}

EXPORTED int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                            start_routine *routine, void *argument)
{
    if (!threads.pthread_create)
        find_real_ones();
    struct launch *launch = profile_is_on() ? take_launch(routine, argument) : NULL;
    if (!launch)
        return threads.pthread_create(thread, attributes, routine, argument);
    const int error = threads.pthread_create(thread, attributes, run, launch);
    if (error)
        give_launch(launch);
    return error;
}

EXPORTED int thrd_create(thrd_t *thread, thrd_start_t routine, void *argument)
{
    if (!threads.thrd_create)
        find_real_ones();
    struct launch *launch =
        profile_is_on() ? take_launch((start_routine *)(uintptr_t)routine, argument) : NULL;
    if (!launch)
        return threads.thrd_create(thread, routine, argument);
    const int result = threads.thrd_create(thread, run_c11, launch);
    if (result != thrd_success)
        give_launch(launch);
    return result;
}
