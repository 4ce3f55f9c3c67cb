/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Private to symbolize/: the frames of addresses of one image, as they are kept from one run to the
 * next. Shown names are kept too, so that a file is of one style of names. */
#pragma once

#include "base/cache.h"
#include "base/radix.h"
#include "symbolize/internal.h"

/* How a frame is kept; texts by their place in `text_at`. */
struct kept_frame {
    uint64_t entry;
    uint32_t name, full, brief, file, line;
    uint8_t has_entry, is_inlined, unused[2];
};

/* What is kept: address i has the frames refs[at[i]] to refs[at[i + 1]], innermost first; none: it
 * has no name. A zeroed struct has no addresses. */
struct answers {
    struct cached cached;
    uint32_t n_addrs, n_refs, n_frames, n_texts;
    const uint64_t *addrs; /* sorted */
    const uint32_t *at, *refs;
    const struct kept_frame *frames;
    const uint32_t *text_at; /* in `texts` */
    struct span texts;       /* NUL-terminated each */
    str_id *ids;             /* of texts, once somebody asked; UINT32_MAX: nobody did */
};

/* Points into the bytes, which are aligned as those of caches; false where they are not such. */
bool answers_read(struct answers *a, struct span bytes) CHECKED;
/* The place of an address; false: it is not among them. */
bool answers_find(const struct answers *a, uint64_t address, uint32_t *i) CHECKED;
struct frame answers_frame(struct answers *a, uint32_t frame, struct strings *strings);
void answers_free(struct answers *a);

/* Those of an image; none where nothing is kept. */
void answers_load(struct answers *a, const struct resolver *r, struct object *object);
/* Adds those of addresses that the resolver has named since: items are (place, address), sorted. */
void answers_store(struct answers *a, const struct resolver *r, struct object *object,
                   const struct radix_item *items, uint32_t n);
