/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Private to the DWARF reader: what its files share. The road of a batch: the unit headers are
 * listed (dwarf_unit.c); a table of address ranges says which units are touched (dwarf.c); each
 * touched unit is a job of its own that walks the DIEs (dwarf_die.c) and runs the line program
 * (dwarf_line.c) into sorted tables in the unit's own arena; names are read for the DIEs that were
 * hit (dwarf_name.c).
 *
 * Two threads meet only in dwarf_unit_open, which a lock guards: a unit that is open does not
 * change but by its own job. Work is bounded by what the input holds: every loop consumes bytes,
 * and what can be pointed at from many places (range lists, abbreviations, line programs) has a
 * budget. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include <dwarf.h>

#include "base/idmap.h"
#include "object/dwarf.h"

#define DWARF_NONE UINT32_MAX

/* Inlined calls nest a few dozen deep in real programs; deeper ones join the frame around them. */
#define DWARF_MAX_INLINE 512

struct dwarf_file;
struct dwarf_code;

/* What the size of a form depends on. */
struct dwarf_shape {
    uint8_t version, address_size, offset_size;
};

/* ---- values (dwarf_form.c) ---- */

enum dwarf_value_kind {
    DWARF_VALUE_NONE, /* a form that carries nothing we use, or a reference to nowhere */
    DWARF_VALUE_ADDRESS,
    DWARF_VALUE_NUMBER, /* constants, flags, section offsets */
    DWARF_VALUE_TEXT,
    DWARF_VALUE_REFERENCE,     /* offset in the .debug_info of the same file */
    DWARF_VALUE_REFERENCE_ALT, /* offset in the .debug_info of the alternate file */
    DWARF_VALUE_RANGES_INDEX
};

struct dwarf_value {
    enum dwarf_value_kind kind;
    uint64_t number;
    const char *text;
};

/* The size of a form where it is fixed, else -1. */
int dwarf_form_size(uint16_t form, struct dwarf_shape shape);
bool dwarf_form_is_known(uint64_t form);
/* Fails the cursor for a form that is unknown. */
void dwarf_form_skip(struct cursor *c, uint16_t form, struct dwarf_shape shape);

struct dwarf_unit;
/* `implicit`: the value of DW_FORM_implicit_const. Fails the cursor as dwarf_form_skip does. An
 * index that points outside its table gives DWARF_VALUE_NONE and leaves the cursor well. */
struct dwarf_value dwarf_form_read(struct cursor *c, const struct dwarf_unit *unit, uint16_t form,
                                   int64_t implicit);
/* The same in a line table's header, which has a shape of its own and may be read before the unit
 * is known. */
struct dwarf_value dwarf_form_read_shaped(struct cursor *c, const struct dwarf_unit *unit,
                                          struct dwarf_shape shape, uint16_t form,
                                          int64_t implicit);
/* Entry `index` of the unit's part of .debug_addr. */
bool dwarf_address_at(const struct dwarf_unit *unit, uint64_t index, uint64_t *address);
/* The text at an offset of a string section; NULL outside. */
const char *dwarf_text_at(struct span strings, uint64_t offset);

/* ---- abbreviations (dwarf_abbrev.c) ---- */

struct dwarf_attr {
    uint16_t name, form;
    int64_t implicit;
};

/* What the walk does at a DIE. */
enum dwarf_kind {
    DWARF_KIND_OTHER, /* holds no code: passed over, with its children where DW_AT_sibling says how
                       */
    DWARF_KIND_BLOCK, /* may hold code */
    DWARF_KIND_SCOPE, /* a namespace or module: the same, and names what is in it */
    DWARF_KIND_TYPE,  /* a class: names what is in it, passed over like OTHER */
    DWARF_KIND_FUNCTION, /* DW_TAG_subprogram */
    DWARF_KIND_INLINED   /* DW_TAG_inlined_subroutine */
};

enum dwarf_want {
    DWARF_WANT_NOTHING, /* a form without a fixed size that must be passed over */
    DWARF_WANT_SIBLING,
    DWARF_WANT_LOW,
    DWARF_WANT_HIGH,
    DWARF_WANT_RANGES,
    DWARF_WANT_CALL_FILE,
    DWARF_WANT_CALL_LINE
};

/* An abbreviation compiled for the walk: pass over `before` bytes, then do one thing; behind the
 * last step `tail` bytes are left. Runs of attributes that nobody wants melt into `before`. */
