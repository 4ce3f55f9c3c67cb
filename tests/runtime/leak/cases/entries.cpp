/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 10 1055
 * why: one block from each way to allocate */
#include <malloc.h>
#include <new>

#include "leaks.h"
static void work()
{
    void *p[10];
    p[0] = calloc(1, 100);
    p[1] = strdup("four");
    p[2] = aligned_alloc(64, 128);
    if (posix_memalign(&p[3], 256, 100))
        return;
    p[4] = memalign(64, 100);
    p[5] = operator new(100);
    p[6] = new char[100];
    p[7] = operator new(100, std::nothrow);
    p[8] = operator new(128, std::align_val_t(128));
    p[9] = realloc(NULL, 194);
    size_t size[10] = {100, 5, 128, 100, 100, 100, 100, 100, 128, 194};
    for (int i = 0; i < 10; i++)
        memset(p[i], 0, size[i]);
    KEEP(p);
}
MAIN(work)
