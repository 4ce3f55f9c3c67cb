/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Linear probing over a power of two. The invariant: at most three quarters of the slots are taken,
 * so every search ends at a free one; nothing is ever removed. */
#include "base/idmap.h"

#include <assert.h>
#include <string.h>

static uint32_t first_slot(uint64_t key, uint32_t cap)
{
    return (uint32_t)hash_mix(key, 0) & (cap - 1);
}

static void grow(struct idmap *map)
{
    if (map->cap > UINT32_MAX / 2)
        base_oom();
    const uint32_t cap = map->cap ? map->cap * 2 : 16;
    struct idmap_slot *slots = base_alloc(cap, sizeof *slots);
    for (uint32_t i = 0; i < map->cap; i++) {
        if (!map->slots[i].value)
            continue;
        uint32_t at = first_slot(map->slots[i].key, cap);
        while (slots[at].value)
            at = (at + 1) & (cap - 1);
        slots[at] = map->slots[i];
    }
    base_free(map->slots);
    map->slots = slots;
    map->cap = cap;
}

/* The slot of `key`, or the free one where it would go. The map is not empty. */
static struct idmap_slot *find_slot(const struct idmap *map, uint64_t key)
{
    uint32_t at = first_slot(key, map->cap);
    while (map->slots[at].value && map->slots[at].key != key)
        at = (at + 1) & (map->cap - 1);
    return &map->slots[at];
}

uint32_t idmap_add(struct idmap *map, uint64_t key, uint32_t fresh, bool *was_new)
{
    assert(fresh < UINT32_MAX);
    if (map->n >= map->cap / 4 * 3)
        grow(map);
    struct idmap_slot *slot = find_slot(map, key);
    const bool is_new = slot->value == 0;
    if (is_new) {
        *slot = (struct idmap_slot){.key = key, .value = fresh + 1};
        map->n++;
    }
    if (was_new)
        *was_new = is_new;
    return slot->value - 1;
}

bool idmap_find(const struct idmap *map, uint64_t key, uint32_t *id)
{
    if (map->n == 0)
        return false;
    const struct idmap_slot *slot = find_slot(map, key);
    if (!slot->value)
        return false;
    *id = slot->value - 1;
    return true;
}

void idmap_free(struct idmap *map)
{
    base_free(map->slots);
    *map = (struct idmap){0};
}

/* Eight bytes a step. Each step is a bijection of the state: no word of the input can wipe out what
 * came before it, as it could if words were multiplied with each other. */
uint64_t hash_bytes(const void *p, size_t n)
{
    const unsigned char *at = p;
    uint64_t h = 0x2d358dccaa6c78a5u;
    uint64_t word;
    size_t left = n;
    for (; left >= sizeof word; left -= sizeof word, at += sizeof word) {
        memcpy(&word, at, sizeof word);
        h = (h ^ word) * 0x9e3779b97f4a7c15u;
        h ^= h >> 29;
    }
    if (left) {
        word = 0;
        memcpy(&word, at, left);
        h = (h ^ word) * 0x9e3779b97f4a7c15u;
        h ^= h >> 29;
    }
    return hash_mix(h, n);
}
