/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Abbreviations compiled: for each the attributes as they stand, for reading a DIE whole, and the
 * steps that the walk takes over it. Compiled once for each table and shape of unit; every unit
 * that shares the table shares the work. */
#include "object/dwarf_internal.h"

/* More bytes than this are not passed over in one step, so that `before` never overflows. */
#define MAX_BEFORE 0x10000000u

struct making {
    struct dwarf_abbrevs *to;
    struct dwarf_shape shape;
    uint32_t cap, cap_steps;
    uint32_t before; /* bytes since the last step */
};

static enum dwarf_kind kind_of(uint16_t tag)
{
    switch (tag) {
    case DW_TAG_subprogram:
        return DWARF_KIND_FUNCTION;
    case DW_TAG_inlined_subroutine:
        return DWARF_KIND_INLINED;
    case DW_TAG_namespace:
    case DW_TAG_module:
        return DWARF_KIND_SCOPE;
    case DW_TAG_class_type:
    case DW_TAG_structure_type:
    case DW_TAG_union_type:
    case DW_TAG_interface_type:
        return DWARF_KIND_TYPE;
    case DW_TAG_compile_unit:
    case DW_TAG_partial_unit:
    case DW_TAG_skeleton_unit:
    case DW_TAG_lexical_block:
    case DW_TAG_try_block:
    case DW_TAG_catch_block:
    case DW_TAG_with_stmt:
    case DW_TAG_common_block:
        return DWARF_KIND_BLOCK;
    default:
        return DWARF_KIND_OTHER;
    }
}

static enum dwarf_want want_of(const struct dwarf_abbrev *abbrev, uint16_t name)
{
    const bool is_function =
        abbrev->kind == DWARF_KIND_FUNCTION || abbrev->kind == DWARF_KIND_INLINED;
    switch (name) {
    case DW_AT_sibling:
        return abbrev->has_children ? DWARF_WANT_SIBLING : DWARF_WANT_NOTHING;
    case DW_AT_low_pc:
        return is_function ? DWARF_WANT_LOW : DWARF_WANT_NOTHING;
    case DW_AT_high_pc:
        return is_function ? DWARF_WANT_HIGH : DWARF_WANT_NOTHING;
    case DW_AT_ranges:
        return is_function ? DWARF_WANT_RANGES : DWARF_WANT_NOTHING;
    case DW_AT_call_file:
        return is_function ? DWARF_WANT_CALL_FILE : DWARF_WANT_NOTHING;
    case DW_AT_call_line:
        return is_function ? DWARF_WANT_CALL_LINE : DWARF_WANT_NOTHING;
    default:
        return DWARF_WANT_NOTHING;
    }
}

static void add_step(struct making *m, struct dwarf_abbrev *abbrev, const struct dwarf_attr *attr)
{
    const enum dwarf_want want = want_of(abbrev, attr->name);
    const int size = dwarf_form_size(attr->form, m->shape);
    if (want == DWARF_WANT_NOTHING && size >= 0 && m->before < MAX_BEFORE) {
        m->before += (uint32_t)size;
        return;
    }
    struct dwarf_abbrevs *to = m->to;
    to->steps = base_grow(to->steps, &m->cap_steps, (size_t)to->n_steps + 1, sizeof *to->steps);
    to->steps[to->n_steps++] = (struct dwarf_step){
        .before = m->before,
        .form = attr->form,
        .want = (uint8_t)want,
        .implicit = (int32_t)attr->implicit == attr->implicit ? (int32_t)attr->implicit : 0};
    m->before = 0;
}

/* Notes what the abbreviation as a whole tells. */
static void notice(struct dwarf_abbrev *abbrev, uint16_t name)
{
    switch (name) {
    case DW_AT_sibling:
        abbrev->has_sibling = true;
        break;
    case DW_AT_low_pc:
    case DW_AT_ranges:
        abbrev->has_code = true;
        break;
    case DW_AT_linkage_name:
    case DW_AT_MIPS_linkage_name:
    case DW_AT_abstract_origin:
    case DW_AT_specification:
        abbrev->is_plain = false;
        break;
    default:
        break;
    }
}

