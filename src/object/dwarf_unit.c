/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Units: the list of them, made from their headers alone when a file is opened, and the first DIE
 * of each, read when somebody needs the unit. The invariant: units are sorted by offset and do not
 * overlap; one that is open does not change. */
#include "object/dwarf_internal.h"

#include <string.h>

/* Notes what is wrong with the list of units; the first thing counts. */
static bool damage_list(struct dwarf_file *file, uint64_t at, const char *what)
{
    if (!file->damage) {
        file->damage = what;
        file->damage_at = at;
    }
    return false;
}

/* Reads the header after the length. False: the unit is left out. */
static bool read_header(struct dwarf_file *file, struct cursor *c, struct dwarf_unit *unit)
{
    unit->shape.version = cursor_u16(c) & 0xff;
    unit->type = DW_UT_compile;
    if (unit->shape.version < 2 || unit->shape.version > 5)
        return damage_list(file, unit->offset, "its DWARF version is not known");
    if (unit->shape.version >= 5) {
        unit->type = cursor_u8(c);
        unit->shape.address_size = cursor_u8(c);
        unit->abbrev_offset = cursor_uint(c, unit->shape.offset_size);
        switch (unit->type) {
        case DW_UT_skeleton:
        case DW_UT_split_compile:
            unit->id = cursor_u64(c);
            unit->has_id = true;
            break;
        case DW_UT_type:
        case DW_UT_split_type:
            cursor_skip(c, 8u + unit->shape.offset_size);
            break;
        default:
            break;
        }
    } else {
        unit->abbrev_offset = cursor_uint(c, unit->shape.offset_size);
        unit->shape.address_size = cursor_u8(c);
    }
    unit->dies = cursor_offset(c);
    if (cursor_failed(c) || unit->dies > unit->end)
        return damage_list(file, unit->offset, "its header is cut short");
    const uint8_t size = unit->shape.address_size;
    if (size != 2 && size != 4 && size != 8)
        return damage_list(file, unit->offset, "its addresses have an odd size");
    return true;
}

static void list_units(struct dwarf_file *file)
{
    const struct span info = file->sections.info;
    struct cursor c = cursor_over(info, file->sections.order);
    while (cursor_left(&c) > 0) {
        struct dwarf_unit unit = {.file = file, .offset = cursor_offset(&c)};
        uint64_t length = cursor_u32(&c);
        unit.shape.offset_size = 4;
        if (length == 0xffffffffu) {
            length = cursor_u64(&c);
            unit.shape.offset_size = 8;
        } else if (length >= 0xfffffff0u) {
            damage_list(file, unit.offset, "its length is not valid");
            return;
        }
        if (cursor_failed(&c) || length > cursor_left(&c)) {
            damage_list(file, unit.offset, "it runs past the end of its section");
            return;
        }
        unit.end = cursor_offset(&c) + length;
        if (length == 0) /* padding between units */
            continue;
        if (length > UINT32_MAX / 2)
            damage_list(file, unit.offset, "it is too large");
        else if (read_header(file, &c, &unit)) {
            file->units = base_grow(file->units, &file->cap_units, (size_t)file->n_units + 1,
                                    sizeof *file->units);
            file->units[file->n_units++] = unit;
        }
        c = cursor_over(info, file->sections.order);
        cursor_seek(&c, unit.end);
    }
}

/* Cuts a section of texts behind its last NUL, so that each text in it ends. */
static struct span cut_texts(struct span texts)
{
    const char *last = texts.n ? memrchr(texts.p, 0, texts.n) : NULL;
    return last ? span_first(texts, (size_t)(last - texts.p) + 1) : (struct span){0};
}

void dwarf_file_open(struct dwarf *dwarf, const struct dwarf_sections *sections,
                     struct dwarf_file *out)
{
    *out = (struct dwarf_file){.dwarf = dwarf, .sections = *sections};
    out->sections.str = cut_texts(sections->str);
    out->sections.line_str = cut_texts(sections->line_str);
    /* Sane files read each table once or, for units of other shape, a few times. */
    out->abbrev_budget = 8 * (uint64_t)sections->abbrev.n + 4096;
    list_units(out);
}

