/* SPDX-License-Identifier: BSD-3-Clause
 *
 * CPU time that is split over functions and threads in a known way, to hold a profile against.
 *
 *   split SECONDS THREADS [KIND]
 *
 * The first thread runs seven functions in a drawn order, for drawn times of up to some
 * milliseconds, so that no timer can be in step with them, until its CPU clock has passed SECONDS.
 * The others, up to three, run a function each as long as that lasts. KIND is how they run:
 *   free        as they are (usual)
 *   blocked     made with all signals blocked, as programs do that want theirs on one thread
 *   brief       each as many threads one after another, of about a millisecond
 *
 * One line a function, its CPU time, and one of all the process. */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

#include "bench.h"

#define FUNCTION(name)                                                                             \
    static __attribute__((noinline, noclone)) unsigned name(uint32_t n, unsigned x)                \
    {                                                                                              \
        for (uint32_t i = 0; i < n; i++) {                                                         \
            x = x * 1664525u + __LINE__;                                                           \
            KEEP(x);                                                                               \
        }                                                                                          \
        return x;                                                                                  \
    }

FUNCTION(half)
FUNCTION(quarter)
FUNCTION(tenth)
FUNCTION(tenth_too)
FUNCTION(twenty_fifth)
FUNCTION(hundredth)
FUNCTION(rare)
FUNCTION(second_thread)
FUNCTION(third_thread)
FUNCTION(fourth_thread)

enum { TURNS = 7, OTHERS = 3, SLICE = 1 << 20, BRIEF = 1500000 };

static struct function {
    const char *name;
    unsigned (*run)(uint32_t n, unsigned x);
    uint32_t permille; /* of the turns */
    uint64_t ns;
} functions[TURNS + OTHERS] = {
    {"half", half, 500, 0},
    {"quarter", quarter, 250, 0},
    {"tenth", tenth, 100, 0},
    {"tenth_too", tenth_too, 100, 0},
    {"twenty_fifth", twenty_fifth, 38, 0},
    {"hundredth", hundredth, 10, 0},
    {"rare", rare, 2, 0},
    {"second_thread", second_thread, 0, 0},
    {"third_thread", third_thread, 0, 0},
    {"fourth_thread", fourth_thread, 0, 0},
};

static _Atomic bool is_over;

static void *work(void *a)
{
    struct function *f = a;
    while (!is_over)
        f->run(SLICE, 1);
    f->ns = thread_ns();
    return NULL;
}

static void *work_briefly(void *a)
{
    struct function *f = a;
    f->run(BRIEF, 1);
    f->ns += thread_ns();
    return NULL;
}

static void *start_many(void *a)
{
    while (!is_over) {
        pthread_t t;
        must(pthread_create(&t, NULL, work_briefly, a) == 0 ? a : NULL);
        pthread_join(t, NULL);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const double seconds = argc > 1 ? atof(argv[1]) : 2;
    const long others = arg(argc, argv, 2, 1) - 1;
    const char *kind = argc > 3 ? argv[3] : "free";
    if (others < 0 || others > OTHERS)
        return 2;
    pthread_t t[OTHERS];
    sigset_t all, before;
    sigfillset(&all);
    if (!strcmp(kind, "blocked"))
        pthread_sigmask(SIG_BLOCK, &all, &before);
    for (long i = 0; i < others; i++)
        pthread_create(&t[i], NULL, strcmp(kind, "brief") ? work : start_many,
                       &functions[TURNS + i]);
    if (!strcmp(kind, "blocked"))
        pthread_sigmask(SIG_SETMASK, &before, NULL);

    uint64_t seed = 11, now = thread_ns();
    const uint64_t end = now + (uint64_t)(seconds * 1e9);
    while (now < end) {
        uint32_t turn = rng_below(&seed, 1000), k = 0;
        while (turn >= functions[k].permille)
            turn -= functions[k++].permille;
        functions[k].run(1 + rng_below(&seed, SLICE), 1);
        const uint64_t after = thread_ns();
        functions[k].ns += after - now;
        now = after;
    }
    is_over = true;
    for (long i = 0; i < others; i++)
        pthread_join(t[i], NULL);
    for (size_t k = 0; k < TURNS + OTHERS; k++)
        if (functions[k].ns)
            printf("%s\t%.6f\ts\n", functions[k].name, (double)functions[k].ns / 1e9);
    printf("all\t%.6f\ts\n", (double)process_ns() / 1e9);
    return 0;
}
