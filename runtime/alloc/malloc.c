/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The entry points of C, with the names that replace those of libc and the tc_ names that never do.
 * First the slow paths that all share, then the functions. errno changes on failure only. */
#include "alloc/internal.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc/fast.h"
#include "base/text.h"
#include "gperftools/nallocx.h"
#include "gperftools/tcmalloc.h"
#include "hooks/hooks.h"

#pragma GCC diagnostic ignored "-Wmissing-prototypes" /* some have none in any header */

enum { LOOK_AT_CLOCK = 16 }; /* large calls between two looks */

static int new_mode;

/* ---- taking and giving without more ado */

static inline void ensure_started(void)
{
    if (UNLIKELY(!__atomic_load_n(&alloc_started, __ATOMIC_ACQUIRE)))
        alloc_start();
}

void alloc_ensure_started(void)
{
    ensure_started();
}

static size_t pages_for(size_t size)
{
    return (size >> PAGE_SHIFT) + ((size & (PAGE_SIZE - 1)) != 0);
}

/* Says that a block is unusually large, if the environment asked for it. */
static void report_large(size_t size, const void *p)
{
    static _Atomic int64_t threshold = -1;
    int64_t limit = threshold < 0 ? knobs.large_report : threshold;
    if (limit < 0 || size < (uint64_t)limit)
        return;
    limit += limit / 8;
    threshold = (int64_t)size > limit ? (int64_t)size : limit;
    char buffer[160];
    struct text text = text_over(buffer, sizeof buffer);
    text_add(&text, "tcmalloc: large alloc ");
    text_unsigned(&text, size, 0);
    text_add(&text, " bytes == ");
    text_hex(&text, (uintptr_t)p);
    text_add(&text, " @ \n");
    text_write(&text, STDERR_FILENO);
}

static void *take_large(size_t size, size_t align, bool *is_zero)
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
    ensure_started();
    *is_zero = false;
    if (size <= SMALL_MAX)
        return cache_refill(classes.of_size[class_index(size)]);
    return take_large(size, 1, is_zero);
}

void *alloc_take_aligned(size_t size, size_t align)
{
    ensure_started();
    bool is_zero = false;
    const uint32_t c = class_aligned(size, align);
    if (c == 0)
        return take_large(size, align, &is_zero);
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
    return slot < span->fresh;
}

/* ---- slow paths */

void *alloc_finish(void *p, size_t size)
{
    if (UNLIKELY(hooks_any()))
        hooks_tell_new(p, size);
    if (UNLIKELY(!p))
        errno = ENOMEM;
    return p;
}

static void *take_or_handle(size_t size, bool *is_zero)
{
    void *p;
    while (!(p = alloc_take(size, is_zero)) && new_mode && new_handler_call())
        ;
    return p;
}

static void *take_aligned_or_handle(size_t align, size_t size)
{
    void *p;
    while (!(p = alloc_take_aligned(size, align)) && new_mode && new_handler_call())
        ;
    return p;
}

COLD static void *malloc_slow(size_t size)
{
    bool is_zero;
    HOOKS_NOTE_CALLER();
    return alloc_finish(take_or_handle(size, &is_zero), size);
}

COLD static void *calloc_slow(size_t size)
{
    bool is_zero;
    HOOKS_NOTE_CALLER();
    void *p = take_or_handle(size, &is_zero);
    if (p && !is_zero)
        memset(p, 0, size);
    return alloc_finish(p, size);
}

static void give_and_tell(void *p)
{
    if (UNLIKELY(hooks_any()))
        hooks_tell_delete(p);
    alloc_give(p);
}

void alloc_free_slow(void *p)
{
    if (!p)
        return;
    HOOKS_NOTE_CALLER();
    give_and_tell(p);
}

COLD static void *aligned_slow(size_t align, size_t size)
{
    HOOKS_NOTE_CALLER();
    return alloc_finish(take_aligned_or_handle(align, size), size);
}

static inline void *take_aligned(size_t align, size_t size)
{
    void *p = fast_take_aligned(size, align);
    return LIKELY(p != NULL) ? p : aligned_slow(align, size);
}

COLD static void *realloc_slow(void *old, size_t size)
{
    const size_t before = alloc_usable(old);
    HOOKS_NOTE_CALLER();
    if (before == 0)
        misuse_invalid_free(old);
    bool stays = false;
    if (before <= SMALL_MAX) {
        stays =
            size <= SMALL_MAX && classes.facts[classes.of_size[class_index(size)]].size == before;
    } else if (size > SMALL_MAX && size <= PTRDIFF_MAX) {
        stays = pageheap_resize(pagemap_large(old), pages_for(size));
    }
    if (stays) {
        if (UNLIKELY(hooks_any())) {
            hooks_tell_delete(old);
            hooks_tell_new(old, size);
        }
        return old;
    }
    bool is_zero;
    void *p = fast_take(size);
    if (!p)
        p = alloc_finish(take_or_handle(size, &is_zero), size);
    if (p) {
        memcpy(p, old, before < size ? before : size);
        if (hooks_any() || !fast_push(fast_class(old), old))
            give_and_tell(old);
    }
    return p;
}

/* ---- malloc and companions */

EXPORT void *malloc(size_t size)
{
    void *p = fast_take(size);
    return LIKELY(p != NULL) ? p : malloc_slow(size);
}

EXPORT void free(void *p)
{
    if (UNLIKELY(!fast_push(fast_class(p), p)))
        alloc_free_slow(p);
}

