/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Memory for things that die together: handed out in small pieces, freed in one call. An arena
 * never moves what it gave out. One thread at a time. */
#pragma once

#include "base/span.h"

struct arena;

struct arena *arena_new(void) CHECKED;
void arena_free(struct arena *arena); /* NULL is allowed */

/* count * size zeroed bytes, aligned to 16; the product is checked. Never NULL. */
void *arena_alloc(struct arena *arena, size_t count, size_t size) CHECKED;

/* A NUL-terminated copy. */
char *arena_text(struct arena *arena, struct span text) CHECKED;
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3) CHECKED;

/* Bytes asked of the system so far. */
size_t arena_size(const struct arena *arena);
