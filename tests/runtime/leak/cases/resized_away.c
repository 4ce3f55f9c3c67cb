/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: realloc to nothing is free */
#include "leaks.h"
static void work(void)
{
    char *p = block(1000);
    p = realloc(p, 0);
    KEEP(p);
}
MAIN(work)