bool dwarf_attr_next(struct cursor *attrs, struct dwarf_attr *out)
{
    const uint64_t name = cursor_uleb(attrs), form = cursor_uleb(attrs);
    const int64_t implicit = form == DW_FORM_implicit_const ? cursor_sleb(attrs) : 0;
    /* Names beyond 16 bits are nobody's that we know; forms beyond are none. */
    *out = (struct dwarf_attr){.name = name > UINT16_MAX ? UINT16_MAX : (uint16_t)name,
                               .form = form > UINT16_MAX ? UINT16_MAX : (uint16_t)form,
                               .implicit = implicit};
    return !cursor_failed(attrs) && (name != 0 || form != 0);
}

struct cursor dwarf_abbrev_attrs(const struct dwarf_abbrevs *abbrevs,
                                 const struct dwarf_abbrev *abbrev)
{
    struct cursor c = abbrevs->bytes;
    cursor_seek(&c, abbrev->attrs_at);
    return c;
}

static void read_attrs(struct making *m, struct cursor *c, struct dwarf_abbrev *abbrev)
{
    struct dwarf_attr attr;
    abbrev->attrs_at = (uint32_t)cursor_offset(c);
    abbrev->steps_at = m->to->n_steps;
    m->before = 0;
    while (dwarf_attr_next(c, &attr)) {
        if (!dwarf_form_is_known(attr.form)) {
            abbrev->is_readable = false;
            continue;
        }
        notice(abbrev, attr.name);
        add_step(m, abbrev, &attr);
    }
    abbrev->n_steps = m->to->n_steps - abbrev->steps_at;
    abbrev->tail = m->before;
}

/* Most tables count their codes from 1; for the others a map is made. */
static void index_codes(struct dwarf_abbrevs *abbrevs)
{
    bool is_dense = true;
    for (uint32_t i = 0; i < abbrevs->n && is_dense; i++)
        is_dense = abbrevs->list[i].code == (uint64_t)i + 1;
    for (uint32_t i = 0; i < abbrevs->n && !is_dense; i++)
        idmap_add(&abbrevs->by_code, abbrevs->list[i].code, i, NULL);
}

struct dwarf_abbrevs *dwarf_abbrevs_read(struct span abbrev, uint64_t offset,
                                         enum cursor_order order, struct dwarf_shape shape,
                                         size_t *size)
{
    const struct span bytes = span_first(span_skip(abbrev, (size_t)offset), UINT32_MAX);
    struct cursor c = cursor_over(bytes, order);
    struct dwarf_abbrevs *to = base_alloc(1, sizeof *to);
    to->bytes = c;
    struct making m = {.to = to, .shape = shape};
    while (!cursor_failed(&c)) {
        const uint64_t code = cursor_uleb(&c);
        if (code == 0)
            break;
        const uint64_t tag = cursor_uleb(&c);
        struct dwarf_abbrev one = {.code = code,
                                   .tag = tag > UINT16_MAX ? 0 : (uint16_t)tag,
                                   .has_children = cursor_u8(&c) != 0,
                                   .is_plain = true,
                                   .is_readable = true};
        one.kind = (uint8_t)kind_of(one.tag);
        read_attrs(&m, &c, &one);
        if (one.kind == DWARF_KIND_FUNCTION && one.has_code)
            to->has_functions_with_code = true;
        to->list = base_grow(to->list, &m.cap, (size_t)to->n + 1, sizeof *to->list);
        to->list[to->n++] = one;
    }
    if (cursor_failed(&c)) {
        dwarf_abbrevs_free(to);
        return NULL;
    }
    index_codes(to);
    *size = cursor_offset(&c);
    return to;
}

void dwarf_abbrevs_free(struct dwarf_abbrevs *abbrevs)
{
    if (!abbrevs)
        return;
    base_free(abbrevs->list);
    base_free(abbrevs->steps);
    idmap_free(&abbrevs->by_code);
    base_free(abbrevs);
}

const struct dwarf_abbrev *dwarf_abbrevs_search(const struct dwarf_abbrevs *abbrevs, uint64_t code)
{
    uint32_t at;
    return idmap_find(&abbrevs->by_code, code, &at) ? &abbrevs->list[at] : NULL;
}
