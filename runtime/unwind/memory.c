/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reads that cannot fault. The stack of a thread is readable from its top down to what was touched,
 * and stays so while the thread lives: how far down was seen is kept a thread, and each of its
 * pages is tried once. Any other memory may be gone at the next capture, so there a page is tried
 * once a capture. A page is tried by a system call that reads a word and does nothing with it. */
#include "unwind/internal.h"

#include <sys/auxv.h>

#define PAGE_SIZE ((uintptr_t)4096)

enum { PAGES_A_CAPTURE = 256 };
#define OWN_STACK_MAX ((uintptr_t)1 << 30)

/* Of this thread: [low, high) was found readable. In storage that exists from the thread's first
 * instruction; a thread that shares it with another is never inside the range. */
static __thread struct {
    uintptr_t low, high;
} own;

/* The kernel copies the set in before it looks at what to do with it, and 99 is nothing. A null
 * pointer is no set to it. */
static bool is_readable_word(uintptr_t at)
{
    enum { EFAULT_RESULT = -14 };
    return at >= PAGE_SIZE &&
           sys_call(SYS_rt_sigprocmask, 99, (long)at, 0, SYS_SIGSET_BYTES, 0, 0) != EFAULT_RESULT;
}

bool memory_is_readable(uintptr_t at, size_t n)
{
    if (at + n < at)
        return false;
    for (uintptr_t page = at & -PAGE_SIZE; page < at + n; page += PAGE_SIZE) {
        if (!is_readable_word(page))
            return false;
    }
    return true;
}

/* The end of the stack: for the first thread the kernel's strings above it, for others the thread's
 * own descriptor, which the C library keeps at the top. */
static uintptr_t stack_top(void)
{
    if (sys_getpid() == sys_gettid())
        return getauxval(AT_EXECFN) & -(uintptr_t)8;
    return (uintptr_t)__builtin_thread_pointer() & -(uintptr_t)8;
}

void memory_begin(struct memory *memory, uintptr_t sp)
{
    if (own.high == 0) {
        const uintptr_t top = stack_top();
        own.low = top & -PAGE_SIZE;
        own.high = top;
    }
    if (sp < own.low && own.low - sp < OWN_STACK_MAX) {
        const uintptr_t page = sp & -PAGE_SIZE;
        uintptr_t low = own.low;
        for (unsigned i = 0; i < PAGES_A_CAPTURE && low > page; i++) {
            if (!is_readable_word(low - PAGE_SIZE))
                break;
            low -= PAGE_SIZE;
        }
        own.low = low;
    }
    /* Below the stack pointer nothing of ours is kept, and a range that does not hold the stack
     * pointer is not the stack in use. */
    const bool is_own = sp >= own.low && sp < own.high;
    memory->own = is_own ? sp & -(uintptr_t)8 : 0;
    memory->own_size = is_own ? own.high - memory->own : 0;
    memory->other = memory->other_size = 0;
}

bool memory_read_other(struct memory *memory, uintptr_t at, uintptr_t *value)
{
    if (at & 7)
        return false;
    if (at - memory->other >= memory->other_size) {
        if (!is_readable_word(at))
            return false;
        const uintptr_t page = at & -PAGE_SIZE;
        if (page == memory->other + memory->other_size && memory->other_size) {
            memory->other_size += PAGE_SIZE;
        } else {
            memory->other = page;
            memory->other_size = PAGE_SIZE;
        }
    }
    *value = *(const uintptr_t *)at;
    return true;
}