struct dwarf_step {
    uint32_t before;
    int32_t implicit; /* of DW_FORM_implicit_const; 0 where it is too large for us */
    uint16_t form;
    uint8_t want; /* enum dwarf_want */
};

struct dwarf_abbrev {
    uint64_t code;
    uint32_t attrs_at; /* in the table's bytes */
    uint32_t steps_at, n_steps;
    uint32_t tail;
    uint16_t tag;
    uint8_t kind; /* enum dwarf_kind */
    bool has_children, has_sibling;
    bool has_code;    /* an attribute that says where code lies */
    bool is_plain;    /* a function without linkage name, origin and specification */
    bool is_readable; /* all forms are known */
};

struct dwarf_abbrevs {
    struct cursor bytes; /* over the table as it stands in the file */
    struct dwarf_abbrev *list;
    struct dwarf_step *steps;
    uint32_t n, n_steps;
    bool has_functions_with_code;
    struct idmap by_code; /* empty where list[i].code is i + 1 for all, as compilers write them */
};

/* NULL where the table is damaged (it does not end). Owned by the file it is from. */
struct dwarf_abbrevs *dwarf_abbrevs_read(struct span abbrev, uint64_t offset,
                                         enum cursor_order order, struct dwarf_shape shape,
                                         size_t *size) CHECKED;
void dwarf_abbrevs_free(struct dwarf_abbrevs *abbrevs);
/* For reading a DIE whole: a cursor over the attributes of its abbreviation, and the next of them.
 * False: there are no more. */
struct cursor dwarf_abbrev_attrs(const struct dwarf_abbrevs *abbrevs,
                                 const struct dwarf_abbrev *abbrev);
bool dwarf_attr_next(struct cursor *attrs, struct dwarf_attr *out);
const struct dwarf_abbrev *dwarf_abbrevs_search(const struct dwarf_abbrevs *abbrevs, uint64_t code);

static inline const struct dwarf_abbrev *dwarf_abbrevs_find(const struct dwarf_abbrevs *abbrevs,
                                                            uint64_t code)
{
    if (code - 1 < abbrevs->n && abbrevs->list[code - 1].code == code)
        return &abbrevs->list[code - 1];
    return dwarf_abbrevs_search(abbrevs, code);
}

/* ---- files and units (dwarf_unit.c, dwarf_split.c) ---- */

struct dwarf_unit {
    struct dwarf_file *file;
    uint64_t offset, end; /* of the unit in .debug_info, its header included */
    uint64_t dies;        /* where its first DIE is */
    uint64_t abbrev_offset;
    uint64_t id; /* of a split unit and its skeleton */
    struct dwarf_shape shape;
    uint8_t type;        /* DW_UT_*; DW_UT_compile in DWARF 2 to 4 */
    atomic_bool is_open; /* what follows has been read */
    bool is_broken;      /* and cannot be used */
    bool has_id, has_low, has_lines, is_told, is_split_sought, has_line_budget;
    const struct dwarf_abbrevs *abbrevs;
    uint64_t low; /* where range lists start from */
    struct dwarf_value high, ranges;
    uint64_t lines; /* DW_AT_stmt_list */
    uint64_t addr_base, str_offsets_base, rnglists_base, ranges_base;
    uint64_t own_ranges_base; /* DW_AT_GNU_ranges_base: for the split unit, not for this one */
    const char *comp_dir, *dwo_name;
    uint32_t language;
    const struct dwarf_unit *skeleton; /* of a split unit */
    struct dwarf_unit *split;          /* of a skeleton unit, once found */
    const char *damage;                /* the first thing that was wrong */
    struct dwarf_code *code;           /* of the unit that claims the addresses; NULL: not read */
};

/* One set of sections and the units in it: the object's own, the alternate file's, or a split
 * unit's. */
struct dwarf_file {
    struct dwarf *dwarf;
    struct dwarf_sections sections;
    struct dwarf_file *alt;
    struct dwarf_unit *units; /* by offset */
    uint32_t n_units, cap_units;
    struct idmap tables_at; /* offset and shape to place in tables */
    struct dwarf_abbrevs **tables;
    uint32_t n_tables, cap_tables;
    uint64_t abbrev_budget; /* bytes of .debug_abbrev that may still be compiled */
    const char *damage;     /* of the list of units, at damage_at */
    uint64_t damage_at;
    bool is_told;
};

struct dwarf_interval {
    uint64_t low, high; /* low < high */
    uint32_t what, depth;
};

