/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 1 10
 * why: made smaller, then lost */
#include "leaks.h"
static void work(void)
{
    char *p = realloc(block(1000), 10);
    KEEP(p);
}
MAIN(work)