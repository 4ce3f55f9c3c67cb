/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: the slot above the top of a stack still holds it: reachable, if useless */
#include "leaks.h"
static void *slots[10];
static int top;
static void work(void)
{
    slots[top++] = block(100);
    top--;
    STORE(slots);
    STORE(top);
}
MAIN(work)