/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 1 100
 * why: the freed block is in use again, not yet written to */
#include "leaks.h"
static void *again;
static void work(void)
{
    void **owner = block(64);
    owner[4] = block(100);
    KEEP(owner);
    free(owner);
    again = malloc(64);
    STORE(again);
}
MAIN(work)