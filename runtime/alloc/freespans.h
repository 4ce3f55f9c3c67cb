/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Free spans of one kind, found by length. Starts zeroed. The page heap's lock. */
#pragma once

#include "alloc/internal.h"

struct freespans {
    struct span *bin[BINS + 1];   /* doubly linked; bin 0 is not used */
    uint64_t used[BINS / 64 + 1]; /* a bit a bin that is not empty */
    struct span *tree;            /* of spans longer than BINS pages */
    size_t pages;                 /* of all */
};

void freespans_insert(struct freespans *free, struct span *span);
void freespans_remove(struct freespans *free, struct span *span);
/* The shortest one with at least so many pages, or NULL. */
struct span *freespans_fit(const struct freespans *free, size_t pages);
/* NULL: there are none. */
struct span *freespans_longest(const struct freespans *free);
/* Counts the spans of each length, the long ones in [0]; returns the pages of those. */
size_t freespans_count(const struct freespans *free, size_t spans[BINS + 1]);
/* Every one is in the state, and where it should be. */
void freespans_check(const struct freespans *free, uint8_t state);
