/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 1 64
 * with: HEAP_CHECK_MAX_POINTER_OFFSET=-1
 * why: a pointer to the end is none into the block, whatever is allowed */
#include "leaks.h"
static char *p;
static void work(void)
{
    p = (char *)block(64) + 64;
    STORE(p);
}
MAIN(work)