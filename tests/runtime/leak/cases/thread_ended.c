/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 50 5000
 * why: fifty threads have ended; the C library keeps their stacks, with the pointers on them */
#include "leaks.h"
static void *body(void *a)
{
    char *volatile p = block(100);
    p[0] = 1;
    return a;
}
static void work(void)
{
    pthread_t t[50];
    for (int i = 0; i < 50; i++)
        pthread_create(&t[i], NULL, body, NULL);
    for (int i = 0; i < 50; i++)
        pthread_join(t[i], NULL);
}
MAIN(work)