/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 1 100
 * why: the variable points to the second block now */
#include "leaks.h"
static void *p;
static void work(void)
{
    p = block(100);
    STORE(p);
    p = block(200);
    STORE(p);
}
MAIN(work)