EXPORT void *calloc(size_t n, size_t size)
{
    size_t bytes;
    if (UNLIKELY(__builtin_mul_overflow(n, size, &bytes))) {
        errno = ENOMEM;
        return NULL;
    }
    void *p = fast_take(bytes);
    if (UNLIKELY(!p))
        return calloc_slow(bytes);
    return memset(p, 0, bytes);
}

EXPORT void *realloc(void *p, size_t size)
{
    if (UNLIKELY(!p))
        return malloc(size);
    if (UNLIKELY(size == 0)) {
        free(p);
        return NULL;
    }
    const uint32_t c = fast_class(p);
    if (LIKELY(c != 0) && size <= SMALL_MAX && fast.of_size[class_index(size)] == c)
        return p;
    return realloc_slow(p, size);
}

EXPORT void *reallocarray(void *p, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(p, bytes);
}

COLD static void *memalign_odd(size_t align, size_t size)
{
    if (align > PTRDIFF_MAX) {
        errno = EINVAL;
        return NULL;
    }
    while ((align & (align - 1)) != 0) /* up to the next power of two */
        align = (align | (align - 1)) + 1;
    return aligned_slow(align ? align : 1, size);
}

EXPORT void *memalign(size_t align, size_t size)
{
    if (UNLIKELY((align & (align - 1)) != 0) || UNLIKELY(align == 0))
        return memalign_odd(align, size);
    return take_aligned(align, size);
}

EXPORT void *aligned_alloc(size_t align, size_t size)
{
    return memalign(align, size);
}

/* Not by aligned_slow: hooks would take our own frame for the caller. */
COLD static int posix_memalign_slow(void **out, size_t align, size_t size)
{
    const int kept = errno;
    HOOKS_NOTE_CALLER();
    void *p = alloc_finish(take_aligned_or_handle(align, size), size);
    errno = kept;
    if (!p)
        return ENOMEM;
    *out = p;
    return 0;
}

EXPORT int posix_memalign(void **out, size_t align, size_t size)
{
    if (align % sizeof(void *) != 0 || (align & (align - 1)) != 0 || align == 0)
        return EINVAL;
    void *p = fast_take_aligned(size, align);
    if (UNLIKELY(!p))
        return posix_memalign_slow(out, align, size);
    *out = p;
    return 0;
}

EXPORT void *valloc(size_t size)
{
    return take_aligned((size_t)sysconf(_SC_PAGESIZE), size);
}

EXPORT void *pvalloc(size_t size)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (size > PTRDIFF_MAX) {
        errno = ENOMEM;
        return NULL;
    }
    return take_aligned(page, size ? (size + page - 1) & ~(page - 1) : page);
}

EXPORT void cfree(void *p)
{
    free(p);
}

EXPORT void free_sized(void *p, size_t size)
{
    (void)size;
    free(p);
}

EXPORT void free_aligned_sized(void *p, size_t align, size_t size)
{
    (void)align;
    (void)size;
    free(p);
}

EXPORT size_t malloc_usable_size(void *p)
{
    if (!p)
        return 0;
    const size_t n = alloc_usable(p);
    if (n == 0)
        misuse_invalid_size(p);
    return n;
}

EXPORT size_t malloc_size(void *p)
{
    return malloc_usable_size(p);
}

EXPORT size_t nallocx(size_t size, int flags)
{
    ensure_started();
    const size_t align = (size_t)1 << (flags & 63);
    const uint32_t c = size > SMALL_MAX ? 0
                       : align > 8      ? class_aligned(size, align)
                                        : classes.of_size[class_index(size)];
    return c ? classes.facts[c].size : pages_for(size ? size : 1) << PAGE_SHIFT;
}

EXPORT int mallopt(int parameter, int value)
{
    (void)parameter;
    (void)value;
    return 1;
}

EXPORT int malloc_trim(size_t pad)
{
    (void)pad;
    cache_flush();
    central_tick(true);
    return pageheap_release(SIZE_MAX) > 0;
}

/* ---- the same under names that are never replaced */

EXPORT void *tc_malloc_skip_new_handler(size_t size)
{
    void *p = fast_take(size);
    if (LIKELY(p != NULL))
        return p;
    bool is_zero;
    HOOKS_NOTE_CALLER();
    return alloc_finish(alloc_take(size, &is_zero), size);
}

EXPORT int tc_set_new_mode(int flag)
{
    const int before = new_mode;
    new_mode = flag;
    return before;
}

EXPORT int tc_query_new_mode(void)
{
    return new_mode;
}

EXPORT const char *tc_version(int *major, int *minor, const char **patch)
{
    if (major)
        *major = TC_VERSION_MAJOR;
    if (minor)
        *minor = TC_VERSION_MINOR;
    if (patch)
        *patch = TC_VERSION_PATCH;
    return TC_VERSION_STRING;
}

ALIAS(malloc) void *tc_malloc(size_t);
ALIAS(free) void tc_free(void *);
ALIAS(free_sized) void tc_free_sized(void *, size_t);
ALIAS(free_aligned_sized) void tc_free_aligned_sized(void *, size_t, size_t);
ALIAS(realloc) void *tc_realloc(void *, size_t);
ALIAS(calloc) void *tc_calloc(size_t, size_t);
ALIAS(cfree) void tc_cfree(void *);
ALIAS(memalign) void *tc_memalign(size_t, size_t);
ALIAS(posix_memalign) int tc_posix_memalign(void **, size_t, size_t);
ALIAS(valloc) void *tc_valloc(size_t);
ALIAS(pvalloc) void *tc_pvalloc(size_t);
ALIAS(mallopt) int tc_mallopt(int, int);
ALIAS(malloc_size) size_t tc_malloc_size(void *);
ALIAS(nallocx) size_t tc_nallocx(size_t, int);
