/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What idle threads keep.
 *
 *   threads T
 * T threads each allocate and free 2000 objects of mixed sizes (all live at
 * once, about 200 KB), then wait.  Reports resident KiB for each waiting
 * thread (its stack included), and again after all have ended. */
#include <pthread.h>

#include "bench.h"

static pthread_barrier_t worked, quit;

static void *body(void *a)
{
    uint64_t s = (uint64_t)(long)a + 1;
    char *p[2000];
    for (int i = 0; i < 2000; i++) {
        size_t z = rng_size(&s);
        p[i] = memset(malloc(z), 1, z);
    }
    for (int i = 0; i < 2000; i++)
        free(p[i]);
    pthread_barrier_wait(&worked);
    pthread_barrier_wait(&quit);
    return NULL;
}

int main(int argc, char **argv)
{
    long n = arg(argc, argv, 1, 100);
    pthread_t *t = malloc((size_t)n * sizeof *t);
    pthread_barrier_init(&worked, NULL, (unsigned)n + 1);
    pthread_barrier_init(&quit, NULL, (unsigned)n + 1);
    long base = rss_kb();
    for (long i = 0; i < n; i++)
        pthread_create(&t[i], NULL, body, (void *)i);
    pthread_barrier_wait(&worked);
    report("waiting", (double)(rss_kb() - base) / (double)n, "KiB/thread");
    pthread_barrier_wait(&quit);
    for (long i = 0; i < n; i++)
        pthread_join(t[i], NULL);
    report("ended", (double)(rss_kb() - base) / (double)n, "KiB/thread");
    return 0;
}
