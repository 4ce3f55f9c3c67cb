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
#include "gperftools/tcmalloc.h"
#include "hooks/hooks.h"

#pragma GCC diagnostic ignored "-Wmissing-prototypes" /* some have none in any header */

/* A small block that grows does so by a quarter or more: who adds a little does so again. */
enum { GROWTH = 4 };

/* ---- slow paths */

static void *take_or_handle(size_t size, size_t asked, bool *is_zero)
{
    void *p;
    while (!(p = tracked_take(size, asked, is_zero)) && alloc_retries())
        ;
    return p;
}

static void *take_aligned_or_handle(size_t align, size_t size)
{
    void *p;
    while (!(p = tracked_take_aligned(size, align)) && alloc_retries())
        ;
    return p;
}

COLD static void *malloc_slow(size_t size)
{
    bool is_zero;
    HOOKS_NOTE_CALLER();
    return alloc_finish(take_or_handle(size, size, &is_zero), size);
}

APART static void *calloc_slow(size_t size)
{
    bool is_zero;
    HOOKS_NOTE_CALLER();
    void *p = take_or_handle(size, size, &is_zero);
    if (p && !is_zero)
        memset(p, 0, size);
    return alloc_finish(p, size);
}

static void give_and_tell(void *p)
{
    if (UNLIKELY(hooks_any()))
        hooks_tell_delete(p);
    tracked_give(p);
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

/* Does a small block stay where it is when its size changes? */
static inline bool is_kept(size_t before, size_t size)
{
    return size <= before && size >= before / 2;
}

APART static void *realloc_slow(void *old, size_t size)
{
    const size_t before = alloc_usable(old);
    HOOKS_NOTE_CALLER();
    if (before == 0)
        misuse_invalid_free(old);
    bool stays = false;
    size_t more = size;
    if (before <= SMALL_MAX) {
        stays = is_kept(before, size) && tracked_resize(old, size);
        const size_t least = before + before / GROWTH;
        if (size > before && size < least && least <= SMALL_MAX)
            more = least;
    } else if (size > SMALL_MAX && size <= PTRDIFF_MAX) {
        stays = tracked_resize(old, size);
    }
    if (stays) {
        if (UNLIKELY(hooks_any())) {
            hooks_tell_delete(old);
            hooks_tell_new(old, size);
        }
        return old;
    }
    bool is_zero;
    void *p = fast_take(more);
    if (!p)
        p = alloc_finish(take_or_handle(more, size, &is_zero), size);
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
    if (LIKELY(c != 0) && is_kept(classes.facts[c].size, size))
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

static inline void *memalign_any(size_t align, size_t size)
{
    if (UNLIKELY((align & (align - 1)) != 0) || UNLIKELY(align == 0))
        return memalign_odd(align, size);
    return take_aligned(align, size);
}

EXPORT void *memalign(size_t align, size_t size)
{
    return memalign_any(align, size);
}

EXPORT void *aligned_alloc(size_t align, size_t size)
{
    return memalign_any(align, size);
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

/* ---- the same under names that are never replaced */

EXPORT void *tc_malloc_skip_new_handler(size_t size)
{
    void *p = fast_take(size);
    if (LIKELY(p != NULL))
        return p;
    bool is_zero;
    HOOKS_NOTE_CALLER();
    return alloc_finish(tracked_take(size, size, &is_zero), size);
}

#include "alloc/c_names.h"

/* ---- what the form of blocks decides */

void entries_start(void)
{
}

void entries_lock(void)
{
}

void entries_unlock(void)
{
}

size_t entries_waiting(void)
{
    return 0;
}
