/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: only a thread-local variable of another, still running, thread */
#include "leaks.h"
static __thread char *mine;
static pthread_barrier_t ready;
static void work(void)
{
    mine = block(100);
    STORE(mine);
}
static void *body(void *a)
{
    deep(work);
    forget();
    pthread_barrier_wait(&ready);
    for (;;)
        pause();
    return a;
}
int main(void)
{
    pthread_t t;
    pthread_barrier_init(&ready, NULL, 2);
    pthread_create(&t, NULL, body, NULL);
    pthread_barrier_wait(&ready);
    return 0;
}
