/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: the program says so of a block, and of what it points to */
#define HEAP_CHECKER_IS_OPTIONAL
#include <gperftools/heap-checker-c.h>

#include "leaks.h"
static uintptr_t disguised;
static void work(void)
{
    void **p = block(64);
    p[3] = block(100);
    if (HeapLeakChecker_IgnoreObject)
        HeapLeakChecker_IgnoreObject(p);
    disguised = ~(uintptr_t)p;
    STORE(disguised);
}
MAIN(work)