/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From a page to its span and class: a root, and leaves of 2 GiB of addresses each. Reading takes
 * no lock; leaves are never given back. Also here is the fast path's view of it. */
#include "alloc/internal.h"

#include "base/arena.h"

struct leaf *pagemap_root[ROOT_SIZE];
struct fast fast;

/* The page heap's lock guards these and the view. */
static bool is_hidden;
static uintptr_t first_root = ROOT_SIZE,
                 last_root; /* no leaf is outside: the root is not all read */

bool pagemap_cover(uintptr_t page, size_t pages)
{
    for (uintptr_t i = page >> LEAF_SHIFT; i <= (page + pages - 1) >> LEAF_SHIFT; i++) {
        if (i >= ROOT_SIZE)
            return false;
        if (pagemap_root[i])
            continue;
        struct leaf *leaf = arena_take(sizeof *leaf);
        if (!leaf)
            return false;
        __atomic_store_n(&pagemap_root[i], leaf, __ATOMIC_RELEASE);
        first_root = i < first_root ? i : first_root;
        last_root = i > last_root ? i : last_root;
        if (!is_hidden)
            fast_leaf(i);
    }
    return true;
}

static void set(uintptr_t page, struct span *span)
{
    __atomic_store_n(&pagemap_leaf(page)->span_of[page & (LEAF_PAGES - 1)], span, __ATOMIC_RELAXED);
}

void pagemap_set_ends(struct span *span)
{
    set(span->page, span);
    set(span->page + span->pages - 1, span);
}

static void set_class(uintptr_t page, size_t pages, uint32_t class_ix)
{
    for (uintptr_t p = page; p < page + pages; p++)
        __atomic_store_n(&pagemap_leaf(p)->class_of[p & (LEAF_PAGES - 1)], (uint8_t)class_ix,
                         __ATOMIC_RELAXED);
}

void pagemap_set_pages(struct span *span)
{
    for (uintptr_t p = span->page; p < span->page + span->pages; p++)
        set(p, span);
}

void pagemap_set_all(struct span *span, uint32_t class_ix)
{
    pagemap_set_pages(span);
    set_class(span->page, span->pages, class_ix);
}

void pagemap_clear_class(const struct span *span)
{
    set_class(span->page, span->pages, 0);
}

struct span *pagemap_large(const void *p)
{
    struct span *span = pagemap_span((uintptr_t)p >> PAGE_SHIFT);
    return span && span->state == SPAN_LARGE && span_start(span) == p ? span : NULL;
}

struct span *pagemap_search(const void *p)
{
    /* Long spans are noted at their ends alone; between these is what was there before. */
    const uintptr_t page = (uintptr_t)p >> PAGE_SHIFT;
    for (uintptr_t at = page; pagemap_leaf(at); at--) {
        struct span *span = pagemap_span(at);
        if (span && span->page <= page && page - span->page < span->pages)
            return span->state == SPAN_SMALL || span->state == SPAN_LARGE ? span : NULL;
        if (span && span->page == at && span->pages > 0)
            return NULL; /* another one begins here */
    }
    return NULL;
}

void fast_leaf(uintptr_t root)
{
    __atomic_store_n(&fast.class_of[root],
                     (uintptr_t)pagemap_root[root]->class_of - (root << LEAF_SHIFT),
                     __ATOMIC_RELEASE);
}

void fast_show(void)
{
    pageheap_lock();
    is_hidden = false;
    for (uintptr_t i = first_root; i <= last_root; i++)
        if (pagemap_root[i])
            fast_leaf(i);
    for (size_t i = 0; i < CLASS_INDEXES; i++)
        __atomic_store_n(&fast.of_size[i], classes.of_size[i], __ATOMIC_RELAXED);
    pageheap_unlock();
}

void fast_hide(void)
{
    pageheap_lock();
    is_hidden = true;
    for (uintptr_t i = first_root; i <= last_root; i++)
        if (fast.class_of[i])
            __atomic_store_n(&fast.class_of[i], 0, __ATOMIC_RELAXED);
    for (size_t i = 0; i < CLASS_INDEXES; i++)
        __atomic_store_n(&fast.of_size[i], 0, __ATOMIC_RELAXED);
    pageheap_unlock();
}
