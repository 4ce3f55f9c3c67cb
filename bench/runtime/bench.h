/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The few things every benchmark program here needs.
 *
 * Each program runs one deterministic workload and prints lines of
 *     NAME <tab> VALUE <tab> UNIT
 * run.py reads those lines.  Time is the CPU time of the process or thread
 * unless a name says "wall", so that a busy machine disturbs it little; every
 * program repeats its workload and keeps the fastest repetition. */
#pragma once

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Makes the compiler treat P as used, so that it keeps malloc/free pairs. */
#define KEEP(p) __asm__ volatile("" : : "r"(p) : "memory")

static inline uint64_t clock_ns(clockid_t c)
{
    struct timespec t;
    clock_gettime(c, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
static inline uint64_t wall_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}
static inline uint64_t process_ns(void)
{
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}
static inline uint64_t thread_ns(void)
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

/* xorshift64*: a small generator whose sequence depends on the seed alone. */
static inline uint64_t rng_next(uint64_t *s)
{
    *s ^= *s >> 12;
    *s ^= *s << 25;
    *s ^= *s >> 27;
    return *s * 2685821657736338717u;
}
static inline uint32_t rng_below(uint64_t *s, uint32_t n)
{
    return (uint32_t)(((rng_next(s) >> 32) * n) >> 32);
}

/* A size of the shape that programs ask for: half of the requests are below
 * about 48 bytes, one in a hundred is above 1 KiB, none above 8 KiB. */
static inline size_t rng_size(uint64_t *s)
{
    uint32_t r = rng_below(s, 1000);
    if (r < 500)
        return 8 + rng_below(s, 40);
    if (r < 800)
        return 48 + rng_below(s, 80);
    if (r < 950)
        return 128 + rng_below(s, 256);
    if (r < 990)
        return 384 + rng_below(s, 640);
    return 1024 + rng_below(s, 7168);
}

static inline void report(const char *name, double value, const char *unit)
{
    printf("%s\t%.4g\t%s\n", name, value, unit);
}

static inline void *must(void *p)
{
    if (!p) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    return p;
}

static inline long arg(int argc, char **argv, int i, long fallback)
{
    return i < argc ? atol(argv[i]) : fallback;
}

/* A field of a /proc/self file in KiB.  Read by hand into a static buffer, so
 * that reading allocates nothing. */
static inline long proc_kb(const char *file, const char *field)
{
    static char buf[8192];
    int fd = open(file, O_RDONLY);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, buf, sizeof buf - 1);
    close(fd);
    buf[n > 0 ? n : 0] = 0;
    char *p = strstr(buf, field);
    return p ? atol(p + strlen(field)) : -1;
}
#define ROLLUP "/proc/self/smaps_rollup" /* exact, unlike statm */

/* Resident KiB, without the pages that MADV_FREE has already given up. */
static inline long rss_kb(void)
{
    return proc_kb(ROLLUP, "\nRss:") - proc_kb(ROLLUP, "\nLazyFree:");
}
/* Peak resident KiB of this program alone (ru_maxrss counts its parent's). */
static inline long peak_kb(void)
{
    return proc_kb("/proc/self/status", "\nVmHWM:");
}
static inline void report_peak(void)
{
    report("peak", (double)peak_kb() / 1024, "MiB");
}
