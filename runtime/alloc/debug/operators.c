/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The operators of C++, as ../operators.c has them for plain blocks; here each kind is told from
 * the others. */
#include "alloc/debug/debug.h"

#include <dlfcn.h>

#pragma GCC diagnostic ignored "-Wmissing-prototypes" /* C++ declares what is defined here */

static void *take(size_t size, size_t align, enum kind kind, struct caller caller)
{
    void *p;
    while (!(p = debug_take(size, align, kind, caller)))
        if (!new_handler_call())
            new_handler_throw();
    return debug_finish(p, size, caller);
}

/* An exception of the handler must end in NULL, and C cannot catch: the version of the C++ library
 * can, and it asks our throwing operator. */
static void *take_nothrow(size_t size, size_t align, enum kind kind, const void *tag,
                          struct caller caller)
{
    static const char *const names[2][2] = {
        {"_ZnwmRKSt9nothrow_t", "_ZnwmSt11align_val_tRKSt9nothrow_t"},
        {"_ZnamRKSt9nothrow_t", "_ZnamSt11align_val_tRKSt9nothrow_t"},
    };
    void *p = debug_take(size, align, kind, caller);
    if (!p && new_handler_is_set()) {
        void *next = dlsym(RTLD_NEXT, names[kind == KIND_NEW_ARRAY][align > 1]);
        if (next && align > 1)
            return ((void *(*)(size_t, size_t, const void *))next)(size, align, tag);
        if (next)
            return ((void *(*)(size_t, const void *))next)(size, tag);
    }
    return debug_finish(p, size, caller);
}

#define FORMS(taken, given, kind)                                                                  \
    EXPORT void *tc_##taken(size_t size)                                                           \
    {                                                                                              \
        return take(size, 1, kind, CALLER());                                                      \
    }                                                                                              \
    EXPORT void *tc_##taken##_aligned(size_t size, size_t align)                                   \
    {                                                                                              \
        return take(size, align, kind, CALLER());                                                  \
    }                                                                                              \
    EXPORT void *tc_##taken##_nothrow(size_t size, const void *tag)                                \
    {                                                                                              \
        return take_nothrow(size, 1, kind, tag, CALLER());                                         \
    }                                                                                              \
    EXPORT void *tc_##taken##_aligned_nothrow(size_t size, size_t align, const void *tag)          \
    {                                                                                              \
        return take_nothrow(size, align, kind, tag, CALLER());                                     \
    }                                                                                              \
    EXPORT void tc_##given(void *p)                                                                \
    {                                                                                              \
        debug_free(p, kind, 0, CALLER());                                                          \
    }                                                                                              \
    EXPORT void tc_##given##_sized(void *p, size_t size)                                           \
    {                                                                                              \
        debug_free(p, kind, size, CALLER());                                                       \
    }                                                                                              \
    EXPORT void tc_##given##_nothrow(void *p, const void *tag)                                     \
    {                                                                                              \
        (void)tag;                                                                                 \
        debug_free(p, kind, 0, CALLER());                                                          \
    }                                                                                              \
    EXPORT void tc_##given##_aligned(void *p, size_t align)                                        \
    {                                                                                              \
        (void)align;                                                                               \
        debug_free(p, kind, 0, CALLER());                                                          \
    }                                                                                              \
    EXPORT void tc_##given##_sized_aligned(void *p, size_t size, size_t align)                     \
    {                                                                                              \
        (void)align;                                                                               \
        debug_free(p, kind, size, CALLER());                                                       \
    }                                                                                              \
    EXPORT void tc_##given##_aligned_nothrow(void *p, size_t align, const void *tag)               \
    {                                                                                              \
        (void)align;                                                                               \
        (void)tag;                                                                                 \
        debug_free(p, kind, 0, CALLER());                                                          \
    }

FORMS(new, delete, KIND_NEW)
FORMS(newarray, deletearray, KIND_NEW_ARRAY)

#include "alloc/cxx_names.h"
