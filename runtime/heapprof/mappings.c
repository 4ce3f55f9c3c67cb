/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Mappings of the program's, with who made them: a table of regions, sorted by address and without
 * overlaps, while the profile wants it. Calls are told by interpose.c. */
#include "heapprof/internal.h"

#include <string.h>

#include "base/env.h"
#include "base/lock.h"
#include "base/pages.h"
#include "unwind/unwind.h"

struct region {
    uintptr_t start, end;
    stack_ix stack;
};

unsigned mappings_wanted;

static struct {
    struct lock lock;
    struct region *regions;
    size_t n, room;
} mappings;

/* A signal handler in the middle of it does not wait for itself: what it maps is not known. */
static __thread bool is_busy;

/* The first region that ends behind the address. */
static size_t first_behind(uintptr_t at)
{
    size_t low = 0, high = mappings.n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (mappings.regions[middle].end <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Room for two more, which is what any change needs. */
static bool make_room(void)
{
    enum { MORE = 2 };
    if (mappings.n + MORE <= mappings.room)
        return true;
    const size_t size = mappings.room * sizeof *mappings.regions;
    const size_t more = size ? 2 * size : SYSTEM_PAGE;
    struct region *regions = pages_map(NULL, more, SYSTEM_PAGE);
    if (!regions)
        return false;
    if (size) {
        memcpy(regions, mappings.regions, mappings.n * sizeof *regions);
        pages_unmap(mappings.regions, size);
    }
    mappings.regions = regions;
    mappings.room = more / sizeof *regions;
    return true;
}

static void insert(size_t at, struct region region)
{
    struct region *place = &mappings.regions[at];
    memmove(place + 1, place, (mappings.n - at) * sizeof *place);
    *place = region;
    mappings.n++;
}

/* What overlaps goes; a region that reaches beyond on both sides becomes two. */
static void cut_out(uintptr_t start, uintptr_t end)
{
    size_t i = first_behind(start);
    if (i < mappings.n && mappings.regions[i].start < start) {
        struct region *region = &mappings.regions[i];
        const struct region rest = {end, region->end, region->stack};
        region->end = start;
        i++;
        if (rest.start < rest.end)
            insert(i, rest);
    }
    size_t gone = i;
    while (gone < mappings.n && mappings.regions[gone].end <= end)
        gone++;
    if (gone < mappings.n && mappings.regions[gone].start < end)
        mappings.regions[gone].start = end;
    memmove(&mappings.regions[i], &mappings.regions[gone],
            (mappings.n - gone) * sizeof *mappings.regions);
    mappings.n -= gone - i;
}

static uintptr_t page_end(uintptr_t start, size_t size)
{
    return (start + size + SYSTEM_PAGE - 1) & ~(uintptr_t)(SYSTEM_PAGE - 1);
}

void mapping_made(uintptr_t start, size_t size, struct caller caller)
{
    if (is_busy || size == 0)
        return;
    is_busy = true;
    const struct region region = {start, page_end(start, size), stack_of(&caller)};
    lock_take(&mappings.lock);
    if (mappings_wanted && make_room()) {
        cut_out(region.start, region.end);
        insert(first_behind(region.start), region);
        stack_count_mapped(region.stack, size);
    }
    lock_drop(&mappings.lock);
    is_busy = false;
}

void mapping_gone(uintptr_t start, size_t size)
{
    if (is_busy || size == 0)
        return;
    is_busy = true;
    lock_take(&mappings.lock);
    if (mappings.n > 0 && make_room())
        cut_out(start, page_end(start, size));
    lock_drop(&mappings.lock);
    is_busy = false;
}

void mappings_each(void (*visit)(void *to, stack_ix stack, size_t size), void *to)
{
    for (size_t i = 0; i < mappings.n; i++)
        visit(to, mappings.regions[i].stack, mappings.regions[i].end - mappings.regions[i].start);
}

void mappings_begin(void)
{
    unsigned wanted = 0;
    if (env_bool("HEAP_PROFILE_MMAP", false))
        wanted |= MAPPINGS_PROFILED;
    if (env_bool("HEAP_PROFILE_ONLY_MMAP", false))
        wanted |= MAPPINGS_PROFILED | MAPPINGS_ONLY;
    if (env_bool("HEAP_PROFILE_MMAP_LOG", false))
        wanted |= MAPPINGS_LOGGED;
    __atomic_store_n(&mappings_wanted, wanted, __ATOMIC_RELEASE);
}

void mappings_end(void)
{
    lock_take(&mappings.lock);
    __atomic_store_n(&mappings_wanted, 0, __ATOMIC_RELEASE);
    mappings.n = 0;
    lock_drop(&mappings.lock);
}

void mappings_lock(void)
{
    lock_take(&mappings.lock);
}

bool mappings_try_lock(void)
{
    return lock_try(&mappings.lock);
}

void mappings_unlock(void)
{
    lock_drop(&mappings.lock);
}
