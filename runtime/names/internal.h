/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One file and its functions. Everything that the file says is held against its size, and the table
 * is only used if the file is the one that is mapped. */
#pragma once

#include "names/names.h"

struct names_symbol {
    uint64_t value, size;
    uint32_t name; /* offset in the strings */
    uint16_t section;
    uint8_t is_function; /* not merely without a type */
};

struct names_segment {
    uint64_t offset, size, address;
};

struct names_table {
    struct names_symbol *symbols; /* by value */
    size_t n_symbols, symbols_size;
    char *strings; /* ends in NUL */
    size_t n_strings, strings_size;
    struct names_segment *segments;
    size_t n_segments;
    bool is_full; /* .symtab; false: only what the file offers to others */
};

/* The table of a file, or of an image in memory (path NULL) that begins at an address. mapped:
 * where the file's first bytes are mapped, 0 if nowhere. False: no file, no ELF file, no table, or
 * not the file that is mapped. */
bool table_read(struct names_table *table, const char *path, uintptr_t mapped);
void table_free(struct names_table *table);
/* By an address as the file has it. */
const struct names_symbol *table_find(const struct names_table *table, uint64_t address);
/* The file's address for an offset in it. */
bool table_address(const struct names_table *table, uint64_t offset, uint64_t *address);
