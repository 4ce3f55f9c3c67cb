/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The reads that are too long to be inline. The invariant: start <= at <= end, and after the first
 * failure at == end for good, so that a loop over a damaged input stops. */
#include "base/cursor.h"

void cursor_fail(struct cursor *c)
{
    if (!c->has_failed) {
        c->has_failed = true;
        c->failed_at = cursor_offset(c);
    }
    c->at = c->end;
}

uint64_t cursor_uint(struct cursor *c, unsigned size)
{
    if (size == 0 || size > 8) {
        cursor_fail(c);
        return 0;
    }
    if (!cursor_has(c, size))
        return 0;
    uint64_t v = 0;
    for (unsigned i = 0; i < size; i++) {
        const unsigned at = c->order == CURSOR_BIG ? i : size - 1 - i;
        v = v << 8 | c->at[at];
    }
    c->at += size;
    return v;
}

/* Reads the groups of seven bits and moves on. *shift is where the next group would go, 64 or more
 * when there were enough of them; *last is the final byte. False where the number does not end. */
static bool read_leb(struct cursor *c, uint64_t *value, unsigned *shift, uint8_t *last)
{
    *value = 0;
    *shift = 0;
    /* The cursor moves only at the end: a failure is reported where the number starts. */
    for (const uint8_t *p = c->at; p < c->end; p++) {
        if (*shift < 64) {
            *value |= (uint64_t)(*p & 0x7f) << *shift;
            *shift += 7;
        }
        if (*p < 0x80) {
            *last = *p;
            c->at = p + 1;
            return true;
        }
    }
    cursor_fail(c);
    return false;
}

uint64_t cursor_uleb_long(struct cursor *c)
{
    uint64_t value;
    unsigned shift;
    uint8_t last;
    return read_leb(c, &value, &shift, &last) ? value : 0;
}

int64_t cursor_sleb(struct cursor *c)
{
    uint64_t value;
    unsigned shift;
    uint8_t last;
    if (!read_leb(c, &value, &shift, &last))
        return 0;
    if (shift < 64 && (last & 0x40))
        value |= UINT64_MAX << shift;
    return (int64_t)value;
}

const char *cursor_text(struct cursor *c)
{
    const size_t left = cursor_left(c);
    const uint8_t *nul = left ? memchr(c->at, 0, left) : NULL;
    if (!nul) {
        cursor_fail(c);
        return "";
    }
    const char *text = (const char *)c->at;
    c->at = nul + 1;
    return text;
}

struct span cursor_bytes(struct cursor *c, size_t n)
{
    if (!cursor_has(c, n))
        return (struct span){.p = (const char *)c->end};
    const struct span bytes = span_make(c->at, n);
    c->at += n;
    return bytes;
}

void cursor_seek(struct cursor *c, uint64_t offset)
{
    if (c->has_failed)
        return;
    if (offset > (size_t)(c->end - c->start))
        cursor_fail(c);
    else
        c->at = c->start + offset;
}
