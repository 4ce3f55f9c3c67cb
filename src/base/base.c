/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Memory for everybody. Apart from the arena because growing arrays are owned by name. The
 * invariant: a product of sizes never wraps, and a caller never sees NULL. */
#include "base/base.h"

#include <stdlib.h>
#include <unistd.h>

void base_oom(void)
{
    /* No stdio: it may want memory itself. */
    static const char text[] = "cprof: out of memory\n";
    const ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    (void)written;
    _exit(1);
}

void *base_alloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX)
        base_oom();
    void *p = calloc(bytes ? bytes : 1, 1); /* for 0 bytes NULL would be no failure */
    if (!p)
        base_oom();
    return p;
}

void *base_grow(void *old, uint32_t *cap, size_t need, size_t size)
{
    if (old && need <= *cap)
        return old;
    if (need > UINT32_MAX)
        base_oom();
    uint32_t new_cap = *cap < 16 ? 16 : *cap;
    while (new_cap < need)
        new_cap = new_cap > UINT32_MAX / 2 ? UINT32_MAX : new_cap * 2;
    size_t bytes;
    if (__builtin_mul_overflow((size_t)new_cap, size ? size : 1, &bytes) || bytes > PTRDIFF_MAX)
        base_oom();
    void *p = realloc(old, bytes);
    if (!p)
        base_oom();
    *cap = new_cap;
    return p;
}

void base_free(void *p)
{
    free(p);
}
