/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a CPU profiler costs, DEPTH calls below main.
 *
 *   tick signal DEPTH N    N times 200 signals SIGPROF, which a profiler takes: the least time of
 * one tick none DEPTH N      the same, with a handler that does nothing: the kernel's part tick
 * work DEPTH N      N million steps of arithmetic: the CPU time */
#include <signal.h>

#include "bench.h"

#define KEPT __attribute__((noinline, noclone))

enum { SIGNALS_A_ROUND = 200 };

static long rounds;

static void nothing(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info, (void)context;
}

static KEPT unsigned signals(unsigned x)
{
    uint64_t least = UINT64_MAX;
    for (long i = 0; i < rounds; i++) {
        const uint64_t from = wall_ns();
        for (int k = 0; k < SIGNALS_A_ROUND; k++)
            raise(SIGPROF);
        const uint64_t took = wall_ns() - from;
        least = took < least ? took : least;
    }
    report("signal", (double)least / SIGNALS_A_ROUND, "ns");
    return x;
}

static KEPT unsigned work(unsigned x)
{
    const uint64_t from = process_ns();
    for (long i = 0; i < rounds * 1000000; i++) {
        x = x * 1664525u + 1013904223u;
        KEEP(x);
    }
    printf("work\t%.6f\ts\n", (double)(process_ns() - from) / 1e9);
    return x;
}

static KEPT unsigned descend(long depth, unsigned (*bottom)(unsigned), unsigned x)
{
    if (depth <= 0)
        return bottom(x) + 1;
    x = descend(depth - 1, bottom, x + (unsigned)depth);
    KEEP(x); /* the call is not the last thing done */
    return x + 1;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    rounds = arg(argc, argv, 3, 1);
    if (!strcmp(argv[1], "none"))
        sigaction(SIGPROF, &(struct sigaction){.sa_sigaction = nothing, .sa_flags = SA_SIGINFO},
                  NULL);
    (void)descend(arg(argc, argv, 2, 8), !strcmp(argv[1], "work") ? work : signals, 1);
    return 0;
}
