/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Private to object/: what its files share about one ELF file on disk. */
#pragma once

#include <gelf.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/cache.h"
#include "base/cursor.h"
#include "object/dwarf.h"
#include "object/object.h"

/* ---- compressed sections -----------------------------------------------------------------------
 */

struct packed {
    struct span stream;
    uint64_t size; /* of the contents; possible for such a stream */
    bool is_zstd;
};

/* False where the header is none, or claims what cannot be. The old one is that of .zdebug_
 * sections. */
bool packed_read_header(struct span contents, enum cursor_order order, bool is_64,
                        struct packed *out);
bool packed_read_old_header(struct span contents, struct packed *out);
/* To `size` bytes; false where the stream does not hold exactly as many. */
bool packed_unpack(const struct packed *packed, char *to) CHECKED;

/* What is in an .xz stream, to be freed; NULL where it is damaged or too large. */
char *unpack_xz(struct span stream, size_t *n) CHECKED;

struct unpacked {
    size_t section;
    struct packed packed;
    char *bytes;      /* NULL: not tried yet, or damaged */
    const char *kept; /* instead: in the file's `kept`; NULL: not there */
    bool is_done;
};

/* One ELF file, opened by libelf; its descriptor is closed again at once, so that thousands of
 * split units may be open. Sections are handed out uncompressed, within the file's bounds; one that
 * is damaged is empty. A zeroed struct is closed. */
struct elf_file {
    char *path;
    Elf *elf;     /* NULL: no ELF file */
    char *memory; /* where it is no file of its own: its bytes */
    GElf_Ehdr header;
    enum cursor_order order;
    bool is_64;
    uint64_t device, inode;    /* which file it is, by whatever name */
    uint64_t size, changed;    /* in bytes; when, in nanoseconds */
    unsigned threads;          /* to unpack with; 0: one a processor */
    const char *cache;         /* a folder for unpacked sections; NULL: none. Borrowed */
    struct cached kept;        /* what was found there */
    struct unpacked *unpacked; /* compressed sections that were asked for */
    uint32_t n_unpacked, unpacked_cap;
    char **places; /* where its debug file was looked for */
    uint32_t n_places, places_cap;
    uint32_t refused; /* the place, counted from 1, of one that did not belong to it; 0: none */
};

/* Error (ERROR_SYSTEM) where the file cannot be read; anything else that is no ELF opens, without
 * sections. */
bool elf_file_open(const char *path, struct elf_file *out, struct error *err) CHECKED;
void elf_file_close(struct elf_file *file);
/* The small ELF file with a symbol table that is packed into a section of a stripped one. */
bool elf_file_open_inner(struct elf_file *outer, struct elf_file *out) CHECKED;
/* By name; the old spelling of compressed sections (.zdebug_info for .debug_info) will do. */
struct span elf_file_section(struct elf_file *file, const char *name);
struct span elf_file_contents(struct elf_file *file, Elf_Scn *scn);
struct span elf_file_whole(const struct elf_file *file);
struct span elf_file_build_id(struct elf_file *file);
/* Bytes that say which file it is: build ID, size, time. */
void elf_file_identify(struct elf_file *file, struct buf *to);
void elf_file_dwarf_sections(struct elf_file *file, bool is_split, struct dwarf_sections *out);
bool elf_file_has_dwarf(struct elf_file *file);

/* Unpacked sections from an earlier run, of those that were asked for: all of them, or false. */
bool section_cache_load(struct elf_file *file) CHECKED;
/* From bytes that were kept, while they stay. */
bool section_cache_take(struct elf_file *file, struct span bytes) CHECKED;
/* Keeps those that are unpacked for a later run, if anything; `most` bytes in the whole folder. */
void section_cache_store(struct elf_file *file, uint64_t most);

/* Finds the separate debug file of `file` by path, .gnu_debuglink (with its CRC) and build ID.
 * False: there is none. */
bool debug_file_find(struct elf_file *file, const struct object_options *options,
                     struct notes *notes, struct elf_file *out) CHECKED;
/* Finds the file that .gnu_debugaltlink names. */
bool debug_file_find_alt(struct elf_file *file, const struct object_options *options,
                         struct notes *notes, struct elf_file *out) CHECKED;
/* The .dwo of a skeleton unit; `object` is where else it may lie beside. */
bool debug_file_find_split(const char *object, const char *comp_dir, const char *name,
                           struct elf_file *out) CHECKED;

/* Slots of the procedure linkage table. `name` is that of the function they lead to, borrowed from
 * the file; NULL: it is decided at run time, by the code at `function`. */
typedef void plt_fn(void *payload, uint64_t slot, uint64_t size, const char *name,
                    uint64_t function);
void plt_walk(struct elf_file *file, plt_fn *fn, void *payload);

/* Symbols that can name code (docs/symbols.md), sorted. `debug` may be NULL. Names are borrowed
 * from the files. */
struct symbol_table;
struct symbol_table *symbol_table_new(struct elf_file *code, struct elf_file *debug) CHECKED;
void symbol_table_free(struct symbol_table *table); /* NULL is allowed */
uint32_t symbol_table_count(const struct symbol_table *table);
bool symbol_table_find(struct symbol_table *table, uint64_t address, struct object_symbol *out);
void symbol_table_walk(struct symbol_table *table, object_function_fn *fn, void *payload);

/* Symbols of any kind that lie in a section, by value. Names are borrowed from the files. */
struct label_table;
struct label_table *label_table_new(struct elf_file *code, struct elf_file *debug) CHECKED;
void label_table_free(struct label_table *table); /* NULL is allowed */
bool label_table_find(const struct label_table *table, uint64_t address, const char **name,
                      uint64_t *value);
