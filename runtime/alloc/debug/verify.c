/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The part of gperftools/malloc_extension_c.h that needs to know of single blocks. What is found
 * wrong ends the program, as in the calls that free. */
#include "gperftools/malloc_extension_c.h"

#include <string.h>

#include "alloc/debug/debug.h"

struct search {
    const void *p;
    enum fault fault;
};

static bool look(void *arg, const void *p, enum kind kind)
{
    struct search *search = arg;
    *search = (struct search){p, debug_fault(p, kind)};
    return search->fault == FAULT_NONE;
}

EXPORT int MallocExtension_VerifyAllMemory(void)
{
    struct search search = {0};
    lock_take(&debug_lock);
    map_each_live(look, &search);
    lock_drop(&debug_lock);
    if (search.fault != FAULT_NONE)
        debug_report(search.p, search.fault);
    return 1;
}

static int verify(const void *p, enum kind kind)
{
    if (p)
        (void)debug_examine(p, kind, 0);
    return 1;
}

EXPORT int MallocExtension_VerifyNewMemory(const void *p)
{
    return verify(p, KIND_NEW);
}

EXPORT int MallocExtension_VerifyArrayNewMemory(const void *p)
{
    return verify(p, KIND_NEW_ARRAY);
}

EXPORT int MallocExtension_VerifyMallocMemory(const void *p)
{
    return verify(p, KIND_MALLOC);
}

struct counts {
    int *blocks;
    size_t *total;
    int *histogram;
};

static bool count(void *arg, const void *p, enum kind kind)
{
    const struct counts *counts = arg;
    /* One that is damaged has no size that could be trusted. */
    const size_t size = debug_fault(p, kind) == FAULT_NONE ? debug_size_of(p) : 0;
    const int bits = size ? 64 - __builtin_clzl(size) : 0;
    ++*counts->blocks;
    *counts->total += size;
    counts->histogram[bits < kMallocExtensionHistogramSize ? bits
                                                           : kMallocExtensionHistogramSize - 1]++;
    return true;
}

/* The histogram counts blocks by the number of binary digits of their size. */
EXPORT int MallocExtension_MallocMemoryStats(int *blocks, size_t *total,
                                             int histogram[kMallocExtensionHistogramSize])
{
    struct counts counts = {blocks, total, histogram};
    *blocks = 0;
    *total = 0;
    memset(histogram, 0, kMallocExtensionHistogramSize * sizeof *histogram);
    lock_take(&debug_lock);
    map_each_live(count, &counts);
    lock_drop(&debug_lock);
    return 1;
}

EXPORT size_t MallocExtension_GetEstimatedAllocatedSize(size_t size)
{
    return size;
}

EXPORT MallocExtension_Ownership MallocExtension_GetOwnership(const void *p)
{
    lock_take(&debug_lock);
    const bool is_live = map_find(p).state == PLACE_LIVE;
    lock_drop(&debug_lock);
    return is_live || pagemap_search(p) ? MallocExtension_kOwned : MallocExtension_kNotOwned;
}
