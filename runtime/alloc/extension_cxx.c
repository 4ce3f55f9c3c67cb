/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The class MallocExtension for programs that were compiled against its ancestor's header: an
 * object whose only word points at a table of functions in a fixed order. Also the pieces from
 * which our own header makes what needs C++ types. No C++ library is needed: of std::string only
 * appending is, through a weak symbol. */
#include "alloc/internal.h"

#include <stdlib.h>

#include "gperftools/malloc_extension_c.h"

#pragma GCC diagnostic ignored "-Wmissing-prototypes" /* C++ declares what is defined here */

enum range_type { RANGE_IN_USE, RANGE_FREE, RANGE_UNMAPPED };

enum { RANGES_AT_ONCE = 16 };

static enum range_type range_type(const struct span *span)
{
    if (span->state == SPAN_SMALL || span->state == SPAN_LARGE)
        return RANGE_IN_USE;
    return span->state == SPAN_RETURNED ? RANGE_UNMAPPED : RANGE_FREE;
}

static double range_fraction(const struct span *span)
{
    if (span->state == SPAN_SMALL)
        return (double)span->live / classes.facts[span->class_ix].capacity;
    return span->state == SPAN_LARGE;
}

/* The visitor gets copies, so that it may allocate: no lock is held while it runs. */
EXPORT void MallocExtension_Ranges(void *arg,
                                   void (*visit)(void *arg, uintptr_t address, size_t length,
                                                 int type, double fraction))
{
    struct span some[RANGES_AT_ONCE];
    uintptr_t page = 0;
    alloc_ensure_started();
    for (size_t n; (n = pageheap_copy(page, some, RANGES_AT_ONCE)) > 0;) {
        for (size_t i = 0; i < n; i++)
            visit(arg, (uintptr_t)span_start(&some[i]), some[i].pages << PAGE_SHIFT,
                  range_type(&some[i]), range_fraction(&some[i]));
        page = some[n - 1].page + some[n - 1].pages;
    }
}

EXPORT void MallocExtension_FreeLists(void *arg,
                                      void (*visit)(void *arg, const char *type, size_t least_size,
                                                    size_t most_size, size_t bytes))
{
    struct alloc_stats s;
    alloc_stats(&s);
    for (uint32_t c = 1; c < CLASSES; c++) {
        const size_t least = classes.facts[c - 1].size + 1, most = classes.facts[c].size;
        const struct central_stats central = central_stats(c);
        const size_t shared = central.in_spans + central.in_transfer;
        visit(arg, "tcmalloc.central", least, most, shared);
        visit(arg, "tcmalloc.thread", least, most,
              s.class_free[c] > shared ? s.class_free[c] - shared : 0);
    }
    for (size_t i = 1; i <= BINS; i++) {
        const size_t size = i << PAGE_SHIFT;
        visit(arg, "tcmalloc.page", size, size, s.heap.bin_resident[i] * size);
        visit(arg, "tcmalloc.page_unmapped", size, size, s.heap.bin_returned[i] * size);
    }
    visit(arg, "tcmalloc.large", (size_t)(BINS + 1) << PAGE_SHIFT, SIZE_MAX,
          s.heap.long_resident_pages << PAGE_SHIFT);
    visit(arg, "tcmalloc.large_unmapped", (size_t)(BINS + 1) << PAGE_SHIFT, SIZE_MAX,
          s.heap.long_returned_pages << PAGE_SHIFT);
}

/* ---- the table; the first argument is the object */

/* std::string::_M_append(const char *, size_t) */
extern void *string_append(void *string, const char *text, size_t size) __asm__(
    "_ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE9_M_appendEPKcm") __attribute__((weak));

static void append(void *string, const char *text, size_t size)
{
    if (string_append)
        string_append(string, text, size);
}

static void destroy(void *self)
{
    (void)self; /* the one object lives as long as the process */
}

static bool verify_all(void *self)
{
    (void)self;
    return MallocExtension_VerifyAllMemory() != 0;
}

static bool verify_new(void *self, const void *p)
{
    (void)self;
    return MallocExtension_VerifyNewMemory(p) != 0;
}

static bool verify_new_array(void *self, const void *p)
{
    (void)self;
    return MallocExtension_VerifyArrayNewMemory(p) != 0;
}

static bool verify_malloc(void *self, const void *p)
{
    (void)self;
    return MallocExtension_VerifyMallocMemory(p) != 0;
}

static bool memory_stats(void *self, int *blocks, size_t *total, int *histogram)
{
    (void)self;
    return MallocExtension_MallocMemoryStats(blocks, total, histogram) != 0;
}

