/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: the farthest that a pointer may be from the start */
#include "leaks.h"
static char *p;
static void work(void)
{
    p = (char *)block(2000) + 1024;
    STORE(p);
}
MAIN(work)