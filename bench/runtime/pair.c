/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The headline: time of one malloc/free pair of one small size.
 *
 *   pair pair SIZE N    malloc, write one byte, free; N times
 *   pair lifo SIZE N    1000 mallocs, then frees in reverse order
 *   pair fifo SIZE N    1000 mallocs, then frees in the same order
 *   pair rand SIZE N    1000 mallocs, then frees in a fixed random order
 * Reports ns for each malloc/free pair. */
#include "bench.h"

enum { BATCH = 1000 };

static void pairs(size_t size, long n)
{
    for (long i = 0; i < n; i++) {
        char *p = malloc(size);
        *p = 1;
        KEEP(p);
        free(p);
    }
}

static void batches(size_t size, long n, const uint32_t *order)
{
    static char *p[BATCH];
    for (long i = 0; i < n; i += BATCH) {
        for (int k = 0; k < BATCH; k++) {
            p[k] = malloc(size);
            *p[k] = 1;
        }
        for (int k = 0; k < BATCH; k++)
            free(p[order[k]]);
    }
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "pair";
    size_t size = (size_t)arg(argc, argv, 2, 16);
    long n = arg(argc, argv, 3, 5000000), reps = arg(argc, argv, 4, 5);
    uint32_t order[BATCH];
    for (uint32_t k = 0; k < BATCH; k++)
        order[k] = mode[0] == 'l' ? BATCH - 1 - k : k;
    if (mode[0] == 'r') {
        uint64_t s = 42;
        for (uint32_t k = BATCH - 1; k > 0; k--) {
            uint32_t j = rng_below(&s, k + 1), t = order[k];
            order[k] = order[j];
            order[j] = t;
        }
    }
    double best = 1e30;
    for (long r = 0; r < reps; r++) {
        uint64_t t = thread_ns();
        if (!strcmp(mode, "pair"))
            pairs(size, n);
        else
            batches(size, n, order);
        double d = (double)(thread_ns() - t) / (double)n;
        if (d < best)
            best = d;
    }
    report("time", best, "ns/pair");
    return 0;
}
