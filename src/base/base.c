/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Memory for everybody. Apart from the arena because growing arrays are owned by name. The
 * invariant: a product of sizes never wraps, and a caller never sees NULL. */
#include "base/base.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define BIG_PAGE ((size_t)2 << 20)

/* No stdio: it may want memory itself. */
static void say(const char *text)
{
    const ssize_t written = write(STDERR_FILENO, text, strlen(text));
    (void)written;
}

void base_oom(void)
{
    struct rlimit limit;
    const bool is_limited = getrlimit(RLIMIT_DATA, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    say("cprof: out of memory");
    say(is_limited ? ": this takes more than --max-memory allows\n" : "\n");
    _exit(1);
}

/* A big block, with big pages beneath before it is touched. First touches of pages of 4 KiB take a
 * third of the time of a run with many stacks, and what jumps about in a big table misses the page
 * tables as well as the caches. A wish: the system may have none to give. */
static void *new_big(size_t bytes)
{
    void *p;
    if (posix_memalign(&p, BIG_PAGE, bytes) != 0)
        base_oom();
    (void)madvise(p, bytes & ~(BIG_PAGE - 1), MADV_HUGEPAGE);
    return p;
}

void *base_alloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX)
        base_oom();
    if (bytes >= BIG_PAGE)
        return memset(new_big(bytes), 0, bytes);
    void *p = calloc(bytes ? bytes : 1, 1); /* for 0 bytes NULL would be no failure */
    if (!p)
        base_oom();
    return p;
}

/* Copied rather than moved by the system, which would take the big pages apart. */
static void *grow_big(void *old, size_t old_bytes, size_t bytes)
{
    void *p = new_big(bytes);
    if (old)
        memcpy(p, old, old_bytes);
    free(old);
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
    void *p = bytes < BIG_PAGE ? realloc(old, bytes) : grow_big(old, *cap * size, bytes);
    if (!p)
        base_oom();
    *cap = new_cap;
    return p;
}

char *base_copy(const char *text)
{
    char *copy = text ? strdup(text) : NULL;
    if (text && !copy)
        base_oom();
    return copy;
}

void base_free(void *p)
{
    free(p);
}
