/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: the pointer lies in memory from sbrk */
#include "leaks.h"
static void **area;
static void work(void)
{
    area = sbrk(65536);
    memset(area, 0, 65536);
    area[100] = block(100);
    STORE(area);
}
MAIN(work)