/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The forms: how an attribute's value is spelled in .debug_info, and how long it is (DWARF 5, 7.5.6
 * and the GNU forms that came before it). The one place that knows them. The invariant: skipping a
 * form and reading it move the cursor equally far. */
#include "object/dwarf_internal.h"

int dwarf_form_size(uint16_t form, struct dwarf_shape shape)
{
    switch (form) {
    case DW_FORM_flag_present:
    case DW_FORM_implicit_const:
        return 0;
    case DW_FORM_data1:
    case DW_FORM_ref1:
    case DW_FORM_flag:
    case DW_FORM_strx1:
    case DW_FORM_addrx1:
        return 1;
    case DW_FORM_data2:
    case DW_FORM_ref2:
    case DW_FORM_strx2:
    case DW_FORM_addrx2:
        return 2;
    case DW_FORM_strx3:
    case DW_FORM_addrx3:
        return 3;
    case DW_FORM_data4:
    case DW_FORM_ref4:
    case DW_FORM_strx4:
    case DW_FORM_addrx4:
    case DW_FORM_ref_sup4:
        return 4;
    case DW_FORM_data8:
    case DW_FORM_ref8:
    case DW_FORM_ref_sig8:
    case DW_FORM_ref_sup8:
        return 8;
    case DW_FORM_data16:
        return 16;
    case DW_FORM_addr:
        return shape.address_size;
    case DW_FORM_strp:
    case DW_FORM_line_strp:
    case DW_FORM_sec_offset:
    case DW_FORM_strp_sup:
    case DW_FORM_GNU_ref_alt:
    case DW_FORM_GNU_strp_alt:
        return shape.offset_size;
    case DW_FORM_ref_addr: /* DWARF 2 gave it the size of an address */
        return shape.version <= 2 ? shape.address_size : shape.offset_size;
    default:
        return -1;
    }
}

bool dwarf_form_is_known(uint64_t form)
{
    if (form > UINT16_MAX)
        return false;
    switch (form) {
    case DW_FORM_udata:
    case DW_FORM_sdata:
    case DW_FORM_ref_udata:
    case DW_FORM_strx:
    case DW_FORM_addrx:
    case DW_FORM_loclistx:
    case DW_FORM_rnglistx:
    case DW_FORM_GNU_addr_index:
    case DW_FORM_GNU_str_index:
    case DW_FORM_string:
    case DW_FORM_block1:
    case DW_FORM_block2:
    case DW_FORM_block4:
    case DW_FORM_block:
    case DW_FORM_exprloc:
    case DW_FORM_indirect:
        return true;
    default:
        return dwarf_form_size(
                   (uint16_t)form,
                   (struct dwarf_shape){.version = 5, .address_size = 8, .offset_size = 8}) >= 0;
    }
}

/* The form that DW_FORM_indirect stands for; 0 where there is none that makes sense there. */
static uint16_t read_indirect(struct cursor *c)
{
    const uint64_t form = cursor_uleb(c);
    if (form == DW_FORM_indirect || form == DW_FORM_implicit_const || !dwarf_form_is_known(form)) {
        cursor_fail(c);
        return 0;
    }
    return (uint16_t)form;
}

void dwarf_form_skip(struct cursor *c, uint16_t form, struct dwarf_shape shape)
{
    if (form == DW_FORM_indirect)
        form = read_indirect(c);
    const int size = dwarf_form_size(form, shape);
    if (size >= 0) {
        cursor_skip(c, (uint64_t)size);
        return;
    }
    switch (form) {
    case DW_FORM_udata:
    case DW_FORM_sdata:
    case DW_FORM_ref_udata:
    case DW_FORM_strx:
    case DW_FORM_addrx:
    case DW_FORM_loclistx:
    case DW_FORM_rnglistx:
    case DW_FORM_GNU_addr_index:
    case DW_FORM_GNU_str_index:
        cursor_uleb(c);
        return;
    case DW_FORM_string:
        cursor_text(c);
        return;
    case DW_FORM_block1:
        cursor_skip(c, cursor_u8(c));
        return;
    case DW_FORM_block2:
        cursor_skip(c, cursor_u16(c));
        return;
    case DW_FORM_block4:
        cursor_skip(c, cursor_u32(c));
        return;
    case DW_FORM_block:
    case DW_FORM_exprloc:
        cursor_skip(c, cursor_uleb(c));
        return;
    default:
        cursor_fail(c);
    }
}

const char *dwarf_text_at(struct span strings, uint64_t offset)
{
    /* dwarf_file_open has cut the section behind its last NUL. */
    return offset < strings.n ? strings.p + offset : NULL;
}

/* Entry `index` of a table of numbers that starts at `base`. */
static bool read_entry(struct span table, enum cursor_order order, uint64_t base, uint64_t index,
                       uint8_t size, uint64_t *value)
{
    uint64_t at;
    if (__builtin_mul_overflow(index, (uint64_t)size, &at) || __builtin_add_overflow(at, base, &at))
        return false;
    if (at >= table.n)
        return false;
    struct cursor c = cursor_over(span_skip(table, (size_t)at), order);
    const uint64_t v = cursor_uint(&c, size);
    if (cursor_failed(&c))
        return false;
    *value = v;
    return true;
}

bool dwarf_address_at(const struct dwarf_unit *unit, uint64_t index, uint64_t *address)
{
    const struct dwarf_sections *s = &unit->file->sections;
    return read_entry(s->addr, s->order, unit->addr_base, index, unit->shape.address_size, address);
}

