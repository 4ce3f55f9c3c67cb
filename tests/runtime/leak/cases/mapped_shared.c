/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: memory shared with children holds the pointer */
#include <sys/mman.h>

#include "leaks.h"
static void *map(int flags)
{
    return mmap(NULL, 65536, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
}
static void **area;
static void work(void)
{
    area = map(MAP_SHARED);
    area[1000] = block(100);
    STORE(area);
}
MAIN(work)