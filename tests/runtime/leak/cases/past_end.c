/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 1 64
 * why: the neighbour's address is kept, which may also be one past the end of
 *      the leaked block; a pointer there does not keep a block */
#include "leaks.h"
static char *kept[64];
static void work(void)
{
    for (int i = 0; i < 64; i++)
        kept[i] = block(64);
    kept[30] = NULL;
    STORE(kept);
}
MAIN(work)
