/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Names of the DIEs that were hit: the linkage name, found along the chain of origins and
 * specifications, else the plain name behind the names of the namespaces and classes around it.
 * Apart from the walk because few of its nodes are ever asked for. The invariant: a chain is
 * followed a few links, whoever wrote it. */
#include "object/dwarf_internal.h"

#define MAX_LINKS      16
#define MAX_SCOPES     64
#define MAX_NAME       8192
#define MAX_NAME_TEXTS (MAX_SCOPES + 1)

/* Languages whose functions the linker knows by the names that stand in the source. */
static bool is_plain(uint32_t language)
{
    switch (language) {
    case DW_LANG_C89:
    case DW_LANG_C:
    case DW_LANG_C99:
    case DW_LANG_C11:
    case DW_LANG_UPC:
    case DW_LANG_Ada83:
    case DW_LANG_Ada95:
    case DW_LANG_Cobol74:
    case DW_LANG_Cobol85:
    case DW_LANG_Fortran77:
    case DW_LANG_Pascal83:
    case DW_LANG_PLI:
    case DW_LANG_Mips_Assembler:
        return true;
    default:
        return false;
    }
}

bool dwarf_language_is_scoped(uint32_t language)
{
    switch (language) {
    case DW_LANG_C_plus_plus:
    case DW_LANG_C_plus_plus_03:
    case DW_LANG_C_plus_plus_11:
    case DW_LANG_C_plus_plus_14:
    case 0x2b: /* C++17, C++20, C++23: numbers that came after DWARF 5 */
    case 0x2c:
    case 0x3a:
    case DW_LANG_ObjC_plus_plus:
    case DW_LANG_D:
    case DW_LANG_Rust:
    case 0x9000: /* Rust before it had a number */
        return true;
    default:
        return false;
    }
}

/* What one DIE says about its name. */
struct facts {
    const char *linkage, *name;
    uint32_t line;
    uint16_t tag;
    struct dwarf_value origin; /* DW_AT_abstract_origin or DW_AT_specification */
};

static uint32_t cut(uint64_t line)
{
    return line > UINT32_MAX ? 0 : (uint32_t)line;
}

static bool read_facts(const struct dwarf_unit *unit, uint64_t die, struct facts *out)
{
    *out = (struct facts){0};
    struct cursor c = dwarf_unit_cursor(unit, die);
    const struct dwarf_abbrev *abbrev = dwarf_abbrevs_find(unit->abbrevs, cursor_uleb(&c));
    if (!abbrev || !abbrev->is_readable)
        return false;
    out->tag = abbrev->tag;
    struct cursor attrs = dwarf_abbrev_attrs(unit->abbrevs, abbrev);
    struct dwarf_attr attr;
    while (dwarf_attr_next(&attrs, &attr)) {
        switch (attr.name) {
        case DW_AT_linkage_name:
        case DW_AT_MIPS_linkage_name:
            out->linkage = dwarf_form_read(&c, unit, attr.form, attr.implicit).text;
            break;
        case DW_AT_name:
            out->name = dwarf_form_read(&c, unit, attr.form, attr.implicit).text;
            break;
        case DW_AT_decl_line:
            out->line = cut(dwarf_form_read(&c, unit, attr.form, attr.implicit).number);
            break;
        case DW_AT_abstract_origin:
        case DW_AT_specification:
            out->origin = dwarf_form_read(&c, unit, attr.form, attr.implicit);
            break;
        default:
            dwarf_form_skip(&c, attr.form, unit->shape);
            break;
        }
    }
    return !cursor_failed(&c);
}

/* The scopes of a unit that was walked for them alone; NULL: too much to walk. */
static const struct dwarf_scopes *other_scopes(struct dwarf_code *code,
                                               const struct dwarf_unit *unit)
{
    for (uint32_t i = 0; i < code->n_others; i++) {
        if (code->others[i]->unit == unit)
            return code->others[i];
    }
    const uint64_t size = unit->end - unit->offset;
    if (size > code->others_budget)
        return NULL;
    code->others_budget -= size;
    struct dwarf_scopes *scopes = base_alloc(1, sizeof *scopes);
    dwarf_scopes_read(unit, scopes);
    code->others = base_grow(code->others, &code->cap_others, (size_t)code->n_others + 1,
                             sizeof *code->others);
    code->others[code->n_others++] = scopes;
    return scopes;
}

static bool find_scope(const struct dwarf_scopes *scopes, uint32_t die, uint32_t *scope)
{
    uint32_t low = 0, high = scopes->n_plains;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (scopes->plains[middle].die < die)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == scopes->n_plains || scopes->plains[low].die != die)
        return false;
    *scope = scopes->plains[low].scope;
    return true;
}

