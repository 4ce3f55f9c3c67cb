/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The slow half of the lock: turn a while, then sleep. What the lock guards is short, so most
 * waits end while turning; sleepers mark the word so that the holder knows to wake one. */
#include "base/lock.h"

#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TURNS = 100 }; /* about a microsecond: longer than most holders need */

static inline void rest(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

void lock_wait(struct lock *lock)
{
    for (int i = 0; i < TURNS; i++) {
        if (atomic_load_explicit(&lock->state, memory_order_relaxed) == 0 && lock_try(lock))
            return;
        rest();
    }
    const int kept = errno;
    while (atomic_exchange_explicit(&lock->state, 2, memory_order_acquire) != 0)
        syscall(SYS_futex, &lock->state, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
    errno = kept;
}

void lock_wake(struct lock *lock)
{
    const int kept = errno;
    syscall(SYS_futex, &lock->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    errno = kept;
}