void dwarf_file_close(struct dwarf_file *file)
{
    for (uint32_t i = 0; i < file->n_tables; i++)
        dwarf_abbrevs_free(file->tables[i]);
    base_free(file->tables);
    base_free(file->units);
    idmap_free(&file->tables_at);
}

struct dwarf_unit *dwarf_file_unit(const struct dwarf_file *file, uint64_t offset)
{
    uint32_t low = 0, high = file->n_units;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (file->units[middle].offset <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || offset >= file->units[low - 1].end)
        return NULL;
    return &file->units[low - 1];
}

/* The compiled table of a unit; NULL: damaged. The lock is held. */
static const struct dwarf_abbrevs *find_abbrevs(struct dwarf_unit *unit)
{
    struct dwarf_file *file = unit->file;
    const struct dwarf_shape shape = unit->shape;
    const struct span abbrev = file->sections.abbrev;
    if (unit->abbrev_offset >= abbrev.n || unit->abbrev_offset >> 48)
        return NULL;
    /* Of the version only the size of DW_FORM_ref_addr depends on it. */
    const uint64_t key = unit->abbrev_offset << 16 | (uint64_t)shape.address_size << 8 |
                         (uint64_t)shape.offset_size << 4 | (shape.version <= 2);
    uint32_t at;
    if (idmap_find(&file->tables_at, key, &at))
        return file->tables[at];
    if (file->abbrev_budget == 0)
        return NULL;
    size_t size = abbrev.n - (size_t)unit->abbrev_offset;
    struct dwarf_abbrevs *table =
        dwarf_abbrevs_read(abbrev, unit->abbrev_offset, file->sections.order, shape, &size);
    file->abbrev_budget -= size < file->abbrev_budget ? size : file->abbrev_budget;
    if (!table)
        return NULL;
    file->tables = base_grow(file->tables, &file->cap_tables, (size_t)file->n_tables + 1,
                             sizeof *file->tables);
    file->tables[file->n_tables] = table;
    idmap_add(&file->tables_at, key, file->n_tables++, NULL);
    return table;
}

/* Where a unit's part of a table of indexed values starts, if the unit does not say: behind the
 * header that such tables have since DWARF 5. */
static uint64_t default_base(const struct dwarf_unit *unit, unsigned rest)
{
    if (unit->shape.version < 5)
        return 0;
    return (unit->shape.offset_size == 8 ? 12u : 4u) + rest;
}

/* Bases come before values: a value may need a base that stands behind it. */
static void read_base(struct dwarf_unit *unit, uint16_t name, const struct dwarf_value *value)
{
    if (value->kind != DWARF_VALUE_NUMBER)
        return;
    switch (name) {
    case DW_AT_str_offsets_base:
        unit->str_offsets_base = value->number;
        break;
    case DW_AT_addr_base:
    case DW_AT_GNU_addr_base:
        unit->addr_base = value->number;
        break;
    case DW_AT_rnglists_base:
        unit->rnglists_base = value->number;
        break;
    case DW_AT_GNU_ranges_base:
        unit->own_ranges_base = value->number;
        break;
    default:
        break;
    }
}

static void read_value(struct dwarf_unit *unit, uint16_t name, const struct dwarf_value *value)
{
    const bool is_number = value->kind == DWARF_VALUE_NUMBER;
    switch (name) {
    case DW_AT_low_pc:
        if (value->kind == DWARF_VALUE_ADDRESS) {
            unit->low = value->number;
            unit->has_low = true;
        }
        break;
    case DW_AT_high_pc:
        unit->high = *value;
        break;
    case DW_AT_ranges:
        unit->ranges = *value;
        break;
    case DW_AT_stmt_list:
        unit->has_lines = is_number;
        unit->lines = value->number;
        break;
    case DW_AT_language:
        unit->language = is_number ? (uint32_t)value->number : 0;
        break;
    case DW_AT_comp_dir:
        unit->comp_dir = value->text;
        break;
    case DW_AT_dwo_name:
    case DW_AT_GNU_dwo_name:
        unit->dwo_name = value->text;
        break;
    case DW_AT_GNU_dwo_id:
        if (is_number) {
            unit->id = value->number;
            unit->has_id = true;
        }
        break;
    default:
        break;
    }
}

