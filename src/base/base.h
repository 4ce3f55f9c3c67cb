/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What every file may lean on: attributes, a few macros, and the one place where the analyzer gives
 * up when memory runs out. Memory asked for here is never NULL. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHECKED                          __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_at, first_at) __attribute__((format(printf, format_at, first_at)))
#define NEVER_NULL                       __attribute__((returns_nonnull))
#define CLEANUP(free_fn)                 __attribute__((cleanup(free_fn)))
#define COUNT_OF(array)                  (sizeof(array) / sizeof(array)[0])

/* Whether this is a build that checks itself while it runs, in ways that the system must not limit.
 */
#ifdef __has_feature
#define BASE_HAS_FEATURE(name) __has_feature(name)
#else
#define BASE_HAS_FEATURE(name) 0
#endif
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__ ||                                 \
    BASE_HAS_FEATURE(address_sanitizer) || BASE_HAS_FEATURE(thread_sanitizer)
#define HAS_SANITIZER 1
#else
#define HAS_SANITIZER 0
#endif

/* Says on standard error that memory ran out and ends the program with status 1. */
_Noreturn void base_oom(void);

/* count * size zeroed bytes; the product is checked. Ends the program rather than return NULL. */
void *base_alloc(size_t count, size_t size) CHECKED NEVER_NULL;

/* Makes room for `need` elements of `size` bytes in `old`, which holds *cap of them: doubles *cap
 * as often as it takes. New elements are not zeroed. Returns the array, moved perhaps. */
void *base_grow(void *old, uint32_t *cap, size_t need, size_t size) CHECKED NEVER_NULL;

/* A copy of a text, for base_free; NULL stays NULL. */
char *base_copy(const char *text) CHECKED;

void base_free(void *p);
