/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * with: HEAP_CHECK_POINTER_SOURCE_ALIGNMENT=1
 * why: the only pointer lies at an odd address, in a packed structure */
#include "leaks.h"
static struct __attribute__((packed)) {
    char tag;
    char *p;
} record;
static void work(void)
{
    record.p = block(100);
    STORE(record);
}
MAIN(work)