static struct dwarf_value number_of(uint64_t number)
{
    return (struct dwarf_value){.kind = DWARF_VALUE_NUMBER, .number = number};
}

static struct dwarf_value text_of(const char *text)
{
    if (!text)
        return (struct dwarf_value){0};
    return (struct dwarf_value){.kind = DWARF_VALUE_TEXT, .text = text};
}

static struct dwarf_value text_at_index(const struct dwarf_unit *unit, struct dwarf_shape shape,
                                        uint64_t index)
{
    const struct dwarf_sections *s = &unit->file->sections;
    uint64_t offset;
    if (!read_entry(s->str_offsets, s->order, unit->str_offsets_base, index, shape.offset_size,
                    &offset))
        return (struct dwarf_value){0};
    return text_of(dwarf_text_at(s->str, offset));
}

static struct dwarf_value address_at_index(const struct dwarf_unit *unit, uint64_t index)
{
    struct dwarf_value value = {.kind = DWARF_VALUE_ADDRESS};
    if (!dwarf_address_at(unit, index, &value.number))
        value.kind = DWARF_VALUE_NONE;
    return value;
}

static struct dwarf_value reference_in_unit(const struct dwarf_unit *unit, uint64_t offset)
{
    if (offset >= unit->end - unit->offset)
        return (struct dwarf_value){0};
    return (struct dwarf_value){.kind = DWARF_VALUE_REFERENCE, .number = unit->offset + offset};
}

struct dwarf_value dwarf_form_read_shaped(struct cursor *c, const struct dwarf_unit *unit,
                                          struct dwarf_shape shape, uint16_t form, int64_t implicit)
{
    const struct dwarf_sections *s = &unit->file->sections;
    const struct dwarf_file *alt = unit->file->alt;
    if (form == DW_FORM_indirect)
        form = read_indirect(c);
    switch (form) {
    case DW_FORM_implicit_const:
        return number_of((uint64_t)implicit);
    case DW_FORM_flag_present:
        return number_of(1);
    case DW_FORM_data1:
    case DW_FORM_flag:
        return number_of(cursor_u8(c));
    case DW_FORM_data2:
        return number_of(cursor_u16(c));
    case DW_FORM_data4:
        return number_of(cursor_u32(c));
    case DW_FORM_data8:
        return number_of(cursor_u64(c));
    case DW_FORM_sec_offset:
        return number_of(cursor_uint(c, shape.offset_size));
    case DW_FORM_udata:
        return number_of(cursor_uleb(c));
    case DW_FORM_sdata:
        return number_of((uint64_t)cursor_sleb(c));
    case DW_FORM_addr:
        return (struct dwarf_value){.kind = DWARF_VALUE_ADDRESS,
                                    .number = cursor_uint(c, shape.address_size)};
    case DW_FORM_addrx:
    case DW_FORM_GNU_addr_index:
        return address_at_index(unit, cursor_uleb(c));
    case DW_FORM_addrx1:
    case DW_FORM_addrx2:
    case DW_FORM_addrx3:
    case DW_FORM_addrx4:
        return address_at_index(unit, cursor_uint(c, (unsigned)dwarf_form_size(form, shape)));
    case DW_FORM_string:
        return text_of(cursor_text(c));
    case DW_FORM_strp:
        return text_of(dwarf_text_at(s->str, cursor_uint(c, shape.offset_size)));
    case DW_FORM_line_strp:
        return text_of(dwarf_text_at(s->line_str, cursor_uint(c, shape.offset_size)));
    case DW_FORM_strp_sup:
    case DW_FORM_GNU_strp_alt: {
        const uint64_t offset = cursor_uint(c, shape.offset_size);
        return text_of(alt ? dwarf_text_at(alt->sections.str, offset) : NULL);
    }
    case DW_FORM_strx:
    case DW_FORM_GNU_str_index:
        return text_at_index(unit, shape, cursor_uleb(c));
    case DW_FORM_strx1:
    case DW_FORM_strx2:
    case DW_FORM_strx3:
    case DW_FORM_strx4:
        return text_at_index(unit, shape, cursor_uint(c, (unsigned)dwarf_form_size(form, shape)));
    case DW_FORM_ref1:
    case DW_FORM_ref2:
    case DW_FORM_ref4:
    case DW_FORM_ref8:
        return reference_in_unit(unit, cursor_uint(c, (unsigned)dwarf_form_size(form, shape)));
    case DW_FORM_ref_udata:
        return reference_in_unit(unit, cursor_uleb(c));
    case DW_FORM_ref_addr:
        return (struct dwarf_value){.kind = DWARF_VALUE_REFERENCE,
                                    .number =
                                        cursor_uint(c, (unsigned)dwarf_form_size(form, shape))};
    case DW_FORM_GNU_ref_alt:
    case DW_FORM_ref_sup4:
    case DW_FORM_ref_sup8:
        return (struct dwarf_value){.kind = DWARF_VALUE_REFERENCE_ALT,
                                    .number =
                                        cursor_uint(c, (unsigned)dwarf_form_size(form, shape))};
    case DW_FORM_rnglistx:
        return (struct dwarf_value){.kind = DWARF_VALUE_RANGES_INDEX, .number = cursor_uleb(c)};
    default: /* blocks, signatures of types, 16 bytes: nothing we use is in them */
        dwarf_form_skip(c, form, shape);
        return (struct dwarf_value){0};
    }
}

struct dwarf_value dwarf_form_read(struct cursor *c, const struct dwarf_unit *unit, uint16_t form,
                                   int64_t implicit)
{
    return dwarf_form_read_shaped(c, unit, unit->shape, form, implicit);
}
