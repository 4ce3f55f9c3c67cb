/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Least significant byte first, one stable pass a byte; bytes in which all keys agree are passed
 * over. The invariant: after each pass the items are sorted by the bytes seen so far. */
#include "base/radix.h"

#include <string.h>

/* Below this many, moving items one by one is cheaper than counting. */
#define FEW 32

static void sort_few(struct radix_item *items, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        const struct radix_item item = items[i];
        uint32_t to = i;
        for (; to > 0 && items[to - 1].key > item.key; to--)
            items[to] = items[to - 1];
        items[to] = item;
    }
}

static bool is_sorted(const struct radix_item *items, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        if (items[i - 1].key > items[i].key)
            return false;
    }
    return true;
}

void radix_sort(struct radix_item *items, uint32_t n)
{
    if (n <= FEW) {
        sort_few(items, n);
        return;
    }
    if (is_sorted(items, n))
        return;
    struct radix_item *spare = base_alloc(n, sizeof *spare), *from = items, *to = spare;
    uint64_t differ = 0;
    for (uint32_t i = 1; i < n; i++)
        differ |= items[i].key ^ items[0].key;
    for (unsigned shift = 0; shift < 64; shift += 8) {
        if ((differ >> shift & 255) == 0)
            continue;
        uint32_t at[256] = {0};
        for (uint32_t i = 0; i < n; i++)
            at[from[i].key >> shift & 255]++;
        uint32_t sum = 0;
        for (unsigned byte = 0; byte < 256; byte++) {
            const uint32_t count = at[byte];
            at[byte] = sum;
            sum += count;
        }
        for (uint32_t i = 0; i < n; i++)
            to[at[from[i].key >> shift & 255]++] = from[i];
        struct radix_item *swap = from;
        from = to;
        to = swap;
    }
    if (from != items)
        memcpy(items, from, n * sizeof *items);
    base_free(spare);
}
