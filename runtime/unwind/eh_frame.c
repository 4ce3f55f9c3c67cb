/* SPDX-License-Identifier: BSD-3-Clause
 *
 * .eh_frame: for an address of a loaded object, how its frame is undone there. The object is found
 * by the C library without a lock, the entry by the sorted table in .eh_frame_hdr, and the row by
 * running the entry's instructions up to the address. Everything is read where it is mapped and
 * nothing is kept. An entry that does not make sense is no entry. */
#include "unwind/internal.h"

#include <dlfcn.h>
#include <string.h>

/* ---- pointers -------------------------------------------------------------------------------- */

/* How a pointer is written: the low half says its form, the high half what it is relative to. */
enum {
    POINTER_ABSOLUTE = 0x00,
    POINTER_ULEB = 0x01,
    POINTER_U2 = 0x02,
    POINTER_U4 = 0x03,
    POINTER_U8 = 0x04,
    POINTER_SLEB = 0x09,
    POINTER_S2 = 0x0a,
    POINTER_S4 = 0x0b,
    POINTER_S8 = 0x0c,
    POINTER_FORM = 0x0f,
    POINTER_TO_PC = 0x10,
    POINTER_TO_DATA = 0x30,
    POINTER_BASE = 0x70,
    POINTER_INDIRECT = 0x80,
    POINTER_OMITTED = 0xff,
};

static uint64_t pointer_form(struct table *t, unsigned encoding)
{
    switch (encoding & POINTER_FORM) {
    case POINTER_ABSOLUTE:
    case POINTER_U8:
    case POINTER_S8:
        return table_bytes(t, 8);
    case POINTER_ULEB:
        return table_uleb(t);
    case POINTER_U2:
        return table_bytes(t, 2);
    case POINTER_U4:
        return table_bytes(t, 4);
    case POINTER_SLEB:
        return (uint64_t)table_sleb(t);
    case POINTER_S2:
        return (uint64_t)table_signed(t, 2);
    case POINTER_S4:
        return (uint64_t)table_signed(t, 4);
    default:
        t->is_bad = true;
        return 0;
    }
}

/* An indirect pointer is never followed: no address of code is written so. */
static uintptr_t pointer(struct table *t, unsigned encoding, const uint8_t *data)
{
    const uintptr_t here = (uintptr_t)t->p;
    uintptr_t value = pointer_form(t, encoding);
    switch (encoding & POINTER_BASE) {
    case 0:
        break;
    case POINTER_TO_PC:
        value += here;
        break;
    case POINTER_TO_DATA:
        value += (uintptr_t)data;
        break;
    default:
        t->is_bad = true;
    }
    return value;
}

/* ---- finding the entry ----------------------------------------------------------------------- */

struct object {
    const uint8_t *header; /* .eh_frame_hdr */
    const uint8_t *low, *high;
};

static bool find_object(uintptr_t at, struct object *object)
{
    struct dl_find_object found;
    union {
        uintptr_t number;
        void *p;
    } as = {at};
    if (_dl_find_object(as.p, &found) != 0 || !found.dlfo_eh_frame)
        return false;
    object->header = found.dlfo_eh_frame;
    object->low = found.dlfo_map_start;
    object->high = found.dlfo_map_end;
    return object->header >= object->low && object->header < object->high;
}

/* A row of the sorted table: both are relative to the header. */
struct search_entry {
    int32_t code, entry;
};

static const uint8_t *find_entry(const struct object *object, uintptr_t at)
{
    struct table t = {object->header, object->high, false};
    const unsigned version = (unsigned)table_bytes(&t, 1);
    const unsigned frame_encoding = (unsigned)table_bytes(&t, 1);
    const unsigned count_encoding = (unsigned)table_bytes(&t, 1);
    const unsigned table_encoding = (unsigned)table_bytes(&t, 1);
    if (version != 1 || count_encoding == POINTER_OMITTED ||
        table_encoding != (POINTER_TO_DATA | POINTER_S4))
        return NULL;
    (void)pointer(&t, frame_encoding, object->header);
    const uint64_t n = pointer(&t, count_encoding, object->header);
    if (t.is_bad || n == 0 || n > (uint64_t)(t.end - t.p) / sizeof(struct search_entry))
        return NULL;

    const int64_t wanted = (int64_t)(at - (uintptr_t)object->header);
    struct search_entry entry;
    uint64_t low = 0, high = n; /* the last that begins at or before it */
    while (high - low > 1) {
        const uint64_t middle = low + (high - low) / 2;
        memcpy(&entry, t.p + middle * sizeof entry, sizeof entry);
        if (entry.code <= wanted)
            low = middle;
        else
            high = middle;
    }
    memcpy(&entry, t.p + low * sizeof entry, sizeof entry);
    if (entry.code > wanted)
        return NULL;
    return object->header + entry.entry;
}

/* The length in front of a record, and what it covers. */
static struct table record_at(const struct object *object, const uint8_t *at)
{
    struct table t = {at, object->high, false};
    if (at < object->low || at >= object->high) {
        t.p = t.end = object->high;
        t.is_bad = true;
        return t;
    }
    uint64_t n = table_bytes(&t, 4);
    if (n == 0xffffffff)
        n = table_bytes(&t, 8);
    return table_part(&t, n);
}

