/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The inner names of glibc's allocator, which some programs call. Only in the shared libraries: in
 * a static program libc defines them itself. */
#include <stddef.h>
#include <stdlib.h>
#include <malloc.h>

#include "alloc/internal.h"

#pragma GCC diagnostic ignored "-Wmissing-prototypes"

EXPORT void *__libc_malloc(size_t size)
{
    return malloc(size);
}

EXPORT void __libc_free(void *p)
{
    free(p);
}

EXPORT void *__libc_realloc(void *p, size_t size)
{
    return realloc(p, size);
}

EXPORT void *__libc_calloc(size_t n, size_t size)
{
    return calloc(n, size);
}

EXPORT void __libc_cfree(void *p)
{
    free(p);
}

EXPORT void *__libc_memalign(size_t align, size_t size)
{
    return memalign(align, size);
}

EXPORT void *__libc_valloc(size_t size)
{
    return valloc(size);
}

EXPORT void *__libc_pvalloc(size_t size)
{
    return pvalloc(size);
}

EXPORT int __posix_memalign(void **out, size_t align, size_t size)
{
    return posix_memalign(out, align, size);
}
