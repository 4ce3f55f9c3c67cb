/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The other entry points.
 *
 *   grow step N        realloc two strings in turn, 16 bytes at a time, to 64 KiB
 *   grow half N        realloc two buffers in turn by half again, 16 bytes to 4 MiB
 *   grow huge N        realloc by doubling, from 1 MiB to 256 MiB, touched
 *   grow calloc SIZE N calloc and free, 100 live at a time
 *   grow align A SIZE N aligned_alloc(A, SIZE) and free, 100 live at a time
 *   grow align0 A SIZE N as align, by posix_memalign
 * Reports ns for each call of realloc, or for each allocate/free pair. */
#include "bench.h"

enum { LIVE = 100 };

static long run_step(long n)
{
    long calls = 0;
    for (long i = 0; i < n; i++) {
        char *p[2] = {NULL, NULL};
        for (size_t z = 16; z <= 65536; z += 16, calls++) {
            char **q = &p[calls & 1];
            *q = must(realloc(*q, z));
            (*q)[z - 1] = 1;
        }
        free(p[0]);
        free(p[1]);
    }
    return calls;
}

static long run_half(long n)
{
    long calls = 0;
    for (long i = 0; i < n; i++) {
        char *p[2] = {NULL, NULL};
        for (size_t z = 16; z <= 4u << 20; z += z / 2, calls++) {
            char **q = &p[calls & 1];
            *q = must(realloc(*q, z));
            (*q)[0] = (*q)[z - 1] = 1;
        }
        free(p[0]);
        free(p[1]);
    }
    return calls;
}

static long run_huge(long n)
{
    long calls = 0;
    for (long i = 0; i < n; i++) {
        char *p = NULL;
        size_t done = 0;
        for (size_t z = 1u << 20; z <= 256u << 20; z *= 2, calls++) {
            p = must(realloc(p, z));
            for (; done < z; done += 4096)
                p[done] = 1;
        }
        free(p);
    }
    return calls;
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "step";
    double best = 1e30;
    long reps = getenv("REPS") ? atol(getenv("REPS")) : 3;
    for (long r = 0; r < reps; r++) {
        uint64_t t = thread_ns();
        long calls = 0;
        if (!strcmp(mode, "step"))
            calls = run_step(arg(argc, argv, 2, 50));
        else if (!strcmp(mode, "half"))
            calls = run_half(arg(argc, argv, 2, 200));
        else if (!strcmp(mode, "huge"))
            calls = run_huge(arg(argc, argv, 2, 1));
        else {
            int aligned = mode[0] == 'a';
            size_t a = aligned ? (size_t)arg(argc, argv, 2, 64) : 0;
            size_t z = (size_t)arg(argc, argv, 2 + aligned, 64);
            long n = arg(argc, argv, 3 + aligned, 1000000);
            static char *p[LIVE];
            for (long i = 0; i < n; i += LIVE) {
                for (int k = 0; k < LIVE; k++) {
                    void *q = NULL;
                    if (!aligned)
                        q = calloc(1, z);
                    else if (mode[5])
                        q = posix_memalign(&q, a, z) ? NULL : q;
                    else
                        q = aligned_alloc(a, z);
                    p[k] = must(q);
                    p[k][0] = 1;
                }
                for (int k = 0; k < LIVE; k++)
                    free(p[k]);
            }
            calls = n;
        }
        double d = (double)(thread_ns() - t) / (double)calls;
        if (d < best)
            best = d;
    }
    report("time", best, "ns/call");
    return 0;
}
