/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Large blocks, one at a time.
 *
 *   big SIZE N TOUCH REPS
 * malloc(SIZE), write one byte in every 4096 of the first TOUCH bytes, free;
 * N times.  With SIZE 125829120 and TOUCH 0 this is the loop of the seed
 * document (malloc(120 MiB) and free, a million times). */
#include "bench.h"

int main(int argc, char **argv)
{
    size_t size = (size_t)arg(argc, argv, 1, 125829120);
    long n = arg(argc, argv, 2, 100000), reps = arg(argc, argv, 4, 3);
    size_t touch = (size_t)arg(argc, argv, 3, 0);
    double best = 1e30;
    for (long r = 0; r < reps; r++) {
        uint64_t t = thread_ns();
        for (long i = 0; i < n; i++) {
            char *p = must(malloc(size));
            for (size_t k = 0; k < touch; k += 4096)
                p[k] = 1;
            KEEP(p);
            free(p);
        }
        double d = (double)(thread_ns() - t) / (double)n;
        if (d < best)
            best = d;
    }
    report("time", best, "ns/pair");
    return 0;
}
