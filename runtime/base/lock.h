/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A lock of one word on the kernel's futex. It is apart from pthread because a pthread mutex may
 * allocate, and because at a fork we must hold and drop ours in an order of our own. All zero is
 * a free lock. It does not nest: who holds it must not take it again. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct lock {
    _Atomic uint32_t state; /* 0: free; 1: held; 2: held, and somebody may sleep */
};

/* Something to be done with each lock of several; false ends it. */
typedef bool lock_step(struct lock *lock);

void lock_wait(struct lock *lock); /* the rest of lock_take, when it is not free */
void lock_wake(struct lock *lock); /* wakes one sleeper */

static inline bool lock_try(struct lock *lock)
{
    uint32_t free = 0;
    return atomic_compare_exchange_strong_explicit(&lock->state, &free, 1, memory_order_acquire,
                                                   memory_order_relaxed);
}

static inline void lock_take(struct lock *lock)
{
    if (!lock_try(lock))
        lock_wait(lock);
}

static inline void lock_drop(struct lock *lock)
{
    if (atomic_exchange_explicit(&lock->state, 0, memory_order_release) == 2)
        lock_wake(lock);
}
