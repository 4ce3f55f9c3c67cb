/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The part of gperftools/malloc_extension_c.h that only the debugging allocator can answer
 * (debug/); here nothing is known of single blocks. */
#include "gperftools/malloc_extension_c.h"

#include <string.h>

#include "alloc/internal.h"
#include "gperftools/nallocx.h"

EXPORT int MallocExtension_VerifyAllMemory(void)
{
    return 1;
}

EXPORT int MallocExtension_VerifyNewMemory(const void *p)
{
    (void)p;
    return 1;
}

EXPORT int MallocExtension_VerifyArrayNewMemory(const void *p)
{
    (void)p;
    return 1;
}

EXPORT int MallocExtension_VerifyMallocMemory(const void *p)
{
    (void)p;
    return 1;
}

EXPORT int MallocExtension_MallocMemoryStats(int *blocks, size_t *total,
                                             int histogram[kMallocExtensionHistogramSize])
{
    *blocks = 0;
    *total = 0;
    memset(histogram, 0, kMallocExtensionHistogramSize * sizeof *histogram);
    return 1;
}

EXPORT size_t MallocExtension_GetEstimatedAllocatedSize(size_t size)
{
    return nallocx(size, 0);
}

EXPORT MallocExtension_Ownership MallocExtension_GetOwnership(const void *p)
{
    return pagemap_search(p) ? MallocExtension_kOwned : MallocExtension_kNotOwned;
}
