/* SPDX-License-Identifier: BSD-3-Clause
 *
 * For the tests of the DWARF reader: sections written byte by byte, and the small program that
 * several tests describe in them. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "object/dwarf_internal.h"

struct bytes {
    uint8_t p[4096];
    size_t n;
    enum cursor_order order;
};

static inline void put(struct bytes *b, uint64_t value, unsigned size)
{
    assert_true(b->n + size <= sizeof b->p);
    for (unsigned i = 0; i < size; i++) {
        const unsigned shift = 8 * (b->order == CURSOR_BIG ? size - 1 - i : i);
        b->p[b->n++] = (uint8_t)(value >> shift);
    }
}

static inline void put_uleb(struct bytes *b, uint64_t value)
{
    do {
        const uint8_t more = value >= 0x80 ? 0x80 : 0;
        put(b, (value & 0x7f) | more, 1);
        value >>= 7;
    } while (value);
}

static inline void put_sleb(struct bytes *b, int64_t value)
{
    for (;;) {
        const uint8_t low = value & 0x7f;
        value >>= 7;
        const bool is_last = (value == 0 && !(low & 0x40)) || (value == -1 && (low & 0x40));
        put(b, is_last ? low : low | 0x80u, 1);
        if (is_last)
            return;
    }
}

static inline void put_text(struct bytes *b, const char *text)
{
    for (const char *p = text; *p; p++)
        put(b, (uint8_t)*p, 1);
    put(b, 0, 1);
}

/* Room for a length of 4 bytes; put_length fills it when what it measures has been written. */
static inline size_t start_length(struct bytes *b)
{
    put(b, 0, 4);
    return b->n;
}

static inline void put_length(struct bytes *b, size_t start)
{
    const size_t end = b->n;
    b->n = start - 4;
    put(b, end - start, 4);
    b->n = end;
}

static inline struct span bytes_span(const struct bytes *b)
{
    return span_make(b->p, b->n);
}

/* An abbreviation: code, tag, children, then pairs of attribute and form up to 0, 0. */
static inline void put_abbrev(struct bytes *b, unsigned code, unsigned tag, bool has_children,
                              const uint16_t *pairs)
{
    put_uleb(b, code);
    put_uleb(b, tag);
    put(b, has_children, 1);
    for (; pairs[0] || pairs[1]; pairs += 2) {
        put_uleb(b, pairs[0]);
        put_uleb(b, pairs[1]);
    }
    put(b, 0, 2);
}
#define PAIRS(...) ((const uint16_t[]){__VA_ARGS__, 0, 0})

/* A unit header; the length is to be closed by put_length. */
static inline size_t start_unit(struct bytes *b, unsigned version, unsigned type,
                                unsigned address_size)
{
    const size_t start = start_length(b);
    put(b, version, 2);
    if (version >= 5) {
        put(b, type, 1);
        put(b, address_size, 1);
        put(b, 0, 4);
    } else {
        put(b, 0, 4);
        put(b, address_size, 1);
    }
    return start;
}
