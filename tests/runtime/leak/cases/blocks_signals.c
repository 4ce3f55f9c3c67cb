/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: a thread that blocks all signals and reads */
#include <signal.h>

#include "leaks.h"
static int ends[2];
static volatile int ready;
static void *body(void *a)
{
    char *volatile p = block(100);
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    forget();
    ready = 1;
    char c;
    if (read(ends[0], &c, 1) == 1)
        KEEP(p);
    return a;
}
int main(void)
{
    pthread_t t;
    if (pipe(ends) != 0)
        return 1;
    pthread_create(&t, NULL, body, NULL);
    while (!ready)
        usleep(1000);
    usleep(10000);
    return 0;
}