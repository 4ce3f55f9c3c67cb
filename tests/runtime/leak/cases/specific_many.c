/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: so many keys that the C library makes tables for them */
#include "leaks.h"
static pthread_key_t key[200];
static void work(void)
{
    for (int i = 0; i < 200; i++) {
        pthread_key_create(&key[i], NULL);
        pthread_setspecific(key[i], block(100));
    }
}
MAIN(work)