/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The system calls that map memory, and nothing else: not by mmap, which the heap profiler hears.
 * Only anonymous private mappings: the break belongs to the program. What is mapped is noted, so
 * that it can be told from the program's own mappings; in a table without a lock, for it is looked
 * at while threads are stopped anywhere. */
#include "base/pages.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/syscall.h"

static _Atomic long passes; /* requests that still pass, plus one; 0: no limit */

void pages_refuse_after(long n)
{
    passes = n < 0 ? 0 : n + 1;
}

/* ---- what is ours */

enum { OWN_MOST = 8192 }; /* what is beyond that is not noted */

/* A place is free when its start is 0; it counts once its end is set. */
static struct {
    _Atomic uintptr_t start, end;
} owned[OWN_MOST];
static _Atomic size_t n_owned; /* no place from here on was ever used */

void pages_note_own(uintptr_t start, uintptr_t end)
{
    for (size_t i = 0; i < OWN_MOST; i++) {
        uintptr_t free_place = 0;
        if (owned[i].start != 0 ||
            !atomic_compare_exchange_strong(&owned[i].start, &free_place, start))
            continue;
        owned[i].end = end;
        size_t n = n_owned;
        while (n <= i && !atomic_compare_exchange_weak(&n_owned, &n, i + 1))
            ;
        return;
    }
}

static void forget(uintptr_t start)
{
    const size_t n = n_owned;
    for (size_t i = 0; i < n; i++) {
        if (owned[i].start == start) {
            owned[i].end = 0;
            owned[i].start = 0;
            return;
        }
    }
}

bool pages_next_own(uintptr_t from, uintptr_t to, uintptr_t *start, uintptr_t *end)
{
    const size_t n = n_owned;
    bool is_found = false;
    for (size_t i = 0; i < n; i++) {
        const uintptr_t first = owned[i].start, last = owned[i].end;
        if (first == 0 || last <= from || first >= to || (is_found && first >= *start))
            continue;
        is_found = true;
        *start = first > from ? first : from;
        *end = last;
    }
    return is_found;
}

/* ---- mapping */

static bool is_refused(void)
{
    if (atomic_load_explicit(&passes, memory_order_relaxed) == 0)
        return false;
    if (atomic_load(&passes) == 1)
        return true;
    atomic_fetch_sub(&passes, 1);
    return false;
}

static char *map(void *place, size_t size)
{
    union {
        long number;
        void *p;
    } as = {sys_call(SYS_mmap, (long)place, (long)size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)};
    return as.number < 0 && as.number > -SYSTEM_PAGE ? NULL : as.p;
}

static void unmap(void *start, size_t size)
{
    (void)sys_call(SYS_munmap, (long)start, (long)size, 0, 0, 0, 0);
}

void *pages_map(void *place, size_t size, size_t align)
{
    const int kept = errno;
    char *p = is_refused() ? NULL : map(place, size);
    if (p && ((uintptr_t)p & (align - 1)) != 0) {
        /* Not where it should be: take more, and cut off both ends. */
        unmap(p, size);
        p = size + align < size ? NULL : map(NULL, size + align);
        if (p) {
            char *start = (char *)(((uintptr_t)p + align - 1) & ~(uintptr_t)(align - 1));
            if (start != p)
                unmap(p, (size_t)(start - p));
            unmap(start + size, align - (size_t)(start - p));
            p = start;
        }
    }
    if (p)
        pages_note_own((uintptr_t)p, (uintptr_t)p + size);
    errno = kept;
    return p;
}

void pages_unmap(void *start, size_t size)
{
    forget((uintptr_t)start);
    unmap(start, size);
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
