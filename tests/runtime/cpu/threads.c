/* SPDX-License-Identifier: BSD-3-Clause
 *
 *   threads split SECONDS [blocked]
 *                           three threads and the first one use CPU time as 1 : 2 : 3 : 2; those
 *                           three are made with all signals blocked
 *   threads turns SECONDS   the first thread works in three functions in turn, a few milliseconds
 *                           each; the lines before the last tell the CPU time of each
 *   threads many N          N threads one after another, each too short for most ticks
 *   threads churn SECONDS   threads come and go while one starts and stops profiles
 *   threads lingers         a thread that works on after its first destructors
 *   threads exits           threads that end by pthread_exit and by being cancelled, and of C11
 *
 * The last line is the CPU time that the process used. */
#include <gperftools/profiler.h>

#include <pthread.h>
#include <signal.h>
#include <threads.h>
#include <unistd.h>

#include "work.h"

BURNER(one)
BURNER(two)
BURNER(three)
BURNER(first)
BURNER(brief)

static double share;
static volatile int is_over;
static pthread_key_t last;

static void *run_one(void *a)
{
    one(share);
    return a;
}

static void *run_two(void *a)
{
    two(2 * share);
    return a;
}

static void *run_three(void *a)
{
    three(3 * share);
    return a;
}

static void *run_brief(void *a)
{
    brief(0.001);
    return a;
}

static void linger(void *a)
{
    (void)a;
    brief(0.5);
}

static void *run_lingering(void *a)
{
    pthread_setspecific(last, &last);
    one(1);
    return a;
}

static void *run_exit(void *a)
{
    brief(0.05);
    pthread_exit(a);
}

static void *run_cancelled(void *a)
{
    brief(0.05);
    for (;;)
        pause();
    return a;
}

static int run_c11(void *a)
{
    (void)a;
    brief(0.05);
    return 7;
}

static void *run_switch(void *a)
{
    while (!is_over) {
        ProfilerStart("churn.prof");
        usleep(1000);
        ProfilerFlush();
        ProfilerStop();
    }
    return a;
}

/* How much is seen at one time: the sum of the squares of the time between two signals. */
static uint64_t last_signal;
static double squares;

static int on_signal(void *unused)
{
    (void)unused;
    const uint64_t now = thread_ns();
    const double passed = (double)(now - last_signal) / 1e9;
    squares += passed * passed;
    last_signal = now;
    return 1;
}

/* The lengths are drawn, or they could be in step with the clock. */
static void take_turns(double seconds)
{
    static unsigned (*const burners[])(double) = {one, two, three};
    const struct ProfilerOptions options = {.filter_in_thread = on_signal};
    uint64_t used[3] = {0};
    unsigned seed = 7;
    last_signal = thread_ns();
    if (!ProfilerStartWithOptions("turns.prof", &options))
        exit(9);
    for (const uint64_t end = thread_ns() + (uint64_t)(seconds * 1e9); thread_ns() < end;) {
        for (unsigned i = 0; i < 3; i++) {
            seed = seed * 1664525u + 1013904223u;
            const uint64_t since = thread_ns();
            (void)burners[i]((i + 1) * (seed >> 8) / (double)(1 << 24) * 0.002);
            used[i] += thread_ns() - since;
        }
    }
    ProfilerStop();
    for (unsigned i = 0; i < 3; i++)
        printf("%.6f\n", (double)used[i] / 1e9);
    printf("%.9f\n", squares);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    pthread_t t[4];
    if (!strcmp(what, "split")) {
        share = seconds_of(argc, argv, 2, 2) / 8;
        sigset_t blocked, before; /* as programs do that want their signals on one thread */
        sigemptyset(&blocked);
        if (argc > 3)
            sigfillset(&blocked);
        pthread_sigmask(SIG_BLOCK, &blocked, &before);
        pthread_create(&t[0], NULL, run_one, NULL);
        pthread_create(&t[1], NULL, run_two, NULL);
        pthread_create(&t[2], NULL, run_three, NULL);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        first(2 * share);
        for (int i = 0; i < 3; i++)
            pthread_join(t[i], NULL);
    } else if (!strcmp(what, "turns")) {
        take_turns(seconds_of(argc, argv, 2, 4));
    } else if (!strcmp(what, "many")) {
        for (long i = 0, n = argc > 2 ? atol(argv[2]) : 100; i < n; i++) {
            pthread_create(&t[0], NULL, run_brief, NULL);
            pthread_join(t[0], NULL);
        }
    } else if (!strcmp(what, "churn")) {
        pthread_create(&t[0], NULL, run_switch, NULL);
        const uint64_t end = process_ns() + (uint64_t)(seconds_of(argc, argv, 2, 1) * 1e9);
        while (process_ns() < end) {
            for (int i = 1; i < 4; i++)
                pthread_create(&t[i], NULL, run_brief, NULL);
            for (int i = 1; i < 4; i++)
                pthread_join(t[i], NULL);
        }
        is_over = 1;
        pthread_join(t[0], NULL);
    } else if (!strcmp(what, "lingers")) {
        pthread_key_create(&last, linger);
        pthread_create(&t[0], NULL, run_lingering, NULL);
        pthread_join(t[0], NULL);
    } else {
        thrd_t c11;
        int result = 0;
        pthread_create(&t[0], NULL, run_exit, NULL);
        pthread_create(&t[1], NULL, run_cancelled, NULL);
        thrd_create(&c11, run_c11, NULL);
        usleep(10000);
        pthread_cancel(t[1]);
        pthread_join(t[0], NULL);
        pthread_join(t[1], NULL);
        thrd_join(c11, &result);
        if (result != 7)
            return 9;
    }
    printf("%.6f\n", (double)process_ns() / 1e9);
    return 0;
}
