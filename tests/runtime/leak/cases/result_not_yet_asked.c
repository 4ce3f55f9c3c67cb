/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: the thread has ended, and its result may still be asked for */
#include "leaks.h"
static pthread_t t;
static void *body(void *a)
{
    (void)a;
    return block(100);
}
static void work(void)
{
    pthread_create(&t, NULL, body, NULL);
    usleep(50000);
    STORE(t);
}
MAIN(work)