/* Which interval covers an address best, as disjoint pieces: starts[i] up to starts[i + 1]. */
struct dwarf_segments {
    uint64_t *starts;
    uint32_t *whats; /* DWARF_NONE: a gap */
    uint32_t n;
};

struct dwarf {
    struct arena *arena; /* guarded by `lock` while jobs run */
    struct dwarf_file main, alt;
    bool has_alt;
    struct dwarf_files files;
    struct dwarf_file **splits; /* files of split units */
    uint32_t n_splits, cap_splits;
    pthread_mutex_t lock;
    bool has_claims;
    struct dwarf_segments claims;  /* from address to unit of `main` */
    uint64_t line_budget;          /* bytes of line programs that may still be run */
    struct dwarf_scratch *scratch; /* those that no job has; guarded by `lock` */
};

void dwarf_file_open(struct dwarf *dwarf, const struct dwarf_sections *sections,
                     struct dwarf_file *out);
void dwarf_file_close(struct dwarf_file *file);
struct dwarf_unit *dwarf_file_unit(const struct dwarf_file *file, uint64_t offset);

/* Reads the unit's first DIE, once. False: the unit cannot be used. */
bool dwarf_unit_open(struct dwarf_unit *unit);

/* A cursor over .debug_info that stands at `offset` and ends with the unit; offsets are the
 * section's. */
struct cursor dwarf_unit_cursor(const struct dwarf_unit *unit, uint64_t offset);

/* Finds and opens the split unit of a skeleton, once. On the thread that called dwarf_frames. */
void dwarf_unit_find_split(struct dwarf_unit *skeleton);

/* The unit that a reference leads to, opened; NULL: nowhere. */
const struct dwarf_unit *dwarf_unit_of(const struct dwarf_unit *from,
                                       const struct dwarf_value *reference);

/* ---- ranges (dwarf_ranges.c) ---- */

struct dwarf_intervals {
    struct dwarf_interval *list;
    uint32_t n, cap;
    uint64_t budget; /* how many more may be read */
};

struct dwarf_level;
struct dwarf_node;
struct dwarf_row;
struct dwarf_sequence;

/* Arrays that one job after the other fills: to ask the system for them again for each unit would
 * cost as much as to read it. */
struct dwarf_scratch {
    struct dwarf_scratch *next;
    struct dwarf_intervals intervals;
    struct dwarf_segments segments; /* of the intervals */
    struct dwarf_interval *sorting;
    const struct dwarf_interval **heap;
    struct dwarf_level *levels;
    struct dwarf_node *nodes;
    struct dwarf_row *rows;
    struct dwarf_sequence *sequences; /* by low */
    uint64_t *addresses;
    uint32_t n_rows, n_sequences;
    uint32_t cap_sorting, cap_heap, cap_starts, cap_whats, cap_levels, cap_nodes, cap_rows,
        cap_sequences, cap_addresses;
};

void dwarf_scratch_free(struct dwarf_scratch *scratch); /* and the ones behind it */

/* Whether this is what linkers write in place of the address of code that they threw away. */
bool dwarf_is_gone(uint64_t address, uint8_t address_size);
/* Adds one range unless it is empty or of code that the linker threw away. */
void dwarf_intervals_add(struct dwarf_intervals *intervals, uint64_t low, uint64_t high,
                         uint32_t what, uint32_t depth);
/* Adds those of a DW_AT_ranges. False: damaged, or the budget is spent. */
bool dwarf_intervals_read(struct dwarf_intervals *intervals, const struct dwarf_unit *unit,
                          const struct dwarf_value *ranges, uint32_t what, uint32_t depth);

/* Of overlapping intervals the deepest wins, then the smallest, then the smallest `what`
 * (at depth 0 the largest). Sorts
 * scratch->intervals, and makes scratch->segments of them. */
void dwarf_segments_make(struct dwarf_scratch *scratch);
uint32_t dwarf_segments_find(const struct dwarf_segments *segments, uint64_t address);

/* Addresses that are asked for, sorted. */
struct dwarf_wanted {
    const uint64_t *addresses;
    uint32_t n;
};

/* The place of the first one that is not below `address`; n: none. */
uint32_t dwarf_wanted_first(const struct dwarf_wanted *wanted, uint64_t address);

/* ---- what a unit's job leaves (dwarf_die.c, dwarf_line.c, dwarf_name.c) ---- */

