/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reads numbers out of binary input, within bounds. A read past the end gives 0 and the cursor
 * remembers: one check a record, not one a field. Nothing else does pointer arithmetic on input. */
#pragma once

#include "base/span.h"

enum cursor_order {
    CURSOR_LITTLE,
    CURSOR_BIG,
    CURSOR_NATIVE = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? CURSOR_LITTLE : CURSOR_BIG,
};

struct cursor {
    const uint8_t *start, *at, *end;
    enum cursor_order order;
    bool has_failed;  /* sticky: some read went past the end, or a LEB128 did not end */
    size_t failed_at; /* offset of the first such read */
};

static inline struct cursor cursor_over(struct span bytes, enum cursor_order order)
{
    /* An empty span may have no address, and even 0 may not be added to none. */
    const uint8_t *p = (const uint8_t *)(bytes.p ? bytes.p : "");
    return (struct cursor){.start = p, .at = p, .end = p + bytes.n, .order = order};
}

static inline bool cursor_failed(const struct cursor *c)
{
    return c->has_failed;
}

static inline size_t cursor_offset(const struct cursor *c)
{
    return (size_t)(c->at - c->start);
}

static inline size_t cursor_left(const struct cursor *c)
{
    return (size_t)(c->end - c->at);
}

/* Marks the cursor as failed here and moves it to its end, so that loops stop. */
void cursor_fail(struct cursor *c);

static inline bool cursor_has(struct cursor *c, size_t n)
{
    if ((size_t)(c->end - c->at) >= n)
        return true;
    cursor_fail(c);
    return false;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
    return cursor_has(c, 1) ? *c->at++ : 0;
}

static inline uint16_t cursor_u16(struct cursor *c)
{
    uint16_t v;
    if (!cursor_has(c, sizeof v))
        return 0;
    memcpy(&v, c->at, sizeof v);
    c->at += sizeof v;
    if (c->order != CURSOR_NATIVE)
        v = __builtin_bswap16(v);
    return v;
}

static inline uint32_t cursor_u32(struct cursor *c)
{
    uint32_t v;
    if (!cursor_has(c, sizeof v))
        return 0;
    memcpy(&v, c->at, sizeof v);
    c->at += sizeof v;
    if (c->order != CURSOR_NATIVE)
        v = __builtin_bswap32(v);
    return v;
}

static inline uint64_t cursor_u64(struct cursor *c)
{
    uint64_t v;
    if (!cursor_has(c, sizeof v))
        return 0;
    memcpy(&v, c->at, sizeof v);
    c->at += sizeof v;
    if (c->order != CURSOR_NATIVE)
        v = __builtin_bswap64(v);
    return v;
}

/* An unsigned number of `size` bytes, 1 to 8; any other size fails. */
uint64_t cursor_uint(struct cursor *c, unsigned size);

/* LEB128 (DWARF 5, 7.6; protobuf varints are the unsigned one). More than 64 bits: the rest is
 * dropped. The one-byte case, nearly all there is, is inline. */
uint64_t cursor_uleb_long(struct cursor *c);
static inline uint64_t cursor_uleb(struct cursor *c)
{
    if (c->at < c->end && *c->at < 0x80)
        return *c->at++;
    return cursor_uleb_long(c);
}
int64_t cursor_sleb(struct cursor *c);

/* The bytes up to a NUL, which is skipped; a text without one fails the cursor and is "". The
 * pointer is into the input and NUL-terminated. */
const char *cursor_text(struct cursor *c);

/* The next n bytes; an empty span past the end. */
struct span cursor_bytes(struct cursor *c, size_t n);

static inline void cursor_skip(struct cursor *c, uint64_t n)
{
    if (n <= (size_t)(c->end - c->at))
        c->at += n;
    else
        cursor_fail(c);
}

/* To an absolute offset; beyond the end fails. A cursor that has failed stays at its end. */
void cursor_seek(struct cursor *c, uint64_t offset);
