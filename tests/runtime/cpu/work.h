/* SPDX-License-Identifier: BSD-3-Clause
 *
 * For the programs that profiles are made of: clocks, and work whose length is CPU time. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KEPT __attribute__((noinline, noclone))

static inline uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static inline uint64_t thread_ns(void)
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static inline uint64_t process_ns(void)
{
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

__attribute__((always_inline)) static inline unsigned spin(unsigned n, unsigned x)
{
    for (unsigned i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        __asm__ volatile("" : "+r"(x));
    }
    return x;
}

/* A function that takes so many seconds of the thread's CPU time. */
#define BURNER(name)                                                                               \
    static KEPT unsigned name(double seconds)                                                      \
    {                                                                                              \
        unsigned x = __LINE__;                                                                     \
        for (const uint64_t end = thread_ns() + (uint64_t)(seconds * 1e9); thread_ns() < end;)     \
            x = spin(20000, x);                                                                    \
        return x;                                                                                  \
    }

static inline double seconds_of(int argc, char **argv, int i, double otherwise)
{
    return i < argc ? atof(argv[i]) : otherwise;
}
