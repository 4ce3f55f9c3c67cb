/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The allocator, as the other parts of the runtime see it. Programs see malloc, the operators and
 * the headers under gperftools/. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Asserts every invariant of every structure; ends the program when one does not hold. */
void alloc_check(void);

/* The block in use that holds the address: where it begins and how long it is. False if none does,
 * or if it is free in its span; a free block in a thread's list counts as in use. */
bool alloc_find(const void *p, const void **start, size_t *size);
