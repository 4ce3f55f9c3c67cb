/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The wire form of protocol buffers, without any schema: fields out of a cursor, fields into a buf.
 * Nothing is allocated for a message. A message in a message is read by a cursor over its bytes and
 * written between wire_begin and wire_end.
 *
 *     field:   tag, value            tag: varint of number << 3 | type
 *     packed:  tag, length, value value value ...
 */
#pragma once

#include "base/buf.h"
#include "base/cursor.h"

enum wire_type { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

struct wire_field {
    uint32_t number;
    enum wire_type type;
    uint64_t value;    /* of a number; 0 for bytes */
    struct span bytes; /* WIRE_BYTES: text, message or packed numbers, in the cursor's input */
    size_t at;         /* offset of the tag in the cursor's input */
};

/* The next field. False at the end, and where no field can be: then the cursor has failed, and
 * failed_at is the offset of that field's tag. */
bool wire_next(struct cursor *c, struct wire_field *field);

/* A varint of at most 64 bits; a longer one fails the cursor. */
uint64_t wire_varint_long(struct cursor *c);
static inline uint64_t wire_varint(struct cursor *c)
{
    return c->at < c->end && *c->at < 0x80 ? *c->at++ : wire_varint_long(c);
}

/* A repeated number comes as one field each, or packed with many in one field: this gives them all,
 * from either. A field of another type has failed from the start.
 *
 *     struct wire_numbers numbers = wire_numbers_of(&field);
 *     while (wire_take(&numbers, &value)) ...
 *     if (cursor_failed(&numbers.packed)) ...
 */
struct wire_numbers {
    struct cursor packed;
    uint64_t single;
    bool has_single;
};
struct wire_numbers wire_numbers_of(const struct wire_field *field);
static inline bool wire_take(struct wire_numbers *numbers, uint64_t *value)
{
    if (numbers->has_single) {
        numbers->has_single = false;
        *value = numbers->single;
        return true;
    }
    if (!cursor_left(&numbers->packed))
        return false;
    *value = wire_varint(&numbers->packed);
    return !cursor_failed(&numbers->packed);
}

/* ---- writing -----------------------------------------------------------------------------------
 */

void wire_put(struct buf *buf, uint64_t varint); /* a bare one, for packed numbers */
/* A field; nothing for 0 and for no bytes, which is what a missing field means. */
void wire_number(struct buf *buf, uint32_t number, uint64_t value);
void wire_bytes(struct buf *buf, uint32_t number, struct span bytes);

/* What is written between the two is the content of field `number`, even if it is nothing.
 * wire_begin gives the mark that wire_end wants. They nest. */
size_t wire_begin(struct buf *buf, uint32_t number);
void wire_end(struct buf *buf, size_t mark);
