/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 1 8192
 * why: from posix_memalign */
#include "leaks.h"
static void work(void)
{
    void *p;
    if (posix_memalign(&p, 4096, 8192) == 0) {
        memset(p, 0, 8192);
        KEEP(p);
    }
    p = NULL;
    STORE(p);
}
MAIN(work)