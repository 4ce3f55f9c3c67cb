/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: the only pointer lies in memory that the program mapped itself */
#include <sys/mman.h>

#include "leaks.h"
static void **area;
static void work(void)
{
    area = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    area[1000] = block(100);
    STORE(area);
}
MAIN(work)
