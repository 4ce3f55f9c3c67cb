/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of the heap profiler share:
 *
 *   stacks.c    each stack once, by number
 *   objects.c   words of the allocator's blocks, as objects with a stack
 *
 * Locks are taken in the order objects, stacks, the allocator's. */
#pragma once

#include "heapprof/heapprof.h"

/* ---- stacks.c */

enum { STACKS_MOST = 1 << 24 }; /* what the number in a word can be */

/* The number of a stack, which is added where it is new; 0 when there is no memory for it. Takes a
 * lock only then. */
stack_ix stack_intern(const uintptr_t *pcs, size_t n);
void stacks_lock(void);
void stacks_unlock(void);
