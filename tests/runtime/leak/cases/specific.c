/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: thread-specific data of the main thread */
#include "leaks.h"
static pthread_key_t key;
static void work(void)
{
    pthread_key_create(&key, NULL);
    pthread_setspecific(key, block(100));
}
MAIN(work)