/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The profiler under the thread sanitizer: threads come, work in many places and go, while others
 * start profiles, look at them, bring them up to date, end them and fork.
 *
 * The sanitizer gives up its state of a thread before the profiler does: from there on no signal
 * may come, and no destructor of the profiler's. So threads block signals before they end, and all
 * keys whose values need no memory are taken before the profiler asks for one. */
#include "cpuprof/internal.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { KEYS = 32 };

static __attribute__((constructor(101))) void take_keys(void)
{
    for (int i = 0; i < KEYS; i++) {
        pthread_key_t key;
        if (pthread_key_create(&key, NULL) != 0)
            abort();
    }
}

enum { THREADS = 3, LIVES = 12, PROFILES = 40 };

static atomic_bool is_over;
static char name[] = "/tmp/cprof_tsan_XXXXXX";

static unsigned long ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (unsigned long)t.tv_sec * 1000000000 + (unsigned long)t.tv_nsec;
}

/* As many places as there are paths down. */
static __attribute__((noinline)) unsigned descend(unsigned path, unsigned depth)
{
    if (depth == 0) {
        (void)ns(CLOCK_THREAD_CPUTIME_ID); /* where the sanitizer lets signals in */
        return path;
    }
    if (path & 1)
        return descend(path >> 1, depth - 1) + 1;
    return descend(path >> 1, depth - 1) ^ 1;
}

static void *live(void *number)
{
    unsigned seed = (unsigned)(uintptr_t)number;
    ProfilerRegisterThread();
    const unsigned long end = ns(CLOCK_THREAD_CPUTIME_ID) + 30000000;
    while (ns(CLOCK_THREAD_CPUTIME_ID) < end) {
        seed = seed * 1664525u + 1013904223u;
        (void)descend(seed >> 8, seed >> 28);
    }
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    return NULL;
}

static int is_wanted(void *counted)
{
    return atomic_fetch_add((atomic_int *)counted, 1) % 4 != 0;
}

static void fork_once(void)
{
    const pid_t pid = fork();
    if (pid == 0)
        _exit(ProfilingIsEnabledForAllThreads());
    int status = 1;
    if (waitpid(pid, &status, 0) != pid || status != 0)
        abort();
}

static void *switches(void *unused)
{
    static atomic_int counted;
    for (int i = 0; i < PROFILES; i++) {
        const struct ProfilerOptions options = {is_wanted, &counted};
        if (!ProfilerStartWithOptions(name, i % 2 ? &options : NULL))
            abort();
        if (i % 8 == 0)
            fork_once();
        usleep(5000);
        if (i % 3 == 0)
            ProfilerFlush();
        ProfilerStop();
    }
    is_over = true;
    return unused;
}

static void *looks_on(void *unused)
{
    struct ProfilerState state;
    while (!is_over) {
        ProfilerGetCurrentState(&state);
        if (state.enabled != (state.profile_name[0] != '\0') || state.samples_gathered < 0)
            abort();
        usleep(1000);
    }
    return unused;
}

int main(void)
{
    pthread_t others[2], threads[THREADS];
    const int fd = mkstemp(name);
    if (fd < 0 || setenv("CPUPROFILE_FREQUENCY", "4000", 1) != 0 ||
        setenv("CPUPROFILE_QUIET", "1", 1) != 0)
        return 1;
    close(fd);
    pthread_create(&others[0], NULL, switches, NULL);
    pthread_create(&others[1], NULL, looks_on, NULL);
    for (uintptr_t i = 0; i < LIVES || !is_over; i++) {
        for (uintptr_t k = 0; k < THREADS; k++)
            pthread_create(&threads[k], NULL, live, (void *)(i * THREADS + k + 1));
        for (int k = 0; k < THREADS; k++)
            pthread_join(threads[k], NULL);
    }
    for (int k = 0; k < 2; k++)
        pthread_join(others[k], NULL);
    timers_check();
    unlink(name);
    puts("1..1\nok 1 - profiler");
    return 0;
}
