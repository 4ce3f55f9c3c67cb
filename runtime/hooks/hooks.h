/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who wants to hear of malloc and free: the program, through gperftools/malloc_hook_c.h, and our
 * own tools. The allocator asks hooks_any on its slow path and blanks its fast path while somebody
 * listens, so that nobody pays for hooks that are not there. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind/unwind.h"

typedef void (*hooks_new_fn)(const void *p, size_t size);
typedef void (*hooks_delete_fn)(const void *p);

extern bool hooks_heard;

static inline bool hooks_any(void)
{
    return __builtin_expect(__atomic_load_n(&hooks_heard, __ATOMIC_RELAXED), 0);
}

/* Where the program called the allocator, on this thread: its stack begins there. HOOKS_NOTE_CALLER
 * belongs into the entry point or what that calls last, for then the caller is the program. */
extern __thread struct caller hooks_caller __attribute__((tls_model("initial-exec")));
#define HOOKS_NOTE_CALLER() ((void)(hooks_caller = CALLER()))

/* Tells all who listen. p is NULL when the allocation failed. */
void hooks_tell_new(const void *p, size_t size);
void hooks_tell_delete(const void *p);

/* False when there is no place left, the function is NULL, or (removing) it is not there. */
bool hooks_add_new(hooks_new_fn fn);
bool hooks_remove_new(hooks_new_fn fn);
bool hooks_add_delete(hooks_delete_fn fn);
bool hooks_remove_delete(hooks_delete_fn fn);

/* Somebody tracks blocks, or no more: he listens too, but hears of them in another way. */
void hooks_track(bool on);

/* The allocator's functions for when the first one listens, and when nobody does any more. */
void hooks_watch(void (*first)(void), void (*none)(void));

/* Around a fork. */
void hooks_lock(void);
void hooks_unlock(void);
