/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 1 30
 * why: between two calls nothing that is lost counts */
#define HEAP_CHECKER_IS_OPTIONAL
#include <gperftools/heap-checker-c.h>

#include "leaks.h"
static void work(void)
{
    if (HeapLeakChecker_DisableBegin)
        HeapLeakChecker_DisableBegin();
    block(10);
    block(20);
    if (HeapLeakChecker_DisableEnd)
        HeapLeakChecker_DisableEnd();
    block(30);
}
MAIN(work)