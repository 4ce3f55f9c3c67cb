/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The entry points of C, as malloc.c has them for plain blocks. Every one hands on where the
 * program called: hooks, traces and stacks of blocks that were given back begin there. */
#include "alloc/debug/debug.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gperftools/tcmalloc.h"
#include "hooks/hooks.h"

#pragma GCC diagnostic ignored "-Wmissing-prototypes" /* some have none in any header */

/* ---- what all calls share */

void *debug_finish(void *p, size_t size, struct caller caller)
{
    hooks_caller = caller;
    if (debug_knobs.traces && p)
        trace_call("malloc", size, p, caller);
    return alloc_finish(p, size);
}

void debug_free(void *p, enum kind kind, size_t said, struct caller caller)
{
    if (!p)
        return;
    const size_t size = debug_claim(p, kind, said);
    if (debug_knobs.traces)
        trace_call("free", size, p, caller);
    hooks_caller = caller;
    if (hooks_any())
        hooks_tell_delete(p);
    debug_retire(p, caller);
}

static void *take_or_handle(size_t size, size_t align, struct caller caller)
{
    void *p;
    while (!(p = debug_take(size, align, KIND_MALLOC, caller)) && alloc_retries())
        ;
    return p;
}

static void *take(size_t size, size_t align, struct caller caller)
{
    return debug_finish(take_or_handle(size, align, caller), size, caller);
}

static void give(void *p, size_t said, struct caller caller)
{
    debug_free(p, KIND_MALLOC, said, caller);
}

static void *take_zeroed(size_t n, size_t size, struct caller caller)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    void *p = take_or_handle(bytes, 1, caller);
    if (p)
        memset(p, 0, bytes);
    return debug_finish(p, bytes, caller);
}

/* Always to another place, so that pointers to the old one are found. */
static void *retake(void *old, size_t size, struct caller caller)
{
    if (!old)
        return take(size, 1, caller);
    if (size == 0) {
        give(old, 0, caller);
        return NULL;
    }
    const size_t before = debug_examine(old, KIND_MALLOC, 0);
    void *p = take_or_handle(size, 1, caller);
    if (p) {
        memcpy(p, old, before < size ? before : size);
        (void)debug_claim(old, KIND_MALLOC, 0);
        if (debug_knobs.traces)
            trace_call("realloc", size, p, caller);
    }
    hooks_caller = caller;
    if (p && hooks_any())
        hooks_tell_delete(old);
    (void)alloc_finish(p, size);
    if (p)
        debug_retire(old, caller);
    return p;
}

static void *take_aligned(size_t align, size_t size, struct caller caller)
{
    if (align > PTRDIFF_MAX) {
        errno = EINVAL;
        return NULL;
    }
    while ((align & (align - 1)) != 0) /* up to the next power of two */
        align = (align | (align - 1)) + 1;
    return take(size, align ? align : 1, caller);
}

/* ---- malloc and companions */

EXPORT void *malloc(size_t size)
{
    return take(size, 1, CALLER());
}

EXPORT void free(void *p)
{
    give(p, 0, CALLER());
}

EXPORT void *calloc(size_t n, size_t size)
{
    return take_zeroed(n, size, CALLER());
}

EXPORT void *realloc(void *p, size_t size)
{
    return retake(p, size, CALLER());
}

EXPORT void *reallocarray(void *p, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return retake(p, bytes, CALLER());
}

EXPORT void *memalign(size_t align, size_t size)
{
    return take_aligned(align, size, CALLER());
}

EXPORT void *aligned_alloc(size_t align, size_t size)
{
    return take_aligned(align, size, CALLER());
}

EXPORT int posix_memalign(void **out, size_t align, size_t size)
{
    if (align % sizeof(void *) != 0 || (align & (align - 1)) != 0 || align == 0)
        return EINVAL;
    const int kept = errno;
    void *p = take(size, align, CALLER());
    errno = kept;
    if (!p)
        return ENOMEM;
    *out = p;
    return 0;
}

EXPORT void *valloc(size_t size)
{
    return take(size, (size_t)sysconf(_SC_PAGESIZE), CALLER());
}

EXPORT void *pvalloc(size_t size)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (size > PTRDIFF_MAX) {
        errno = ENOMEM;
        return NULL;
    }
    return take(size ? (size + page - 1) & ~(page - 1) : page, page, CALLER());
}

EXPORT void cfree(void *p)
{
    give(p, 0, CALLER());
}

EXPORT void free_sized(void *p, size_t size)
{
    give(p, size, CALLER());
}

EXPORT void free_aligned_sized(void *p, size_t align, size_t size)
{
    (void)align;
    give(p, size, CALLER());
}

EXPORT size_t malloc_usable_size(void *p)
{
    return p ? debug_size(p) : 0;
}

EXPORT size_t malloc_size(void *p)
{
    return malloc_usable_size(p);
}

/* ---- the same under names that are never replaced */

EXPORT void *tc_malloc_skip_new_handler(size_t size)
{
    const struct caller caller = CALLER();
    return debug_finish(debug_take(size, 1, KIND_MALLOC, caller), size, caller);
}

#include "alloc/c_names.h"
