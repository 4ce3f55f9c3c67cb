/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: the C library keeps a list of files that are open */
#include "leaks.h"
static void work(void)
{
    FILE *f = fopen("/dev/null", "w");
    fprintf(f, "x");
    KEEP(f);
}
MAIN(work)