/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Several threads.
 *
 *   mt threadtest T N   each thread allocates 100 objects of 64 bytes, then
 *                       frees them; N allocations in all, split evenly
 *   mt larson T N       each thread replaces random objects (8..1000 bytes) of
 *                       its 1000; after each tenth of its work it ends, and a
 *                       new thread takes over another's objects, so frees are
 *                       of objects that a dead thread allocated
 *   mt remote T N       T/2 pairs: one thread allocates batches of 256 mixed
 *                       sizes, the other frees them (T=1: one thread does both)
 *   mt active T N       each thread allocates one 8-byte object, writes it 1000
 *                       times, frees it; slow when two threads' objects share
 *                       a cache line
 *   mt passive T N      as active, but each thread first frees an object that
 *                       the main thread had allocated beside the others'
 * Reports the CPU time for each malloc/free pair, summed over all threads, and
 * the wall time for each pair; "peak" is the peak resident size. */
#include <pthread.h>
#include "bench.h"

enum { MAXT = 64, SLOTS = 1000, BATCH = 256, RING = 64, ROUNDS = 10 };

static long nthreads, per_thread;
static pthread_barrier_t gate;

/* --- threadtest ------------------------------------------------------- */
static void *threadtest(void *a)
{
    (void)a;
    pthread_barrier_wait(&gate);
    char *p[100];
    for (long i = 0; i < per_thread; i += 100) {
        for (int k = 0; k < 100; k++) {
            p[k] = malloc(64);
            *p[k] = 1;
            KEEP(p[k]);
        }
        for (int k = 0; k < 100; k++)
            free(p[k]);
    }
    return NULL;
}

/* --- larson ----------------------------------------------------------- */
static char *slots[MAXT][SLOTS];
static void *larson(void *a)
{
    long id = (long)a;
    uint64_t s = (uint64_t)id * 977 + 1;
    char **p = slots[id % nthreads];
    for (long i = 0; i < per_thread / ROUNDS; i++) {
        uint32_t k = rng_below(&s, SLOTS);
        size_t z = 8 + rng_below(&s, 993);
        free(p[k]);
        p[k] = malloc(z);
        p[k][0] = p[k][z - 1] = 1;
    }
    return NULL;
}

/* --- remote ----------------------------------------------------------- */
static struct ring {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int head, count, done;
    void **item[RING];
} ring[MAXT];

static void produce(struct ring *r, void **batch)
{
    pthread_mutex_lock(&r->lock);
    while (r->count == RING)
        pthread_cond_wait(&r->changed, &r->lock);
    r->item[(r->head + r->count++) % RING] = batch;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

static void **consume(struct ring *r)
{
    pthread_mutex_lock(&r->lock);
    while (r->count == 0 && !r->done)
        pthread_cond_wait(&r->changed, &r->lock);
    void **b = NULL;
    if (r->count) {
        b = r->item[r->head];
        r->head = (r->head + 1) % RING;
        r->count--;
        pthread_cond_signal(&r->changed);
    }
    pthread_mutex_unlock(&r->lock);
    return b;
}

static void **fill(uint64_t *s)
{
    void **b = malloc(BATCH * sizeof *b);
    for (int i = 0; i < BATCH; i++) {
        b[i] = malloc(rng_size(s));
        *(char *)b[i] = 1;
    }
    return b;
}
static void drain(void **b)
{
    for (int i = 0; i < BATCH; i++)
        free(b[i]);
    free(b);
}

static void *remote(void *a)
{
    long id = (long)a;
    uint64_t s = (uint64_t)id + 99;
    pthread_barrier_wait(&gate);
    if (nthreads == 1) {
        for (long i = 0; i < per_thread; i += BATCH)
            drain(fill(&s));
    } else if (id % 2 == 0) {
        for (long i = 0; i < 2 * per_thread; i += BATCH)
            produce(&ring[id / 2], fill(&s));
        struct ring *r = &ring[id / 2];
        pthread_mutex_lock(&r->lock);
        r->done = 1;
        pthread_cond_signal(&r->changed);
        pthread_mutex_unlock(&r->lock);
    } else {
        void **b;
        while ((b = consume(&ring[id / 2])))
            drain(b);
    }
    return NULL;
}

/* --- false sharing ---------------------------------------------------- */
static void *scratch(void *given)
{
    pthread_barrier_wait(&gate);
    free(given);
    for (long i = 0; i < per_thread; i++) {
        volatile char *p = malloc(8);
        for (int k = 0; k < 1000; k++)
            p[k & 7]++;
        free((void *)p);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "threadtest";
    nthreads = arg(argc, argv, 2, 2);
    per_thread = arg(argc, argv, 3, 4000000) / nthreads;
    void *(*body)(void *) = !strcmp(mode, "threadtest") ? threadtest
                            : !strcmp(mode, "larson")   ? larson
                            : !strcmp(mode, "remote")   ? remote
                                                        : scratch;
    long rounds = body == larson ? ROUNDS : 1;
    if (nthreads < 1 || nthreads > MAXT)
        return 2;
    pthread_barrier_init(&gate, NULL, (unsigned)nthreads);
    for (int i = 0; i < MAXT; i++) {
        pthread_mutex_init(&ring[i].lock, NULL);
        pthread_cond_init(&ring[i].changed, NULL);
    }
    void *given[MAXT] = {0};
    if (!strcmp(mode, "passive"))
        for (long i = 0; i < nthreads; i++)
            given[i] = malloc(8);

    uint64_t w = wall_ns(), c = process_ns();
    for (long r = 0; r < rounds; r++) {
        pthread_t t[MAXT];
        for (long i = 0; i < nthreads; i++)
            pthread_create(&t[i], NULL, body,
                           body == scratch ? given[i] : (void *)(body == larson ? i + r : i));
        for (long i = 0; i < nthreads; i++)
            pthread_join(t[i], NULL);
    }
    double n = (double)(per_thread * nthreads);
    w = wall_ns() - w;
    c = process_ns() - c;
    report("cpu", (double)c / n, "ns/pair");
    report("wall", (double)w / n, "ns/pair");
    report_peak();
    return 0;
}
