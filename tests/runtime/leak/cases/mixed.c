/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 1000 16000
 * why: 1000 of 100000 blocks leak, among 50000 reachable and 49000 freed */
#include "leaks.h"
static void *kept[50000];
static void work(void)
{
    for (int i = 0; i < 100000; i++) {
        void *p = block(16);
        if (i % 100 == 99)
            continue;
        else if (i % 2 == 0)
            kept[i / 2] = p;
        else
            free(p);
    }
    STORE(kept);
}
MAIN(work)
