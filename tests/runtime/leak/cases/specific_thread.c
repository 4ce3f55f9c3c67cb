/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: the same of a thread that waits */
#include "leaks.h"
static pthread_key_t key[60];
static pthread_barrier_t ready;
static void fill(void)
{
    for (int i = 0; i < 60; i++)
        pthread_setspecific(key[i], block(100));
}
static void *body(void *a)
{
    deep(fill);
    forget();
    pthread_barrier_wait(&ready);
    for (;;)
        pause();
    return a;
}
int main(void)
{
    pthread_t t;
    for (int i = 0; i < 60; i++)
        pthread_key_create(&key[i], NULL);
    pthread_barrier_init(&ready, NULL, 2);
    pthread_create(&t, NULL, body, NULL);
    pthread_barrier_wait(&ready);
    return 0;
}