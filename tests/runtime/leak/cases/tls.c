/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: only a thread-local variable of the main thread points to it */
#include "leaks.h"
static __thread char *mine;
static void work(void)
{
    mine = block(100);
    STORE(mine);
}
MAIN(work)
