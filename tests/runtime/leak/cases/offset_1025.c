/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 1 2000
 * why: one more than that */
#include "leaks.h"
static char *p;
static void work(void)
{
    p = (char *)block(2000) + 1025;
    STORE(p);
}
MAIN(work)