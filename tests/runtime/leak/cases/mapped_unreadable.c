/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: part of the mapping, and of a block, may not be read */
#include <sys/mman.h>

#include "leaks.h"
static char *area, *guarded;
static void work(void)
{
    area = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *(void **)(area + 800) = block(100);
    mprotect(area + 4096, 8192, PROT_NONE);
    void *p;
    if (posix_memalign(&p, 4096, 16384) == 0) {
        memset(p, 0, 16384);
        guarded = p;
        *(void **)(guarded + 12288) = block(100);
        mprotect(guarded + 4096, 4096, PROT_NONE);
    }
    STORE(area);
    STORE(guarded);
    p = NULL;
    STORE(p);
}
MAIN(work)