/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: only the running thread knows its argument */
#include "leaks.h"
static void *body(void *a)
{
    char *volatile p = a;
    for (;;)
        pause();
    return (void *)p;
}
static void work(void)
{
    pthread_t t;
    pthread_create(&t, NULL, body, block(100));
}
int main(void)
{
    deep(work);
    usleep(20000);
    forget();
    return 0;
}