/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: a pointer on the stack of each of fifty threads */
#include "leaks.h"
static pthread_barrier_t ready;
static void *body(void *a)
{
    char *volatile p = block(100);
    forget();
    pthread_barrier_wait(&ready);
    while (p[0] == 0)
        pause();
    return a;
}
int main(void)
{
    pthread_barrier_init(&ready, NULL, 51);
    for (int i = 0; i < 50; i++) {
        pthread_t t;
        pthread_create(&t, NULL, body, NULL);
    }
    pthread_barrier_wait(&ready);
    return 0;
}