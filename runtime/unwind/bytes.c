/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Numbers as DWARF writes them, for who reads the entries of .eh_frame and the expressions in them.
 * Nothing is read past the end. */
#include "unwind/internal.h"

#include <string.h>

uint64_t table_bytes(struct table *t, unsigned n)
{
    uint64_t value = 0;
    if ((size_t)(t->end - t->p) < n) {
        t->is_bad = true;
        t->p = t->end;
        return 0;
    }
    memcpy(&value, t->p, n);
    t->p += n;
    return value;
}

int64_t table_signed(struct table *t, unsigned n)
{
    const unsigned unused = 64 - 8 * n;
    return (int64_t)(table_bytes(t, n) << unused) >> unused;
}

uint64_t table_uleb(struct table *t)
{
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        const uint64_t byte = table_bytes(t, 1);
        if (shift < 64)
            value |= (byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
}

int64_t table_sleb(struct table *t)
{
    uint64_t value = 0;
    unsigned shift = 0;
    for (;;) {
        const uint64_t byte = table_bytes(t, 1);
        if (shift < 64)
            value |= (byte & 0x7f) << shift;
        shift += 7;
        if (!(byte & 0x80)) {
            if (shift < 64 && (byte & 0x40))
                value |= ~UINT64_C(0) << shift;
            return (int64_t)value;
        }
    }
}

struct table table_part(struct table *t, uint64_t n)
{
    struct table part = *t;
    if (n > (uint64_t)(t->end - t->p)) {
        t->is_bad = part.is_bad = true;
        n = 0;
    }
    part.end = part.p + n;
    t->p += n;
    return part;
}
