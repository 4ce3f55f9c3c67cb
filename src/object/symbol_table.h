/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the table of symbols is made of, for the two files that fill and answer from it. */
#pragma once

#include "object/internal.h"

/* What comes after so many bytes of a name is not looked at: many symbols may share one endless
 * text. */
#define NAME_MAX_BYTES ((size_t)64 << 10)

struct symbol {
    uint64_t value, size;
    const char *name;
    uint32_t same_name; /* unknown until asked for: see `alias` */
    bool is_untyped;    /* functions are preferred to it */
    bool is_dynamic;    /* from .dynsym */
    bool is_text;       /* nm says T or t */
    bool is_slot;       /* see plt_walk */
    bool is_chooser;    /* decides at run time which function it is */
    bool is_trimmed;    /* without @VERSION, as far as we know */
};

struct segment {
    uint64_t start;
    uint32_t symbol;
};

struct code_section {
    uint64_t low, high;
};

struct symbol_table {
    struct symbol *symbols;
    struct segment *segments;
    struct code_section *sections;
    uint32_t n_symbols, symbols_cap, n_segments, segments_cap, n_sections, sections_cap;
    uint32_t n_slots; /* of n_symbols, those that no table had */
    bool has_symtab;
    struct arena *arena; /* trimmed names */
};

/* Fills in symbols, slots and code sections, in the order that they have in the table. `debug` may
 * be NULL. */
void symbols_read(struct symbol_table *table, struct elf_file *code, struct elf_file *debug);
