/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 2 30000000
 * why: blocks so large that an allocator maps them by themselves */
#include "leaks.h"
static void work(void)
{
    block(10000000);
    block(20000000);
}
MAIN(work)
