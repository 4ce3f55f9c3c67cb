/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 1 40
 * why: the plain case */
#include "leaks.h"
static void work(void)
{
    block(40);
}
MAIN(work)
