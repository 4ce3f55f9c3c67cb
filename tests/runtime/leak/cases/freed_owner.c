/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 1 100
 * why: the only pointer was in a block that was freed */
#include "leaks.h"
static void work(void)
{
    void **owner = block(64);
    owner[4] = block(100);
    free(owner);
}
MAIN(work)