/* SPDX-License-Identifier: BSD-3-Clause
 *
 * gperftools/malloc_extension_c.h: numbers by name, memory back to the system, idle threads. */
#include "gperftools/malloc_extension_c.h"

#include <malloc.h>
#include <string.h>

#include "alloc/internal.h"
#include "base/text.h"

enum { DETAILED_FROM = 10000 }; /* a buffer with so much room gets the long text */

/* ---- properties */

static size_t in_use(const struct alloc_stats *s)
{
    const size_t waiting = entries_waiting();
    return s->in_use > waiting ? s->in_use - waiting : 0;
}

static size_t heap_size(const struct alloc_stats *s)
{
    return s->heap.system;
}

static size_t physical(const struct alloc_stats *s)
{
    return s->heap.system - s->heap.returned + s->metadata;
}

static size_t slack(const struct alloc_stats *s)
{
    return s->heap.resident + s->heap.returned;
}

static size_t central_bytes(const struct alloc_stats *s)
{
    return s->central;
}

static size_t transfer_bytes(const struct alloc_stats *s)
{
    return s->transfer;
}

static size_t thread_bytes(const struct alloc_stats *s)
{
    return s->thread;
}

static size_t resident(const struct alloc_stats *s)
{
    return s->heap.resident;
}

static size_t returned(const struct alloc_stats *s)
{
    return s->heap.returned;
}

static size_t committed(const struct alloc_stats *s)
{
    return s->heap.system - s->heap.returned;
}

static size_t scavenges(const struct alloc_stats *s)
{
    return s->heap.scavenges;
}

static size_t commits(const struct alloc_stats *s)
{
    return s->heap.commits;
}

static size_t committed_total(const struct alloc_stats *s)
{
    return s->heap.committed_total;
}

static size_t releases(const struct alloc_stats *s)
{
    return s->heap.releases;
}

static size_t released_total(const struct alloc_stats *s)
{
    return s->heap.released_total;
}

static size_t reserves(const struct alloc_stats *s)
{
    return s->heap.reserves;
}

static size_t total_cache(const struct alloc_stats *s)
{
    (void)s;
    return cache_total_limit();
}

static size_t least_cache(const struct alloc_stats *s)
{
    (void)s;
    return cache_least_limit();
}

static size_t is_aggressive(const struct alloc_stats *s)
{
    (void)s;
    return knobs.is_aggressive;
}

static void set_aggressive(size_t value)
{
    knobs.is_aggressive = value != 0;
}

static size_t sample_parameter(const struct alloc_stats *s)
{
    (void)s;
    return alloc_sample_period();
}

static size_t limit_mb(const struct alloc_stats *s)
{
    (void)s;
    return knobs.limit_mb;
}

static void set_limit_mb(size_t value)
{
    knobs.limit_mb = value;
}

static size_t caches(const struct alloc_stats *s)
{
    return s->caches;
}

static const struct property {
    const char *name;
    size_t (*get)(const struct alloc_stats *stats);
    void (*set)(size_t value); /* NULL: cannot be set */
} properties[] = {
    {"generic.current_allocated_bytes", in_use, NULL},
    {"generic.heap_size", heap_size, NULL},
    {"generic.total_physical_bytes", physical, NULL},
    {"tcmalloc.slack_bytes", slack, NULL},
    {"tcmalloc.central_cache_free_bytes", central_bytes, NULL},
    {"tcmalloc.transfer_cache_free_bytes", transfer_bytes, NULL},
    {"tcmalloc.thread_cache_free_bytes", thread_bytes, NULL},
    {"tcmalloc.pageheap_free_bytes", resident, NULL},
    {"tcmalloc.pageheap_unmapped_bytes", returned, NULL},
    {"tcmalloc.pageheap_committed_bytes", committed, NULL},
    {"tcmalloc.pageheap_scavenge_count", scavenges, NULL},
    {"tcmalloc.pageheap_commit_count", commits, NULL},
    {"tcmalloc.pageheap_total_commit_bytes", committed_total, NULL},
    {"tcmalloc.pageheap_decommit_count", releases, NULL},
    {"tcmalloc.pageheap_total_decommit_bytes", released_total, NULL},
    {"tcmalloc.pageheap_reserve_count", reserves, NULL},
    {"tcmalloc.pageheap_total_reserve_bytes", heap_size, NULL},
    {"tcmalloc.max_total_thread_cache_bytes", total_cache, cache_set_total_limit},
    {"tcmalloc.min_per_thread_cache_bytes", least_cache, cache_set_least_limit},
    {"tcmalloc.current_total_thread_cache_bytes", thread_bytes, NULL},
    {"tcmalloc.aggressive_memory_decommit", is_aggressive, set_aggressive},
    {"tcmalloc.heap_limit_mb", limit_mb, set_limit_mb},
    {"tcmalloc.impl.thread_cache_count", caches, NULL},
    {"tcmalloc.sample_parameter", sample_parameter, alloc_sample_set_period},
};

