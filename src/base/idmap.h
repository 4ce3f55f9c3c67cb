/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A hash table from 64-bit keys to 32-bit ids, open addressing. Order never leaves it: it cannot be
 * walked. Zero is a valid empty map. */
#pragma once

#include "base/base.h"

struct idmap_slot {
    uint64_t key;
    uint32_t value; /* id + 1; 0 is a free slot */
};

struct idmap {
    struct idmap_slot *slots; /* key and id side by side: a look-up touches one cache line */
    uint32_t n, cap;          /* cap is a power of two or 0 */
};

/* The id of `key`; where it is new, `fresh` (below UINT32_MAX) becomes its id. *was_new (may be
 * NULL) says which. */
uint32_t idmap_add(struct idmap *map, uint64_t key, uint32_t fresh, bool *was_new);
bool idmap_find(const struct idmap *map, uint64_t key, uint32_t *id);
void idmap_free(struct idmap *map);

/* A 64-bit mix of two words, for keys made of several parts. */
static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
    const __uint128_t m = (__uint128_t)(a ^ 0xa0761d6478bd642fu) * (b ^ 0xe7037ed1a0b428dbu);
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}
uint64_t hash_bytes(const void *p, size_t n);
