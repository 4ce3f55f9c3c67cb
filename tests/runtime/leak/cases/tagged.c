/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: the low bits of the pointer hold a tag, as interpreters do */
#include "leaks.h"
static uintptr_t tagged;
static void work(void)
{
    tagged = (uintptr_t)block(100) | 3;
    STORE(tagged);
}
MAIN(work)