/* A scope's part of a name; NULL: it has none. */
static const char *scope_name(const struct dwarf_unit *unit, uint32_t die)
{
    struct facts facts;
    if (!read_facts(unit, unit->offset + die, &facts))
        return NULL;
    if (facts.tag == DW_TAG_namespace && (!facts.name || !facts.name[0]))
        return "(anonymous namespace)";
    return facts.name && facts.name[0] ? facts.name : NULL;
}

static const char *join(struct arena *arena, const char *const *innermost_first, uint32_t n)
{
    char text[MAX_NAME];
    size_t at = 0;
    for (uint32_t i = n; i-- > 0;) {
        const size_t length = strlen(innermost_first[i]);
        if (length + 2 > sizeof text - at)
            return innermost_first[0];
        memcpy(text + at, innermost_first[i], length);
        at += length;
        if (i > 0) {
            memcpy(text + at, "::", 2);
            at += 2;
        }
    }
    return arena_text(arena, span_make(text, at));
}

/* The name of the function at `die` of `unit` behind the names of what it is in. */
static const char *qualify(struct dwarf_code *code, const struct dwarf_unit *unit, uint64_t die,
                           const char *name)
{
    const uint32_t language = unit->language ? unit->language : code->unit->language;
    if (!dwarf_language_is_scoped(language))
        return name;
    const uint32_t at = (uint32_t)(die - unit->offset);
    const struct dwarf_scopes *scopes = &code->scopes;
    uint32_t scope;
    /* The walk passes over classes: what is in one takes a walk of its own, once. */
    if (scopes->unit != unit || !find_scope(scopes, at, &scope)) {
        scopes = other_scopes(code, unit);
        if (!scopes || !find_scope(scopes, at, &scope))
            return name;
    }
    const char *texts[MAX_NAME_TEXTS] = {name};
    uint32_t n = 1;
    for (uint32_t i = 0; scope != DWARF_NONE && i < MAX_SCOPES; i++) {
        const char *text = scope_name(unit, scopes->scopes[scope].die);
        if (text)
            texts[n++] = text;
        scope = scopes->scopes[scope].parent;
    }
    return n > 1 ? join(code->arena, texts, n) : name;
}

static uint32_t add_name(struct dwarf_code *code, struct dwarf_name name)
{
    code->names =
        base_grow(code->names, &code->cap_names, (size_t)code->n_names + 1, sizeof *code->names);
    code->names[code->n_names] = name;
    return code->n_names++;
}

/* Follows the chain from a DIE, whose own facts are `facts`, to its end. */
static struct dwarf_name follow(struct dwarf_code *code, const struct dwarf_unit *unit,
                                uint64_t die, struct facts facts)
{
    struct dwarf_name out = {0};
    const char *name = NULL, *linkage = NULL;
    for (unsigned i = 0; i < MAX_LINKS; i++) {
        name = name ? name : facts.name;
        linkage = linkage ? linkage : facts.linkage;
        out.line = out.line ? out.line : facts.line;
        if (linkage && out.line)
            break;
        const struct dwarf_unit *next = dwarf_unit_of(unit, &facts.origin);
        const uint64_t next_die = facts.origin.number;
        if (!next || !read_facts(next, next_die, &facts))
            break;
        unit = next;
        die = next_die;
    }
    if (linkage && linkage[0]) {
        out.text = linkage;
        out.is_linkage = true;
    } else if (name && name[0]) {
        out.text = qualify(code, unit, die, name);
        out.is_linkage = is_plain(unit->language ? unit->language : code->unit->language);
    }
    return out;
}

/* Two files' DIEs can have one offset. */
static uint64_t key_of(const struct dwarf_code *code, const struct dwarf_unit *unit, uint64_t die)
{
    return die << 1 | (unit->file != code->unit->file);
}

const struct dwarf_name *dwarf_name_of(struct dwarf_code *code, struct dwarf_node *node)
{
    if (node->name)
        return &code->names[node->name - 1];
    const struct dwarf_unit *unit = code->unit;
    uint64_t die = unit->offset + node->die;
    struct facts facts;
    uint32_t at;
    if (!read_facts(unit, die, &facts)) {
        at = add_name(code, (struct dwarf_name){0});
        node->name = at + 1;
        return &code->names[at];
    }
    /* Calls of one function share its name: what says nothing itself stands for its origin. */
    const struct dwarf_unit *origin = NULL;
    if (!facts.linkage && !facts.name && !facts.line)
        origin = dwarf_unit_of(unit, &facts.origin);
    if (origin) {
        unit = origin;
        die = facts.origin.number;
    }
    bool is_new;
    at = idmap_add(&code->names_at, key_of(code, unit, die), code->n_names, &is_new);
    if (is_new) {
        struct dwarf_name name = {0};
        if (!origin || read_facts(unit, die, &facts))
            name = follow(code, unit, die, facts);
        (void)add_name(code, name);
    }
    node->name = at + 1;
    return &code->names[at];
}
