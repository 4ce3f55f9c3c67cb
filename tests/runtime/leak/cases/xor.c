/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * with: HEAP_CHECK_POINTER_XOR=0x5555555555555555
 * why: the only copy of the pointer is disguised */
#include "leaks.h"
static uintptr_t disguised;
static void work(void)
{
    disguised = (uintptr_t)block(100) ^ 0x5555555555555555u;
    STORE(disguised);
}
MAIN(work)
