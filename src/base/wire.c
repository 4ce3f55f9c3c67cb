/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fields and varints. A length stands in front of what it measures and is itself of no fixed size:
 * one byte is left for it, and where that is not enough the content moves up. So each message is
 * written once, in the shortest form, and nobody measures it beforehand. */
#include "base/wire.h"

enum { VARINT_MAX = 10 }; /* bytes of 64 bits, seven in each */

uint64_t wire_varint_long(struct cursor *c)
{
    const struct cursor before = *c;
    const uint64_t value = cursor_uleb(c);
    if (cursor_failed(c) || cursor_offset(c) - cursor_offset(&before) <= VARINT_MAX)
        return value;
    *c = before;
    cursor_fail(c);
    return 0;
}

static bool fail_at(struct cursor *c, const struct cursor *tag)
{
    *c = *tag;
    cursor_fail(c);
    return false;
}

bool wire_next(struct cursor *c, struct wire_field *field)
{
    if (!cursor_left(c))
        return false;
    const struct cursor before = *c;
    const uint64_t tag = wire_varint(c);
    /* Numbers have 29 bits and begin at 1. */
    if (tag >> 32 || tag >> 3 == 0)
        return fail_at(c, &before);
    struct wire_field found = {
        .number = (uint32_t)(tag >> 3),
        .type = (enum wire_type)(tag & 7),
        .at = cursor_offset(&before),
    };
    uint64_t n;
    switch (found.type) {
    case WIRE_VARINT:
        found.value = wire_varint(c);
        break;
    case WIRE_64:
        found.value = cursor_u64(c);
        break;
    case WIRE_32:
        found.value = cursor_u32(c);
        break;
    case WIRE_BYTES:
        n = wire_varint(c);
        if (n > cursor_left(c))
            cursor_fail(c);
        else
            found.bytes = cursor_bytes(c, (size_t)n);
        break;
    default: /* groups, which nobody writes any more, and types that do not exist */
        cursor_fail(c);
    }
    if (cursor_failed(c))
        return fail_at(c, &before);
    *field = found;
    return true;
}

struct wire_numbers wire_numbers_of(const struct wire_field *field)
{
    struct wire_numbers numbers = {.packed = cursor_over(field->bytes, CURSOR_LITTLE)};
    if (field->type == WIRE_VARINT) {
        numbers.single = field->value;
        numbers.has_single = true;
    } else if (field->type != WIRE_BYTES) {
        cursor_fail(&numbers.packed);
    }
    return numbers;
}

/* ---- writing -----------------------------------------------------------------------------------
 */

static size_t spell(char bytes[VARINT_MAX], uint64_t value)
{
    size_t n = 0;
    for (; value >= 0x80; value >>= 7)
        bytes[n++] = (char)(uint8_t)(value | 0x80);
    bytes[n++] = (char)(uint8_t)value;
    return n;
}

void wire_put(struct buf *buf, uint64_t varint)
{
    char bytes[VARINT_MAX];
    buf_add(buf, span_make(bytes, spell(bytes, varint)));
}

static void put_tag(struct buf *buf, uint32_t number, enum wire_type type)
{
    wire_put(buf, (uint64_t)number << 3 | type);
}

void wire_number(struct buf *buf, uint32_t number, uint64_t value)
{
    if (value == 0)
        return;
    put_tag(buf, number, WIRE_VARINT);
    wire_put(buf, value);
}

void wire_bytes(struct buf *buf, uint32_t number, struct span bytes)
{
    if (bytes.n == 0)
        return;
    put_tag(buf, number, WIRE_BYTES);
    wire_put(buf, bytes.n);
    buf_add(buf, bytes);
}

size_t wire_begin(struct buf *buf, uint32_t number)
{
    put_tag(buf, number, WIRE_BYTES);
    buf_byte(buf, 0);
    return buf->n;
}

void wire_end(struct buf *buf, size_t mark)
{
    char bytes[VARINT_MAX];
    const size_t length = buf->n - mark;
    const size_t n = spell(bytes, length);
    if (buf->is_full || !buf_room(buf, n - 1))
        return;
    memmove(buf->p + mark + n - 1, buf->p + mark, length);
    memcpy(buf->p + mark - 1, bytes, n);
    buf->n += n - 1;
}