/* One of two passes over the first DIE. */
static bool read_die(struct dwarf_unit *unit, bool for_bases)
{
    struct cursor c = dwarf_unit_cursor(unit, unit->dies);
    const uint64_t code = cursor_uleb(&c);
    if (code == 0)
        return !cursor_failed(&c); /* an empty unit */
    const struct dwarf_abbrev *abbrev = dwarf_abbrevs_find(unit->abbrevs, code);
    if (!abbrev || !abbrev->is_readable)
        return false;
    struct cursor attrs = dwarf_abbrev_attrs(unit->abbrevs, abbrev);
    struct dwarf_attr attr;
    while (dwarf_attr_next(&attrs, &attr)) {
        const struct dwarf_value value = dwarf_form_read(&c, unit, attr.form, attr.implicit);
        if (for_bases)
            read_base(unit, attr.name, &value);
        else
            read_value(unit, attr.name, &value);
    }
    if (abbrev->tag == DW_TAG_partial_unit)
        unit->type = DW_UT_partial;
    return !cursor_failed(&c);
}

static const char *read_first_die(struct dwarf_unit *unit)
{
    unit->abbrevs = find_abbrevs(unit);
    if (!unit->abbrevs)
        return "its abbreviations cannot be read";
    const struct dwarf_unit *skeleton = unit->skeleton;
    unit->str_offsets_base = default_base(unit, 4);
    unit->rnglists_base = default_base(unit, 8);
    unit->addr_base = skeleton ? skeleton->addr_base : default_base(unit, 4);
    unit->ranges_base = skeleton ? skeleton->own_ranges_base : 0;
    if (!read_die(unit, true) || !read_die(unit, false))
        return "its first DIE cannot be read";
    if (skeleton) {
        unit->comp_dir = skeleton->comp_dir;
        if (!unit->has_low)
            unit->low = skeleton->low;
    }
    return NULL;
}

bool dwarf_unit_open(struct dwarf_unit *unit)
{
    if (atomic_load_explicit(&unit->is_open, memory_order_acquire))
        return !unit->is_broken;
    struct dwarf *dwarf = unit->file->dwarf;
    pthread_mutex_lock(&dwarf->lock);
    if (!atomic_load_explicit(&unit->is_open, memory_order_relaxed)) {
        unit->damage = read_first_die(unit);
        unit->is_broken = unit->damage != NULL;
        atomic_store_explicit(&unit->is_open, true, memory_order_release);
    }
    pthread_mutex_unlock(&dwarf->lock);
    return !unit->is_broken;
}

struct cursor dwarf_unit_cursor(const struct dwarf_unit *unit, uint64_t offset)
{
    const struct dwarf_sections *s = &unit->file->sections;
    struct cursor c = cursor_over(span_first(s->info, (size_t)unit->end), s->order);
    cursor_seek(&c, offset);
    return c;
}

const struct dwarf_unit *dwarf_unit_of(const struct dwarf_unit *from,
                                       const struct dwarf_value *reference)
{
    const struct dwarf_file *file = from->file;
    if (reference->kind == DWARF_VALUE_REFERENCE_ALT)
        file = file->alt;
    else if (reference->kind != DWARF_VALUE_REFERENCE)
        return NULL;
    if (!file)
        return NULL;
    const uint64_t offset = reference->number;
    if (file == from->file && offset >= from->offset && offset < from->end)
        return from;
    struct dwarf_unit *unit = dwarf_file_unit(file, offset);
    return unit && offset >= unit->dies && dwarf_unit_open(unit) ? unit : NULL;
}

void dwarf_describe(struct dwarf *dwarf, struct object_facts *out)
{
    struct dwarf_file *file = &dwarf->main;
    out->n_units = file->n_units;
    out->dwarf_low = out->dwarf_high = file->n_units ? file->units[0].shape.version : 0;
    for (uint32_t i = 0; i < file->n_units; i++) {
        struct dwarf_unit *unit = &file->units[i];
        const unsigned version = unit->shape.version;
        out->dwarf_low = version < out->dwarf_low ? version : out->dwarf_low;
        out->dwarf_high = version > out->dwarf_high ? version : out->dwarf_high;
        if (!dwarf_unit_open(unit) || !unit->dwo_name)
            continue;
        out->n_split++;
        if (unit->is_split_sought && !unit->split) {
            out->n_split_missing++;
            out->split_missing = unit->dwo_name;
        }
    }
}
