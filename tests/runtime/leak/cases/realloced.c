/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 1 5000
 * why: grown by realloc, moved at least once; only the last block counts */
#include "leaks.h"
static void work(void)
{
    char *p = block(10);
    void *wall = block(10);
    p = realloc(p, 200);
    void *wall2 = block(200);
    p = realloc(p, 5000);
    memset(p, 0, 5000);
    KEEP(p);
    free(wall);
    free(wall2);
}
MAIN(work)
