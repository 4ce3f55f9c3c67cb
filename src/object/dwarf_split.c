/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Split DWARF: a skeleton unit in the object, the DIEs in a .dwo file of their own or in a package
 * of many (.dwp), whose index says which part of each section belongs to which unit. The invariant:
 * a split unit's file holds the parts of that unit alone, so that its offsets count from 0 as in a
 * .dwo. */
#include "object/dwarf_internal.h"

/* Columns of a package's index; the numbers of the GNU extension (version 2) and of DWARF 5 differ.
 */
enum part { PART_INFO, PART_ABBREV, PART_LINE, PART_STR_OFFSETS, PART_RNGLISTS, PART_COUNT };

static bool part_of(uint64_t version, uint32_t number, enum part *out)
{
    switch (number) {
    case DW_SECT_INFO:
        *out = PART_INFO;
        return true;
    case DW_SECT_ABBREV:
        *out = PART_ABBREV;
        return true;
    case DW_SECT_LINE:
        *out = PART_LINE;
        return true;
    case DW_SECT_STR_OFFSETS:
        *out = PART_STR_OFFSETS;
        return true;
    case DW_SECT_RNGLISTS: /* in version 2: .debug_macro */
        *out = PART_RNGLISTS;
        return version >= 5;
    default:
        return false;
    }
}

/* The parts of package sections that belong to a unit. */
struct parts {
    uint64_t offset[PART_COUNT], size[PART_COUNT];
};

static uint64_t read_at(struct span bytes, enum cursor_order order, uint64_t offset, unsigned size,
                        bool *is_well)
{
    struct cursor c = cursor_over(bytes, order);
    cursor_seek(&c, offset);
    const uint64_t value = cursor_uint(&c, size);
    *is_well = *is_well && !cursor_failed(&c);
    return value;
}

/* The row, counted from 1, of a unit in the index's hash table. */
static bool find_row(struct span index, enum cursor_order order, uint32_t n_slots, uint64_t id,
                     uint32_t *row)
{
    if (n_slots == 0 || (n_slots & (n_slots - 1)) || (uint64_t)n_slots * 12 > index.n)
        return false;
    const uint32_t mask = n_slots - 1;
    const uint32_t step = ((uint32_t)(id >> 32) & mask) | 1;
    uint32_t slot = (uint32_t)id & mask;
    for (uint32_t tries = 0; tries < n_slots; tries++, slot = (slot + step) & mask) {
        bool is_well = true;
        const uint64_t key = read_at(index, order, 16 + 8 * (uint64_t)slot, 8, &is_well);
        const uint64_t at = 16 + 8 * (uint64_t)n_slots + 4 * (uint64_t)slot;
        *row = (uint32_t)read_at(index, order, at, 4, &is_well);
        if (!is_well || (key == 0 && *row == 0))
            return false;
        if (key == id && *row != 0)
            return true;
    }
    return false;
}

/* The index: version, columns, units, slots; ids; rows; column numbers; offsets; sizes. */
static bool find_parts(struct span index, enum cursor_order order, uint64_t id, struct parts *out)
{
    struct cursor c = cursor_over(index, order);
    uint32_t version = cursor_u32(&c);
    if (version != 2) { /* in DWARF 5 the version is two bytes and two of padding */
        c = cursor_over(index, order);
        version = cursor_u16(&c);
        cursor_u16(&c);
    }
    const uint32_t n_columns = cursor_u32(&c), n_units = cursor_u32(&c), n_slots = cursor_u32(&c);
    uint32_t row;
    if (cursor_failed(&c) || (version != 2 && version != 5) || n_columns > 64 ||
        !find_row(index, order, n_slots, id, &row) || row > n_units)
        return false;
    *out = (struct parts){0};
    const uint64_t numbers = 16 + 12 * (uint64_t)n_slots, width = 4 * (uint64_t)n_columns;
    bool is_well = true;
    for (uint32_t i = 0; i < n_columns && is_well; i++) {
        const uint64_t number = read_at(index, order, numbers + 4 * (uint64_t)i, 4, &is_well);
        const uint64_t at = numbers + width * row + 4 * (uint64_t)i;
        enum part part;
        if (!part_of(version, (uint32_t)number, &part))
            continue;
        out->offset[part] = read_at(index, order, at, 4, &is_well);
        out->size[part] = read_at(index, order, at + width * n_units, 4, &is_well);
    }
    return is_well;
}

static void cut(struct span *section, const struct parts *parts, enum part part)
{
    const uint64_t offset = parts->offset[part], size = parts->size[part];
    if (offset > section->n)
        *section = (struct span){0};
    else
        *section = span_first(span_skip(*section, (size_t)offset), (size_t)size);
}

static bool cut_package(struct dwarf_sections *sections, uint64_t id)
{
    struct parts parts;
    if (!find_parts(sections->cu_index, sections->order, id, &parts))
        return false;
    cut(&sections->info, &parts, PART_INFO);
    cut(&sections->abbrev, &parts, PART_ABBREV);
    cut(&sections->line, &parts, PART_LINE);
    cut(&sections->str_offsets, &parts, PART_STR_OFFSETS);
    cut(&sections->rnglists, &parts, PART_RNGLISTS);
    return true;
}

/* The unit of `file` that belongs to the skeleton, opened. */
static struct dwarf_unit *find_unit(struct dwarf_file *file, const struct dwarf_unit *skeleton)
{
    for (uint32_t i = 0; i < file->n_units; i++) {
        struct dwarf_unit *unit = &file->units[i];
        if (unit->type == DW_UT_type || unit->type == DW_UT_split_type)
            continue;
        if (unit->has_id && unit->id != skeleton->id)
            continue;
        unit->skeleton = skeleton; /* before it is opened: its bases are the skeleton's */
        if (dwarf_unit_open(unit) && unit->has_id && unit->id == skeleton->id)
            return unit;
    }
    return NULL;
}

void dwarf_unit_find_split(struct dwarf_unit *skeleton)
{
    struct dwarf *dwarf = skeleton->file->dwarf;
    if (skeleton->is_split_sought || !skeleton->dwo_name || !skeleton->has_id ||
        !dwarf->files.split)
        return;
    skeleton->is_split_sought = true;
    struct dwarf_sections sections = {0};
    bool is_package = false;
    if (!dwarf->files.split(dwarf->files.to, skeleton->comp_dir, skeleton->dwo_name, skeleton->id,
                            &sections, &is_package))
        return;
    if (is_package && !cut_package(&sections, skeleton->id))
        return;
    /* What the linker must relocate stays in the object. */
    sections.addr = skeleton->file->sections.addr;
    if (sections.ranges.n == 0)
        sections.ranges = skeleton->file->sections.ranges;
    struct dwarf_file *file = base_alloc(1, sizeof *file);
    dwarf_file_open(dwarf, &sections, file);
    dwarf->splits = base_grow(dwarf->splits, &dwarf->cap_splits, (size_t)dwarf->n_splits + 1,
                              sizeof *dwarf->splits);
    dwarf->splits[dwarf->n_splits++] = file;
    skeleton->split = find_unit(file, skeleton);
}