/* A function's or an inlined call's DIE. `die` and all other offsets here count from the unit's
 * start. */
struct dwarf_node {
    uint32_t die;
    uint32_t parent; /* the node that it is inlined into; DWARF_NONE: a physical function */
    uint32_t call_file, call_line;
    uint32_t name;  /* place in names + 1; 0: not asked for yet */
    uint32_t depth; /* how many parents */
};

struct dwarf_scope {
    uint32_t die, parent; /* DWARF_NONE: the unit */
};

/* In which scope a function is that has no linkage name. */
struct dwarf_plain {
    uint32_t die, scope;
};

struct dwarf_scopes {
    const struct dwarf_unit *unit;
    struct dwarf_scope *scopes;
    struct dwarf_plain *plains; /* by die */
    uint32_t n_scopes, cap_scopes, n_plains, cap_plains;
};

struct dwarf_name {
    const char *text; /* NULL: unknown */
    bool is_linkage;  /* what the linker calls it, too */
    uint32_t line;
};

struct dwarf_row {
    uint64_t address;
    uint32_t file, line;
};

/* Rows of one run of machine code, by address; they end before `high`. */
struct dwarf_sequence {
    uint64_t low, high;
    uint64_t reach; /* the largest `high` of this and all before it */
    uint32_t first, n;
};

struct dwarf_source {
    const char *name;
    uint64_t dir;
    const char *path; /* joined when first asked for */
};

struct dwarf_lines {
    struct dwarf_source *sources; /* as DWARF counts them: from 1 before DWARF 5 */
    const char **dirs;            /* likewise; dirs[0] may be NULL */
    uint32_t n_sources, n_dirs;
    uint8_t version;
};

struct dwarf_code {
    struct arena *arena;
    struct dwarf_unit *unit;  /* the one with DIEs: a split unit, else the unit itself */
    struct dwarf_node *nodes; /* in the order of their DIEs */
    uint32_t n_nodes;
    bool has_skipped; /* the walk passed over functions, or over what may hold some */
    struct dwarf_lines lines;
    struct dwarf_scopes scopes;
    struct dwarf_scopes **others; /* of units that were walked for their scopes only */
    uint32_t n_others, cap_others;
    uint64_t others_budget; /* bytes of DIEs */
    struct dwarf_name *names;
    uint32_t n_names, cap_names;
    struct idmap names_at;
    const char *damage;
};

/* Walks the unit's DIEs, into functions that hold a wanted address; NULL: into every DIE, whatever
 * it is. Fills nodes and scratch->segments; damage leaves them empty. */
void dwarf_code_walk(struct dwarf_code *code, const struct dwarf_wanted *wanted,
                     struct dwarf_scratch *scratch);
/* The ranges of all functions of a unit whose first DIE has none. */
bool dwarf_unit_functions(struct dwarf_unit *unit, struct dwarf_scratch *scratch, uint32_t what,
                          uint32_t depth);
/* Which functions are in which scopes, by a walk into every DIE. */
void dwarf_scopes_read(const struct dwarf_unit *unit, struct dwarf_scopes *out);
void dwarf_scopes_free(struct dwarf_scopes *scopes);

/* The length of the line table at `offset`, header included; 0 where there is none. */
uint64_t dwarf_lines_size(const struct dwarf_unit *unit);
/* Runs the line program that `unit` (never a split one) names, into the scratch: the rows that
 * cover wanted addresses; NULL: all. False: *damage says why. */
bool dwarf_lines_read(const struct dwarf_unit *unit, const struct dwarf_wanted *wanted,
                      struct arena *arena, struct dwarf_scratch *scratch, struct dwarf_lines *out,
                      const char **damage);
/* The row that covers a wanted address; NULL: none. */
const struct dwarf_row *dwarf_lines_find(const struct dwarf_scratch *scratch, uint64_t address);
/* The path of a file number; NULL: unknown. */
const char *dwarf_lines_path(struct dwarf_lines *lines, struct arena *arena, const char *comp_dir,
                             uint64_t file);
/* The tables of directories and files between header and program, in both spellings. */
bool dwarf_sources_read(struct cursor *c, const struct dwarf_unit *unit, struct dwarf_shape shape,
                        struct arena *arena, struct dwarf_lines *out);

const struct dwarf_name *dwarf_name_of(struct dwarf_code *code, struct dwarf_node *node);
/* Whether functions of this language are called by the names of what they are in. */
bool dwarf_language_is_scoped(uint32_t language);
