/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * with: HEAP_CHECK_MAX_POINTER_OFFSET=-1
 * why: far inside, and an option allows it */
#include "leaks.h"
static char *p;
static void work(void)
{
    p = (char *)block(500000) + 400000;
    STORE(p);
}
MAIN(work)