/* What entries of one kind have in common. */
struct common {
    struct table instructions;
    uint64_t code_unit;
    int64_t data_unit;
    unsigned pointer_encoding;
    bool has_data, is_signal_frame;
};

static bool read_common(const struct object *object, const uint8_t *at, struct common *common)
{
    struct table t = record_at(object, at);
    if (table_bytes(&t, 4) != 0)
        return false;
    const unsigned version = (unsigned)table_bytes(&t, 1);
    if (t.is_bad || (version != 1 && version != 3))
        return false;
    const struct table letters = t;
    while (table_bytes(&t, 1) != 0)
        ;
    common->code_unit = table_uleb(&t);
    common->data_unit = table_sleb(&t);
    const uint64_t return_column = version == 1 ? table_bytes(&t, 1) : table_uleb(&t);
    common->pointer_encoding = POINTER_ABSOLUTE;
    common->has_data = common->is_signal_frame = false;
    if (t.is_bad || return_column != REG_PC)
        return false;
    if (letters.p[0] == 'z') {
        common->has_data = true;
        struct table data = table_part(&t, table_uleb(&t));
        for (const uint8_t *letter = letters.p + 1; *letter; letter++) {
            switch (*letter) {
            case 'R':
                common->pointer_encoding = (unsigned)table_bytes(&data, 1);
                break;
            case 'P': {
                const unsigned encoding = (unsigned)table_bytes(&data, 1);
                (void)pointer_form(&data, encoding);
                break;
            }
            case 'L':
                (void)table_bytes(&data, 1);
                break;
            case 'S':
                common->is_signal_frame = true;
                break;
            default:
                return false;
            }
        }
        if (data.is_bad)
            return false;
    } else if (letters.p[0] != '\0') {
        return false;
    }
    common->instructions = t;
    return !t.is_bad;
}

/* ---- running the instructions ---------------------------------------------------------------- */

/* gcc nests them once. */
enum { REMEMBERED_MAX = 4 };

struct machine {
    const struct common *common;
    const struct object *object;
    const struct row *initial; /* what the common part left, for those that restore it */
    struct row *row;
    uintptr_t location, wanted;
};

static void set_rule(struct machine *m, uint64_t reg, enum rule rule, int64_t value,
                     struct table *t)
{
    if (value != (int32_t)value)
        t->is_bad = true;
    if (reg >= REG_COUNT)
        return; /* vector registers and the like: no frame is found by them */
    m->row->rule[reg] = (uint8_t)rule;
    m->row->value[reg] = (int32_t)value;
}

static void set_cfa(struct machine *m, uint64_t reg, int64_t value, struct table *t)
{
    if (reg >= REG_PC || value != (int32_t)value)
        t->is_bad = true;
    m->row->cfa_reg = (uint8_t)reg;
    m->row->cfa_value = (int32_t)value;
}

/* A factored offset; one that is no offset in a frame spoils the table. */
static int64_t scaled(const struct machine *m, int64_t factor, struct table *t)
{
    int64_t value;
    if (!__builtin_mul_overflow(factor, m->common->data_unit, &value) && value == (int32_t)value)
        return value;
    t->is_bad = true;
    return 0;
}

/* Steps over an expression and returns where it is. */
static int64_t expression_offset(struct machine *m, struct table *t)
{
    const int64_t offset = t->p - m->row->base;
    (void)table_part(t, table_uleb(t));
    return offset;
}

static void restore(struct machine *m, uint64_t reg)
{
    if (reg >= REG_COUNT)
        return;
    m->row->rule[reg] = m->initial ? m->initial->rule[reg] : RULE_NONE;
    m->row->value[reg] = m->initial ? m->initial->value[reg] : 0;
}

/* False: the location has gone past the address that is wanted. */
static bool advance(struct machine *m, uint64_t units)
{
    m->location += units * m->common->code_unit;
    return m->location <= m->wanted;
}

