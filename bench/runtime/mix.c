/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One thread, a live set of LIVE objects of mixed sizes; each step
 * frees one at random and allocates another in its place.  It is the closest
 * of the small loops to a real program: every size class in use, cold objects.
 *
 *   mix LIVE N REPS
 * Reports ns for each free+malloc step (the step writes the object's first
 * and last byte) and the peak resident size. */
#include "bench.h"

enum { STEPS = 1 << 16 };
static struct {
    uint32_t slot, size;
} step[STEPS];

int main(int argc, char **argv)
{
    uint32_t live = (uint32_t)arg(argc, argv, 1, 10000);
    long n = arg(argc, argv, 2, 2000000), reps = arg(argc, argv, 3, 5);
    uint64_t s = 7;
    char **p = must(calloc(live, sizeof *p));
    for (int i = 0; i < STEPS; i++) {
        step[i].slot = rng_below(&s, live);
        step[i].size = (uint32_t)rng_size(&s);
    }
    for (uint32_t i = 0; i < live; i++) {
        size_t z = rng_size(&s);
        p[i] = memset(must(malloc(z)), 1, z);
    }
    double best = 1e30;
    for (long r = 0; r < reps; r++) {
        uint64_t t = thread_ns();
        for (long i = 0; i < n; i++) {
            uint32_t k = (uint32_t)i & (STEPS - 1), z = step[k].size;
            char **q = &p[step[k].slot];
            free(*q);
            *q = malloc(z);
            (*q)[0] = 1;
            (*q)[z - 1] = 1;
        }
        double d = (double)(thread_ns() - t) / (double)n;
        if (d < best)
            best = d;
    }
    report("time", best, "ns/step");
    report_peak();
    return 0;
}