static void get_stats(void *self, char *buffer, int size)
{
    (void)self;
    MallocExtension_GetStats(buffer, size);
}

static void heap_sample(void *self, void *string)
{
    (void)self;
    MallocExtension_GetHeapSample(append, string);
}

static void growth_stacks(void *self, void *string)
{
    (void)self;
    MallocExtension_GetHeapGrowthStacks(append, string);
}

struct old_range { /* base::MallocRange */
    uintptr_t address;
    size_t length;
    int type;
    double fraction;
};

struct old_visit {
    void *arg;
    void (*visit)(void *arg, const struct old_range *range);
};

static void visit_old(void *arg, uintptr_t address, size_t length, int type, double fraction)
{
    const struct old_visit *v = arg;
    v->visit(v->arg, &(struct old_range){address, length, type, fraction});
}

static void ranges(void *self, void *arg, void (*visit)(void *arg, const struct old_range *range))
{
    (void)self;
    MallocExtension_Ranges(&(struct old_visit){arg, visit}, visit_old);
}

static bool get_property(void *self, const char *name, size_t *value)
{
    (void)self;
    return MallocExtension_GetNumericProperty(name, value) != 0;
}

static bool set_property(void *self, const char *name, size_t value)
{
    (void)self;
    return MallocExtension_SetNumericProperty(name, value) != 0;
}

static void mark_idle(void *self)
{
    (void)self;
    MallocExtension_MarkThreadIdle();
}

static void mark_busy(void *self)
{
    (void)self;
    MallocExtension_MarkThreadBusy();
}

static void *get_system_allocator(void *self)
{
    (void)self;
    return NULL;
}

static void set_system_allocator(void *self, void *allocator)
{
    (void)self;
    (void)allocator;
}

static void release_to_system(void *self, size_t bytes)
{
    (void)self;
    MallocExtension_ReleaseToSystem(bytes);
}

static void release_free_memory(void *self)
{
    (void)self;
    MallocExtension_ReleaseFreeMemory();
}

static void set_release_rate(void *self, double rate)
{
    (void)self;
    MallocExtension_SetMemoryReleaseRate(rate);
}

static double get_release_rate(void *self)
{
    (void)self;
    return MallocExtension_GetMemoryReleaseRate();
}

static size_t estimated_size(void *self, size_t size)
{
    (void)self;
    return MallocExtension_GetEstimatedAllocatedSize(size);
}

static size_t allocated_size(void *self, const void *p)
{
    (void)self;
    return MallocExtension_GetAllocatedSize(p);
}

static int ownership(void *self, const void *p)
{
    (void)self;
    return MallocExtension_GetOwnership(p);
}

static void free_list_sizes(void *self, void *vector)
{
    (void)self;
    (void)vector; /* growing a std::vector from here is not possible: none are told */
}

/* An array from new[] that ends at once: no stacks. */
static void **no_stacks(void *self, int *period)
{
    (void)self;
    if (period)
        *period = 0;
    return calloc(1, sizeof(void *));
}

static void **no_growth(void *self)
{
    return no_stacks(self, NULL);
}

static size_t thread_cache_size(void *self)
{
    (void)self;
    return MallocExtension_GetThreadCacheSize();
}

typedef void (*slot)(void);

static const struct {
    ptrdiff_t offset_to_top;
    const void *type_info;
    slot functions[29];
} table = {
    .functions =
        {
            (slot)destroy,
            (slot)destroy,
            (slot)verify_all,
            (slot)verify_new,
            (slot)verify_new_array,
            (slot)verify_malloc,
            (slot)memory_stats,
            (slot)get_stats,
            (slot)heap_sample,
            (slot)growth_stacks,
            (slot)ranges,
            (slot)get_property,
            (slot)set_property,
            (slot)mark_idle,
            (slot)mark_busy,
            (slot)get_system_allocator,
            (slot)set_system_allocator,
            (slot)release_to_system,
            (slot)release_free_memory,
            (slot)set_release_rate,
            (slot)get_release_rate,
            (slot)estimated_size,
            (slot)allocated_size,
            (slot)ownership,
            (slot)free_list_sizes,
            (slot)no_stacks,
            (slot)no_growth,
            (slot)thread_cache_size,
            (slot)mark_idle,
        },
};

static const struct {
    const slot *functions;
} the_one = {table.functions};

EXPORT const void *_ZN15MallocExtension8instanceEv(void)
{
    return &the_one;
}

EXPORT void _ZN15MallocExtension10InitializeEv(void)
{
    /* The first call of malloc did it. */
}
