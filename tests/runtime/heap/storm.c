/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Threads that allocate and free as fast as they can and end, while files are written, by call and
 * by signal; with an argument, by a call in a signal handler of its own. At the end exactly so many
 * blocks live. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <gperftools/heap-profiler.h>

enum { THREADS = 8, GENERATIONS = 20, SLOTS = 200, STEPS = 4000, KEPT = 5, SIZE = 777 };

static void *kept[GENERATIONS][THREADS][KEPT];
static atomic_bool is_over;

struct place {
    int generation, thread;
};

__attribute__((noinline)) static void *keep(void)
{
    void *volatile p = malloc(SIZE);
    return p;
}

static void *work(void *arg)
{
    const struct place *place = arg;
    void *slots[SLOTS] = {NULL};
    unsigned seed = (unsigned)(place->generation * THREADS + place->thread);
    for (int i = 0; i < STEPS; i++) {
        seed = seed * 1664525u + 1013904223u;
        void **slot = &slots[(seed >> 8) % SLOTS];
        if (seed >> 31) {
            *slot = realloc(*slot, (seed >> 4) % 3000 + 1);
        } else {
            free(*slot);
            *slot = malloc((seed >> 4) % 3000);
        }
    }
    for (int i = 0; i < KEPT; i++)
        kept[place->generation][place->thread][i] = keep();
    for (int i = 0; i < SLOTS; i++)
        free(slots[i]);
    return NULL;
}

static void *raise_signals(void *arg)
{
    (void)arg;
    while (!is_over) {
        kill(getpid(), SIGUSR2);
        usleep(2000);
    }
    return NULL;
}

static void on_signal(int signal)
{
    (void)signal;
    HeapProfilerDump("in a handler");
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1 && signal(SIGUSR2, on_signal) == SIG_ERR)
        return 1;
    pthread_t signals, threads[THREADS];
    struct place places[THREADS];
    pthread_create(&signals, NULL, raise_signals, NULL);
    for (int g = 0; g < GENERATIONS; g++) {
        for (int t = 0; t < THREADS; t++) {
            places[t] = (struct place){g, t};
            pthread_create(&threads[t], NULL, work, &places[t]);
        }
        HeapProfilerDump("in the storm");
        for (int t = 0; t < THREADS; t++)
            pthread_join(threads[t], NULL);
    }
    is_over = true;
    pthread_join(signals, NULL);
    return 0;
}
