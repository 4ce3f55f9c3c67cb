/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: from one mapping to another to the block */
#include <sys/mman.h>

#include "leaks.h"
static void *map(int flags)
{
    return mmap(NULL, 65536, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
}
static void **area;
static void work(void)
{
    area = map(MAP_PRIVATE);
    void **other = map(MAP_PRIVATE);
    area[10] = other;
    other[2000] = block(100);
    STORE(area);
}
MAIN(work)