/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: no bytes, and its own address is known */
#include "leaks.h"
static void *p;
static void work(void)
{
    p = malloc(0);
    STORE(p);
}
MAIN(work)