/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Memory from the system and back. All that the runtime ever asks of it passes here, so that a
 * test can refuse any single request. errno is kept. Thread-safe. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SYSTEM_PAGE = 4096 };

/* size bytes of zeroes at an address that is a multiple of align (a power of two), if possible at
 * the given place, which is a wish and may be NULL. NULL when the system refuses. */
void *pages_map(void *place, size_t size, size_t align);
void pages_unmap(void *start, size_t size);

/* Other memory is our own, too. */
void pages_note_own(uintptr_t start, uintptr_t end);
/* The first part of what is our own that lies between the addresses; false if there is none. Takes
 * no lock. */
bool pages_next_own(uintptr_t from, uintptr_t to, uintptr_t *start, uintptr_t *end);

/* Gives the memory back and keeps the addresses: they read as zeroes from now on. False when the
 * system refuses (locked pages); then nothing has changed. */
bool pages_release(void *start, size_t size);
/* Makes it read as zeroes, in any case. */
void pages_zero(void *start, size_t size);

/* For tests: lets n requests for memory pass and refuses all others; negative: refuses none. */
void pages_refuse_after(long n);
