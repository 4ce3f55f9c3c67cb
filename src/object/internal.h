/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Private to object/: what its files share about one ELF file on disk. */
#pragma once

#include <gelf.h>

#include "base/arena.h"
#include "base/cursor.h"
#include "object/dwarf.h"
#include "object/object.h"

/* One ELF file, opened by libelf. Sections are handed out uncompressed, within the file's bounds; one that
 * is damaged is empty. */
struct elf_file {
    char *path;
    int fd;
    Elf *elf; /* NULL: no ELF file */
    GElf_Ehdr header;
    enum cursor_order order;
    bool is_64;
};

bool elf_file_open(const char *path, struct elf_file *out, struct error *err) CHECKED;
void elf_file_close(struct elf_file *file);
struct span elf_file_section(struct elf_file *file, const char *name);
struct span elf_file_build_id(struct elf_file *file);
void elf_file_dwarf_sections(struct elf_file *file, bool is_split, struct dwarf_sections *out);

/* Finds the separate debug file of `file` by path, .gnu_debuglink (with its CRC) and build ID. False:
 * there is none. */
bool debug_file_find(struct elf_file *file, const char *const *debug_dirs, struct notes *notes,
                     struct elf_file *out);

/* Symbols that can name code (docs/symbols.md), sorted. */
struct symbol_table;
struct symbol_table *symbol_table_new(struct elf_file *code, struct elf_file *debug) CHECKED;
void symbol_table_free(struct symbol_table *table);
