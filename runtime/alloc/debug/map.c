/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From an address to what became of it: a table with open addressing that only grows, for an
 * address is never forgotten. A word an address; its low bits, which are zero in every block's
 * address, have state and kind. */
#include "alloc/debug/debug.h"

#include <string.h>

#include "base/pages.h"

enum { FIRST_SIZE = 4096, LOW_BITS = DEBUG_ALIGN - 1 };

static struct {
    uint64_t *words; /* 0: free; the address, with the place in its low bits */
    size_t size;     /* a power of two */
    size_t used;
} map;

static uint64_t *slot_of(uint64_t *words, size_t size, uintptr_t address)
{
    size_t i = ((address >> 4) * 0x9e3779b97f4a7c15u) >> 20;
    for (;; i++) {
        uint64_t *word = &words[i & (size - 1)];
        if (*word == 0 || (*word & ~(uint64_t)LOW_BITS) == address)
            return word;
    }
}

static bool grow(void)
{
    const size_t size = map.size ? 2 * map.size : FIRST_SIZE;
    uint64_t *words = pages_map(NULL, size * sizeof *words, SYSTEM_PAGE);
    if (!words)
        return false;
    for (size_t i = 0; i < map.size; i++)
        if (map.words[i])
            *slot_of(words, size, map.words[i] & ~(uint64_t)LOW_BITS) = map.words[i];
    if (map.words)
        pages_unmap(map.words, map.size * sizeof *map.words);
    map.words = words;
    map.size = size;
    return true;
}

static struct place place_of(uint64_t word)
{
    return (struct place){.state = word & 3, .kind = word >> 2 & 3};
}

struct place map_find(const void *p)
{
    const uintptr_t address = (uintptr_t)p;
    if (map.size == 0 || (address & LOW_BITS) != 0)
        return (struct place){.state = PLACE_UNKNOWN};
    return place_of(*slot_of(map.words, map.size, address));
}

bool map_put(const void *p, struct place place)
{
    const uintptr_t address = (uintptr_t)p;
    uint64_t *word = map.size ? slot_of(map.words, map.size, address) : NULL;
    if (!word || *word == 0) {
        if (map.used >= map.size / 4 * 3) {
            if (!grow())
                return false;
            word = slot_of(map.words, map.size, address);
        }
        map.used++;
    }
    *word = address | (uint64_t)place.state | (uint64_t)place.kind << 2;
    return true;
}

void map_each_live(bool (*visit)(void *arg, const void *p, enum kind kind), void *arg)
{
    for (size_t i = 0; i < map.size; i++) {
        const uint64_t word = map.words[i];
        const struct place place = place_of(word);
        if (place.state == PLACE_LIVE &&
            !visit(arg, (const void *)(uintptr_t)(word & ~(uint64_t)LOW_BITS), place.kind))
            return;
    }
}
