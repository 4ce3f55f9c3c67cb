/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The calls that map memory, which are found here first in a shared library. They go to the kernel
 * at once; what came of it is noted or said where the profile wants that. Calls that the C library
 * makes for itself are not seen. */
#include "heapprof/internal.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/syscall.h"
#include "unwind/unwind.h"

#define EXPORTED __attribute__((visibility("default")))

static unsigned wanted(void)
{
    return __atomic_load_n(&mappings_wanted, __ATOMIC_RELAXED);
}

/* As the C library tells of errors. */
static void *result_of(long result)
{
    union {
        long number;
        void *p;
    } as = {result};
    if (result < 0 && result > -4096) {
        errno = (int)-result;
        return MAP_FAILED;
    }
    return as.p;
}

/* Under both names, for the header may give one that of the other. */
EXPORTED void *map(void *start, size_t size, int protection, int flags, int fd,
                   off_t offset) __asm__("mmap");
EXPORTED __attribute__((alias("mmap"), copy(map))) void *map64(void *, size_t, int, int, int,
                                                               off_t) __asm__("mmap64");

void *map(void *start, size_t size, int protection, int flags, int fd, off_t offset)
{
    void *p = result_of(sys_call(SYS_mmap, (long)start, (long)size, protection, flags, fd, offset));
    const unsigned how = wanted();
    if (how & MAPPINGS_LOGGED)
        message_always("mmap(start=0x%lx, len=%zu, prot=0x%x, flags=0x%x, fd=%d, offset=0x%llx) = "
                       "0x%lx",
                       (unsigned long)start, size, (unsigned)protection, (unsigned)flags, fd,
                       (unsigned long long)offset, (unsigned long)p);
    if ((how & MAPPINGS_PROFILED) && p != MAP_FAILED)
        mapping_made((uintptr_t)p, size, CALLER());
    return p;
}

EXPORTED int munmap(void *start, size_t size)
{
    const unsigned how = wanted();
    if (how & MAPPINGS_LOGGED)
        message_always("munmap(start=0x%lx, len=%zu)", (unsigned long)start, size);
    if (how & MAPPINGS_PROFILED) /* before the addresses can be somebody else's */
        mapping_gone((uintptr_t)start, size);
    return result_of(sys_call(SYS_munmap, (long)start, (long)size, 0, 0, 0, 0)) ? -1 : 0;
}

EXPORTED void *mremap(void *old, size_t old_size, size_t size, int flags, ...)
{
    void *place = NULL;
    if (flags & MREMAP_FIXED) {
        va_list arguments;
        va_start(arguments, flags);
        place = va_arg(arguments, void *);
        va_end(arguments);
    }
    void *p = result_of(
        sys_call(SYS_mremap, (long)old, (long)old_size, (long)size, flags, (long)place, 0));
    const unsigned how = wanted();
    if (how & MAPPINGS_LOGGED)
        message_always("mremap(old_addr=0x%lx, old_size=%zu, new_size=%zu, flags=0x%x, "
                       "new_addr=0x%lx) = 0x%lx",
                       (unsigned long)old, old_size, size, (unsigned)flags, (unsigned long)place,
                       (unsigned long)p);
    if ((how & MAPPINGS_PROFILED) && p != MAP_FAILED) {
        mapping_gone((uintptr_t)old, old_size);
        mapping_made((uintptr_t)p, size, CALLER());
    }
    return p;
}

static void *(*next_sbrk)(intptr_t);

static __attribute__((constructor(101))) void find_next(void)
{
    *(void **)&next_sbrk = dlsym(RTLD_NEXT, "sbrk");
}

EXPORTED void *sbrk(intptr_t more)
{
    if (!next_sbrk) /* before any constructor of ours */
        find_next();
    void *p = next_sbrk(more);
    const unsigned how = wanted();
    if (how & MAPPINGS_LOGGED)
        message_always("sbrk(inc=%ld) = 0x%lx", more, (unsigned long)p);
    if ((how & MAPPINGS_PROFILED) && p != MAP_FAILED) {
        if (more > 0)
            mapping_made((uintptr_t)p, (size_t)more, CALLER());
        else
            mapping_gone((uintptr_t)p + (uintptr_t)more, (size_t)-more);
    }
    return p;
}