static void run(struct machine *m, struct table *t)
{
    struct row remembered[REMEMBERED_MAX];
    unsigned n_remembered = 0;
    while (t->p < t->end && !t->is_bad) {
        const unsigned op = (unsigned)table_bytes(t, 1), low = op & 0x3f;
        switch (op >> 6) {
        case 1: /* advance */
            if (!advance(m, low))
                return;
            continue;
        case 2: /* saved at an offset */
            set_rule(m, low, RULE_OFFSET, scaled(m, (int64_t)table_uleb(t), t), t);
            continue;
        case 3:
            restore(m, low);
            continue;
        default:
            break;
        }
        switch (op) {
        case 0x00: /* nothing */
            break;
        case 0x01: /* to an address */
            m->location = pointer(t, m->common->pointer_encoding, m->object->header);
            if (m->location > m->wanted)
                return;
            break;
        case 0x02: /* advance by 1, 2, 4 bytes */
        case 0x03:
        case 0x04:
            if (!advance(m, table_bytes(t, 1u << (op - 0x02))))
                return;
            break;
        case 0x05: { /* saved at an offset */
            const uint64_t reg = table_uleb(t);
            set_rule(m, reg, RULE_OFFSET, scaled(m, (int64_t)table_uleb(t), t), t);
            break;
        }
        case 0x06:
            restore(m, table_uleb(t));
            break;
        case 0x07: /* undefined */
            set_rule(m, table_uleb(t), RULE_UNDEFINED, 0, t);
            break;
        case 0x08: /* the same */
            set_rule(m, table_uleb(t), RULE_NONE, 0, t);
            break;
        case 0x09: { /* in another register */
            const uint64_t reg = table_uleb(t);
            set_rule(m, reg, RULE_REGISTER, (int64_t)table_uleb(t), t);
            break;
        }
        case 0x0a: /* remember */
            if (n_remembered == REMEMBERED_MAX) {
                t->is_bad = true;
                break;
            }
            remembered[n_remembered++] = *m->row;
            break;
        case 0x0b: /* as remembered */
            if (n_remembered == 0)
                t->is_bad = true;
            else
                *m->row = remembered[--n_remembered];
            break;
        case 0x0c: { /* CFA: register and offset */
            const uint64_t reg = table_uleb(t);
            set_cfa(m, reg, (int64_t)table_uleb(t), t);
            break;
        }
        case 0x0d: /* CFA: register */
            set_cfa(m, table_uleb(t), m->row->cfa_value, t);
            break;
        case 0x0e: /* CFA: offset */
            set_cfa(m, m->row->cfa_reg, (int64_t)table_uleb(t), t);
            break;
        case 0x0f: { /* CFA: expression */
            const int64_t offset = expression_offset(m, t);
            m->row->cfa_reg = REG_COUNT;
            m->row->cfa_value = (int32_t)offset;
            t->is_bad |= offset != (int32_t)offset;
            break;
        }
        case 0x10: { /* saved where an expression says */
            const uint64_t reg = table_uleb(t);
            set_rule(m, reg, RULE_EXPRESSION, expression_offset(m, t), t);
            break;
        }
        case 0x11: { /* saved at a signed offset */
            const uint64_t reg = table_uleb(t);
            set_rule(m, reg, RULE_OFFSET, scaled(m, table_sleb(t), t), t);
            break;
        }
        case 0x12: { /* CFA: register and signed offset */
            const uint64_t reg = table_uleb(t);
            set_cfa(m, reg, scaled(m, table_sleb(t), t), t);
            break;
        }
        case 0x13: /* CFA: signed offset */
            set_cfa(m, m->row->cfa_reg, scaled(m, table_sleb(t), t), t);
            break;
        case 0x14: { /* is CFA and an offset */
            const uint64_t reg = table_uleb(t);
            set_rule(m, reg, RULE_VALUE_OFFSET, scaled(m, (int64_t)table_uleb(t), t), t);
            break;
        }
        case 0x15: {
            const uint64_t reg = table_uleb(t);
            set_rule(m, reg, RULE_VALUE_OFFSET, scaled(m, table_sleb(t), t), t);
            break;
        }
        case 0x16: { /* is what an expression says */
            const uint64_t reg = table_uleb(t);
            set_rule(m, reg, RULE_VALUE_EXPRESSION, expression_offset(m, t), t);
            break;
        }
        case 0x2e: /* size of arguments: for exceptions */
            (void)table_uleb(t);
            break;
        case 0x2f: { /* saved at a negative offset, as old compilers wrote it */
            const uint64_t reg = table_uleb(t);
            set_rule(m, reg, RULE_OFFSET, -scaled(m, (int64_t)table_uleb(t), t), t);
            break;
        }
        default:
            t->is_bad = true;
        }
    }
}

bool eh_frame_row(uintptr_t at, struct row *row)
{
    struct object object;
    if (!find_object(at, &object))
        return false;
    const uint8_t *entry = find_entry(&object, at);
    if (!entry)
        return false;
    struct table t = record_at(&object, entry);
    const uint8_t *const common_from = t.p;
    const uint64_t back = table_bytes(&t, 4);
    struct common common;
    if (t.is_bad || back == 0 || !read_common(&object, common_from - back, &common))
        return false;
    const uintptr_t from = pointer(&t, common.pointer_encoding, object.header);
    const uint64_t size = pointer_form(&t, common.pointer_encoding);
    if (common.has_data)
        (void)table_part(&t, table_uleb(&t));
    if (t.is_bad || (common.pointer_encoding & POINTER_INDIRECT) || at - from >= size)
        return false;

    memset(row, 0, sizeof *row);
    row->base = object.header;
    row->end = object.high;
    row->is_signal_frame = common.is_signal_frame;
    row->cfa_reg = REG_SP;
    struct machine m = {
        .common = &common,
        .object = &object,
        .row = row,
        .location = from,
        .wanted = UINTPTR_MAX,
    };
    run(&m, &common.instructions);
    const struct row initial = *row;
    m.initial = &initial;
    m.location = from;
    m.wanted = at;
    run(&m, &t);
    return !t.is_bad && !common.instructions.is_bad;
}
