/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The operators new and delete of C++, in C under their mangled names, so that no C++ library is
 * needed. This file is compiled with -fexceptions, for exceptions pass through its frames. */
#include "alloc/internal.h"

#include <dlfcn.h>

#include "alloc/fast.h"
#include "hooks/hooks.h"

#pragma GCC diagnostic ignored "-Wmissing-prototypes" /* C++ declares what is defined here */

/* ---- slow paths; alignment 1 is none */

static void *take(size_t size, size_t align)
{
    bool is_zero;
    return align > 1 ? tracked_take_aligned(size, align) : tracked_take(size, size, &is_zero);
}

COLD static void *new_slow(size_t size, size_t align)
{
    void *p;
    HOOKS_NOTE_CALLER();
    while (!(p = take(size, align)))
        if (!new_handler_call())
            new_handler_throw();
    return alloc_finish(p, size);
}

/* An exception of the handler must end in NULL, and C cannot catch: the version of the C++ library
 * can, and it asks our throwing operator. */
COLD static void *nothrow_slow(size_t size, size_t align, const void *tag, const char *name)
{
    HOOKS_NOTE_CALLER();
    void *p = take(size, align);
    if (!p && new_handler_is_set()) {
        void *next = dlsym(RTLD_NEXT, name);
        if (next && align > 1)
            return ((void *(*)(size_t, size_t, const void *))next)(size, align, tag);
        if (next)
            return ((void *(*)(size_t, const void *))next)(size, tag);
    }
    return alloc_finish(p, size);
}

/* The alignment that each block has anyway is none. */
static size_t effective(size_t align)
{
    return align <= 8 ? 1 : align;
}

COLD static void delete_sized_slow(void *p, size_t size)
{
    const uint32_t c = pagemap_class((uintptr_t)p >> PAGE_SHIFT);
    if (c != 0 && (size > SMALL_MAX || classes.of_size[class_index(size)] != c))
        misuse_wrong_size(p, size, classes.facts[c].size);
    /* Nobody listens and there is room: only its size is not one of the fast path's. */
    if (hooks_any() || tracked_any() || !fast_push(c, p))
        alloc_free_slow(p);
}

/* ---- the operators, under their C names */

EXPORT void *tc_new(size_t size)
{
    void *p = fast_take(size);
    return LIKELY(p != NULL) ? p : new_slow(size, 1);
}

EXPORT void *tc_new_aligned(size_t size, size_t align)
{
    void *p = fast_take_aligned(size, align);
    return LIKELY(p != NULL) ? p : new_slow(size, effective(align));
}

EXPORT void *tc_new_nothrow(size_t size, const void *tag)
{
    void *p = fast_take(size);
    return LIKELY(p != NULL) ? p : nothrow_slow(size, 1, tag, "_ZnwmRKSt9nothrow_t");
}

EXPORT void *tc_new_aligned_nothrow(size_t size, size_t align, const void *tag)
{
    void *p = fast_take_aligned(size, align);
    if (LIKELY(p != NULL))
        return p;
    return nothrow_slow(size, effective(align), tag, "_ZnwmSt11align_val_tRKSt9nothrow_t");
}

EXPORT void tc_delete(void *p)
{
    if (UNLIKELY(!fast_push(fast_class(p), p)))
        alloc_free_slow(p);
}

EXPORT void tc_delete_sized(void *p, size_t size)
{
    const uint32_t c = fast_class(p);
    if (LIKELY(size <= FINE_MAX) && LIKELY(fast_size_class((size + 7) >> 3) == c) &&
        fast_push(c, p))
        return;
    delete_sized_slow(p, size);
}

EXPORT void tc_delete_nothrow(void *p, const void *tag)
{
    (void)tag;
    tc_delete(p);
}

/* A block of an alignment may be of a larger class than its size asks for. */
EXPORT void tc_delete_aligned(void *p, size_t align)
{
    (void)align;
    tc_delete(p);
}

EXPORT void tc_delete_sized_aligned(void *p, size_t size, size_t align)
{
    (void)size;
    (void)align;
    tc_delete(p);
}

EXPORT void tc_delete_aligned_nothrow(void *p, size_t align, const void *tag)
{
    (void)align;
    (void)tag;
    tc_delete(p);
}

ALIAS(tc_new) void *tc_newarray(size_t);
ALIAS(tc_new_nothrow) void *tc_newarray_nothrow(size_t, const void *);
ALIAS(tc_new_aligned) void *tc_newarray_aligned(size_t, size_t);
ALIAS(tc_new_aligned_nothrow) void *tc_newarray_aligned_nothrow(size_t, size_t, const void *);
ALIAS(tc_delete) void tc_deletearray(void *);
ALIAS(tc_delete_sized) void tc_deletearray_sized(void *, size_t);
ALIAS(tc_delete_nothrow) void tc_deletearray_nothrow(void *, const void *);
ALIAS(tc_delete_aligned) void tc_deletearray_aligned(void *, size_t);
ALIAS(tc_delete_sized_aligned) void tc_deletearray_sized_aligned(void *, size_t, size_t);
ALIAS(tc_delete_aligned_nothrow) void tc_deletearray_aligned_nothrow(void *, size_t, const void *);

#include "alloc/cxx_names.h"
