/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 1 100
 * why: the mapping that holds the pointer is forgotten too */
#include <sys/mman.h>

#include "leaks.h"
static void *map(int flags)
{
    return mmap(NULL, 65536, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
}
static void work(void)
{
    void **area = map(MAP_PRIVATE);
    area[1000] = block(100);
    KEEP(area);
}
MAIN(work)