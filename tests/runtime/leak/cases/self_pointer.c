/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 1 32
 * why: the block points to itself alone */
#include "leaks.h"
static void work(void)
{
    void **p = block(32);
    *p = p;
    KEEP(p);
}
MAIN(work)