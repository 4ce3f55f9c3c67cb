/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 10 10
 * why: as small as can be */
#include "leaks.h"
static void work(void)
{
    for (int i = 0; i < 10; i++)
        block(1);
}
MAIN(work)