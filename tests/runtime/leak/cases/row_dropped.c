/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 1 400
 * why: one row of a table is replaced by a null pointer */
#include "leaks.h"
static void **rows;
static void work(void)
{
    rows = block(50 * sizeof *rows);
    for (int i = 0; i < 50; i++)
        rows[i] = block(400);
    rows[20] = NULL;
    STORE(rows);
}
MAIN(work)