static const struct property *property_of(const char *name)
{
    for (size_t i = 0; name && i < sizeof properties / sizeof *properties; i++)
        if (strcmp(properties[i].name, name) == 0)
            return &properties[i];
    return NULL;
}

EXPORT int MallocExtension_GetNumericProperty(const char *name, size_t *value)
{
    const struct property *property = property_of(name);
    if (!property)
        return 0;
    struct alloc_stats stats;
    alloc_stats(&stats);
    *value = property->get(&stats);
    return 1;
}

EXPORT int MallocExtension_SetNumericProperty(const char *name, size_t value)
{
    const struct property *property = property_of(name);
    if (!property || !property->set)
        return 0;
    alloc_ensure_started();
    property->set(value);
    return 1;
}

/* ---- the rest */

EXPORT void MallocExtension_GetStats(char *buffer, int size)
{
    if (size <= 0)
        return;
    struct text text = text_over(buffer, (size_t)size);
    alloc_stats_text(&text, size < DETAILED_FROM ? 1 : 2);
}

EXPORT void MallocExtension_MarkThreadIdle(void)
{
    cache_flush();
}

EXPORT void MallocExtension_MarkThreadTemporarilyIdle(void)
{
    cache_flush();
}

EXPORT void MallocExtension_MarkThreadBusy(void)
{
    /* The thread's lists fill again as it allocates. */
}

EXPORT void MallocExtension_ReleaseToSystem(size_t bytes)
{
    cache_flush();
    central_tick(true);
    pageheap_release(bytes);
}

EXPORT void MallocExtension_ReleaseFreeMemory(void)
{
    MallocExtension_ReleaseToSystem(SIZE_MAX);
}

EXPORT void MallocExtension_SetMemoryReleaseRate(double rate)
{
    alloc_ensure_started();
    knobs.release_rate = rate;
}

EXPORT double MallocExtension_GetMemoryReleaseRate(void)
{
    alloc_ensure_started();
    return knobs.release_rate;
}

EXPORT size_t MallocExtension_GetAllocatedSize(const void *p)
{
    return malloc_usable_size((void *)p);
}

EXPORT size_t MallocExtension_GetThreadCacheSize(void)
{
    return cache_bytes();
}

/* Where the heap profiler is, its functions take the place of these two. */
EXPORT __attribute__((weak)) void MallocExtension_GetHeapSample(
    void (*write)(void *arg, const char *text, size_t size), void *arg)
{
    static const char text[] = "This malloc implementation does not support sampling.\n"
                               "It is the minimal library: link with, or preload, the full\n"
                               "one (libtcmalloc) and set TCMALLOC_SAMPLE_PARAMETER to a\n"
                               "number of bytes.\n";
    write(arg, text, sizeof text - 1);
}

EXPORT __attribute__((weak)) void MallocExtension_GetHeapGrowthStacks(
    void (*write)(void *arg, const char *text, size_t size), void *arg)
{
    static const char text[] = "This malloc implementation does not support growth stacks.\n"
                               "It is the minimal library: link with, or preload, the full\n"
                               "one (libtcmalloc).\n";
    write(arg, text, sizeof text - 1);
}
