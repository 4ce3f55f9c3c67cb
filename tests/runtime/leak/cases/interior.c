/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: the program keeps a pointer into the middle of the block only */
#include "leaks.h"
static char *middle;
static void work(void)
{
    middle = (char *)block(100) + 50;
    STORE(middle);
}
MAIN(work)
