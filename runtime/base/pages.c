/* SPDX-License-Identifier: BSD-3-Clause
 *
 * mmap and its companions, and nothing else. Only anonymous private mappings: the break belongs to
 * the program. */
#include "base/pages.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

static struct {
    _Atomic long requests;
    _Atomic long passes; /* requests that still pass, plus one; 0: no limit */
} pages;

void pages_refuse_after(long n)
{
    pages.passes = n < 0 ? 0 : n + 1;
}

long pages_requests(void)
{
    return pages.requests;
}

static bool is_refused(void)
{
    atomic_fetch_add_explicit(&pages.requests, 1, memory_order_relaxed);
    if (atomic_load_explicit(&pages.passes, memory_order_relaxed) == 0)
        return false;
    if (atomic_load(&pages.passes) == 1)
        return true;
    atomic_fetch_sub(&pages.passes, 1);
    return false;
}

static char *map(void *place, size_t size)
{
    void *p = mmap(place, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

void *pages_map(void *place, size_t size, size_t align)
{
    const int kept = errno;
    char *p = is_refused() ? NULL : map(place, size);
    if (p && ((uintptr_t)p & (align - 1)) != 0) {
        /* Not where it should be: take more, and cut off both ends. */
        munmap(p, size);
        p = size + align < size ? NULL : map(NULL, size + align);
        if (p) {
            char *start = (char *)(((uintptr_t)p + align - 1) & ~(uintptr_t)(align - 1));
            if (start != p)
                munmap(p, (size_t)(start - p));
            munmap(start + size, align - (size_t)(start - p));
            p = start;
        }
    }
    errno = kept;
    return p;
}

void pages_unmap(void *start, size_t size)
{
    const int kept = errno;
    munmap(start, size);
    errno = kept;
}

bool pages_release(void *start, size_t size)
{
    const int kept = errno;
    const bool done = madvise(start, size, MADV_DONTNEED) == 0;
    errno = kept;
    return done;
}

void pages_zero(void *start, size_t size)
{
    if (!pages_release(start, size))
        memset(start, 0, size);
}
