/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Memory as malloc gives it, before anything that is the entry points' affair: from here down the
 * allocator knows blocks of a size and nothing of who asked. Apart from the entry points because
 * the debugging allocator has others. */
#include "alloc/internal.h"

#include <errno.h>
#include <unistd.h>

#include "base/text.h"
#include "hooks/hooks.h"
#include "unwind/unwind.h"

enum { LOOK_AT_CLOCK = 16 }; /* large calls between two looks */

void alloc_ensure_started(void)
{
    if (UNLIKELY(!__atomic_load_n(&alloc_started, __ATOMIC_ACQUIRE)))
        alloc_start();
}

enum { DEEPEST_REPORT = 30 };

/* Says that a block is unusually large and who made it, if the environment asked for it. */
static void report_large(size_t size, const void *p)
{
    static _Atomic int64_t threshold = -1;
    int64_t limit = threshold < 0 ? knobs.large_report : threshold;
    if (limit < 0 || size < (uint64_t)limit)
        return;
    limit += limit / 8;
    threshold = (int64_t)size > limit ? (int64_t)size : limit;
    uintptr_t pcs[DEEPEST_REPORT];
    const size_t n_pcs = unwind(pcs, DEEPEST_REPORT, 1, NULL);
    char buffer[128 + DEEPEST_REPORT * 20];
    struct text text = text_over(buffer, sizeof buffer);
    text_add(&text, "tcmalloc: large alloc ");
    text_unsigned(&text, size, 0);
    text_add(&text, " bytes == ");
    text_hex(&text, (uintptr_t)p);
    text_add(&text, " @ ");
    for (size_t i = 0; i < n_pcs; i++) {
        text_add(&text, " ");
        text_hex(&text, pcs[i]);
    }
    text_add(&text, "\n");
    text_write(&text, STDERR_FILENO);
}

void *alloc_take_large(size_t size, size_t align, bool *is_zero)
{
    if (size > PTRDIFF_MAX || align > PTRDIFF_MAX)
        return NULL;
    struct span *span = pageheap_take_aligned(pages_for(size ? size : 1), align);
    if (!span)
        return NULL;
    *is_zero = span->is_zero;
    if (UNLIKELY(knobs.large_report >= 0))
        report_large(size, span_start(span));
    return span_start(span);
}

void *alloc_take(size_t size, bool *is_zero)
{
    alloc_ensure_started();
    *is_zero = false;
    if (size <= SMALL_MAX)
        return cache_refill(classes.of_size[class_index(size)]);
    return alloc_take_large(size, 1, is_zero);
}

void *alloc_take_aligned(size_t size, size_t align)
{
    alloc_ensure_started();
    bool is_zero = false;
    const uint32_t c = class_aligned(size, align);
    if (c == 0)
        return alloc_take_large(size, align, &is_zero);
    return cache_refill(c);
}

void alloc_give(void *p)
{
    const uint32_t c = pagemap_class((uintptr_t)p >> PAGE_SHIFT);
    if (LIKELY(c != 0)) {
        cache_overflow(c, p);
        return;
    }
    struct span *span = pagemap_large(p);
    if (!span)
        misuse_invalid_free(p);
    __atomic_store_n(&span->sample, 0, __ATOMIC_RELAXED);
    pageheap_give(span);
    if (++own.large_calls >= LOOK_AT_CLOCK) {
        own.large_calls = 0;
        cache_tick();
    }
}

size_t alloc_usable(const void *p)
{
    const uint32_t c = pagemap_class((uintptr_t)p >> PAGE_SHIFT);
    if (c != 0)
        return classes.facts[c].size;
    const struct span *span = pagemap_large(p);
    return span ? span->pages << PAGE_SHIFT : 0;
}

bool alloc_find(const void *p, const void **start, size_t *size)
{
    const struct span *span = pagemap_search(p);
    if (!span)
        return false;
    *start = span_start(span);
    *size = span->pages << PAGE_SHIFT;
    if (span->state == SPAN_LARGE)
        return true;
    const uint32_t c = span->class_ix;
    const uint32_t slot = class_slot(c, (size_t)((const char *)p - (const char *)*start));
    *size = classes.facts[c].size;
    *start = (const char *)*start + (size_t)slot * *size;
    return slot < __atomic_load_n(&span->fresh, __ATOMIC_RELAXED);
}

void *alloc_finish(void *p, size_t size)
{
    if (UNLIKELY(hooks_any()))
        hooks_tell_new(p, size);
    if (UNLIKELY(own.grown != 0))
        growth_tell();
    if (UNLIKELY(!p))
        errno = ENOMEM;
    return p;
}
