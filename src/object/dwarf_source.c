/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The directories and source files that a line table's header lists, in the fixed spelling of DWARF
 * 2 to 4 and the self-describing one of DWARF 5, and the paths that are made of them. Paths are
 * joined, never tidied: what the compiler was told is what the user sees. */
#include "object/dwarf_internal.h"

/* One column of a DWARF 5 table. */
struct column {
    uint64_t content;
    uint16_t form;
};

struct reading {
    const struct dwarf_unit *unit;
    struct dwarf_shape shape;
    struct arena *arena;
    struct column columns[UINT8_MAX];
    uint8_t n_columns;
    uint64_t n_entries;
};

/* Reads what a table of entries looks like and how many there are. */
static bool read_columns(struct reading *r, struct cursor *c)
{
    unsigned smallest = 0;
    r->n_columns = cursor_u8(c);
    for (uint8_t i = 0; i < r->n_columns; i++) {
        const uint64_t content = cursor_uleb(c), form = cursor_uleb(c);
        if (!dwarf_form_is_known(form) || form == DW_FORM_implicit_const)
            return false;
        r->columns[i] = (struct column){.content = content, .form = (uint16_t)form};
        const int size = dwarf_form_size((uint16_t)form, r->shape);
        smallest += size < 0 ? 1 : (unsigned)size;
    }
    r->n_entries = cursor_uleb(c);
    if (cursor_failed(c))
        return false;
    /* An entry without bytes could be there any number of times. */
    return r->n_entries == 0 ||
           (smallest > 0 && r->n_entries <= cursor_left(c) / smallest && r->n_entries < UINT32_MAX);
}

static struct dwarf_source read_entry(const struct reading *r, struct cursor *c)
{
    struct dwarf_source source = {0};
    for (uint8_t i = 0; i < r->n_columns; i++) {
        const struct dwarf_value value =
            dwarf_form_read_shaped(c, r->unit, r->shape, r->columns[i].form, 0);
        if (r->columns[i].content == DW_LNCT_path)
            source.name = value.text;
        else if (r->columns[i].content == DW_LNCT_directory_index &&
                 value.kind == DWARF_VALUE_NUMBER)
            source.dir = value.number;
    }
    return source;
}

static bool read_described(struct reading *r, struct cursor *c, struct dwarf_lines *out)
{
    if (!read_columns(r, c))
        return false;
    out->dirs = arena_alloc(r->arena, (size_t)r->n_entries, sizeof *out->dirs);
    for (uint64_t i = 0; i < r->n_entries && !cursor_failed(c); i++)
        out->dirs[i] = read_entry(r, c).name;
    out->n_dirs = (uint32_t)r->n_entries;
    if (!read_columns(r, c))
        return false;
    out->sources = arena_alloc(r->arena, (size_t)r->n_entries, sizeof *out->sources);
    for (uint64_t i = 0; i < r->n_entries && !cursor_failed(c); i++)
        out->sources[i] = read_entry(r, c);
    out->n_sources = (uint32_t)r->n_entries;
    return !cursor_failed(c);
}

static struct dwarf_source read_fixed_entry(struct cursor *c)
{
    const struct dwarf_source source = {.name = cursor_text(c), .dir = cursor_uleb(c)};
    cursor_uleb(c); /* time */
    cursor_uleb(c); /* size */
    return source;
}

/* A list ends with an empty text. */
static bool is_at_end(struct cursor *c)
{
    return cursor_left(c) == 0 || *c->at == 0;
}

static bool read_fixed(struct reading *r, struct cursor *c, struct dwarf_lines *out)
{
    struct cursor counting = *c;
    uint32_t n_dirs = 1, n_sources = 1; /* number 0 is the compilation's own */
    for (; !is_at_end(&counting); n_dirs++)
        cursor_text(&counting);
    cursor_u8(&counting);
    for (; !is_at_end(&counting); n_sources++)
        (void)read_fixed_entry(&counting);
    cursor_u8(&counting);
    if (cursor_failed(&counting))
        return false;
    out->dirs = arena_alloc(r->arena, n_dirs, sizeof *out->dirs);
    for (uint32_t i = 1; i < n_dirs; i++)
        out->dirs[i] = cursor_text(c);
    cursor_u8(c);
    out->sources = arena_alloc(r->arena, n_sources, sizeof *out->sources);
    for (uint32_t i = 1; i < n_sources; i++)
        out->sources[i] = read_fixed_entry(c);
    cursor_u8(c);
    out->n_dirs = n_dirs;
    out->n_sources = n_sources;
    return true;
}

bool dwarf_sources_read(struct cursor *c, const struct dwarf_unit *unit, struct dwarf_shape shape,
                        struct arena *arena, struct dwarf_lines *out)
{
    struct reading r = {.unit = unit, .shape = shape, .arena = arena};
    return shape.version >= 5 ? read_described(&r, c, out) : read_fixed(&r, c, out);
}

static bool is_absolute(const char *path)
{
    return path && path[0] == '/';
}

const char *dwarf_lines_path(struct dwarf_lines *lines, struct arena *arena, const char *comp_dir,
                             uint64_t file)
{
    if (file >= lines->n_sources)
        return NULL;
    struct dwarf_source *source = &lines->sources[file];
    if (source->path || !source->name || !source->name[0])
        return source->path;
    const char *dir = source->dir < lines->n_dirs ? lines->dirs[source->dir] : NULL;
    if (is_absolute(source->name)) {
        source->path = source->name;
        return source->path;
    }
    if (is_absolute(dir))
        comp_dir = NULL;
    const char *first = comp_dir ? comp_dir : dir, *second = comp_dir ? dir : NULL;
    if (!first)
        source->path = source->name;
    else if (!second)
        source->path = arena_printf(arena, "%s/%s", first, source->name);
    else
        source->path = arena_printf(arena, "%s/%s/%s", first, second, source->name);
    return source->path;
}
