/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 1 0
 * why: no bytes, and lost all the same */
#include "leaks.h"
static void work(void)
{
    void *p = malloc(0);
    KEEP(p);
}
MAIN(work)