/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 1 100
 * why: what the thread returned is not looked at */
#include "leaks.h"
static void *body(void *a)
{
    (void)a;
    return block(100);
}
static void work(void)
{
    pthread_t t;
    void *result;
    pthread_create(&t, NULL, body, NULL);
    pthread_join(t, &result);
    result = NULL;
    STORE(result);
}
MAIN(work)