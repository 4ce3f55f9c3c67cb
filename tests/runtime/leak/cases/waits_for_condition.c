/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: a thread in pthread_cond_wait, and a pointer on its stack */
#include "leaks.h"
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static volatile int ready;
static void *body(void *a)
{
    char *volatile p = block(100);
    forget();
    pthread_mutex_lock(&lock);
    ready = 1;
    while (!p[0])
        pthread_cond_wait(&never, &lock);
    return a;
}
int main(void)
{
    pthread_t t;
    pthread_create(&t, NULL, body, NULL);
    while (!ready)
        usleep(1000);
    pthread_mutex_lock(&lock);
    pthread_mutex_unlock(&lock);
    return 0;
}