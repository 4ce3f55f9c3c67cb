/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What was made once with much work, in files of a folder of the person's: found again by name and
 * by a key that says what it was made of. Whatever lies in a folder may be damaged, or not ours: a
 * file is believed if it and its folder are ours alone, its key is the one that is asked for, and
 * its sums are right. Otherwise there is none, and whoever asked makes it again. */
#pragma once

#include "base/span.h"

/* Behind each name; whatever else lies in the folder is left alone. */
#define CACHE_ENDING ".kept"
/* Parts begin at multiples of this in `bytes`, with zeros between them, and so do `bytes` in
 * memory. */
#define CACHE_ALIGN 64

struct cached {
    struct span bytes; /* valid until cache_unload */
    void *mapped;      /* private; NULL: nothing was there */
    size_t mapped_size;
};

/* `folder` may be NULL: nothing is kept anywhere. */
bool cache_load(const char *folder, const char *name, struct span key, struct cached *out) CHECKED;
void cache_unload(struct cached *cached); /* fine on a zeroed struct */
/* Keeps the parts, one after the other, under the name, if it can; `most` bytes in the whole
 * folder, which is made if it is not there: what was not used for longest goes. Others may do the
 * same at once. */
void cache_store(const char *folder, const char *name, struct span key, const struct span *parts,
                 size_t n_parts, uint64_t most);

/* What is in the bytes of such a file; false: they are none, or of another key. */
bool cache_open(struct span file, struct span key, struct span *bytes) CHECKED;
