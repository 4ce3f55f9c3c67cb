/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: a pointer into an aligned block */
#include "leaks.h"
static char *p;
static void work(void)
{
    void *q;
    if (posix_memalign(&q, 1024, 3000) == 0) {
        memset(q, 0, 3000);
        p = (char *)q + 512;
    }
    q = NULL;
    STORE(q);
    STORE(p);
}
MAIN(work)