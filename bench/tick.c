/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What one tick of a CPU profiler costs: raises SIGPROF at a given depth, many times, and prints
 * the least time a signal of some hundred rounds, in nanoseconds. With no profiler listening the
 * signal is ignored by a handler that does nothing: the part that is the kernel's.
 *
 *   tick DEPTH ROUNDS */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define KEPT __attribute__((noinline, noclone))

enum { SIGNALS_A_ROUND = 200 };

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void nothing(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info, (void)context;
}

static long rounds;
static uint64_t least = UINT64_MAX;

static KEPT int bottom(int x)
{
    for (long i = 0; i < rounds; i++) {
        const uint64_t from = now();
        for (int k = 0; k < SIGNALS_A_ROUND; k++)
            raise(SIGPROF);
        const uint64_t took = now() - from;
        if (took < least)
            least = took;
    }
    return x;
}

static KEPT int descend(long depth, int x)
{
    if (depth <= 0)
        return bottom(x) + 1;
    x = descend(depth - 1, x + (int)depth);
    __asm__ volatile("" : : "r"(&x) : "memory"); /* the call is not the last thing done */
    return x + 1;
}

int main(int argc, char **argv)
{
    struct sigaction before;
    const long depth = argc > 1 ? strtol(argv[1], NULL, 10) : 8;
    rounds = argc > 2 ? strtol(argv[2], NULL, 10) : 100;
    sigaction(SIGPROF, NULL, &before);
    if (before.sa_handler == SIG_DFL)
        sigaction(SIGPROF, &(struct sigaction){.sa_sigaction = nothing, .sa_flags = SA_SIGINFO},
                  NULL);
    (void)descend(depth, 1);
    printf("%.0f\n", (double)least / SIGNALS_A_ROUND);
    return 0;
}
