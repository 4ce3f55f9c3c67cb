/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Answers for one ELF file: where a file offset lies, which symbol covers an address, which frames
 * (function, file, line, inlined calls) DWARF gives for a sorted batch of addresses, which bytes
 * are the code. Names and lines may come from a separate debug file; code and segments never do.
 * All addresses are link-time addresses of the object. A damaged file costs its names, never the
 * program's life.
 *
 * Text in answers is borrowed from the object and lives as long as it does. Two threads may use two
 * objects at once; opening happens on one thread. */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"

struct object;

/* Who may have debug files that are nowhere on this machine. */
struct object_fetcher {
    /* The path of the debug file of a build ID, borrowed for as long as the fetcher; NULL: none. */
    const char *(*fetch)(void *to, struct span build_id, const char *of, struct notes *notes);
    void *to;
    const char *name; /* what it is called among the places that were looked at */
};

struct object_options {
    const char *const *debug_dirs; /* NULL-terminated; NULL: /usr/lib/debug */
    const char *sysroot;           /* paths in it are looked for in debug_dirs too; NULL: none */
    bool force;                    /* also debug files of another build */
    unsigned threads;              /* for one batch; 0: one a processor */
    const char *cache;             /* a folder to keep unpacked sections in; NULL: none */
    const struct object_fetcher *fetcher; /* asked last; outlives the object. NULL: nobody */
};

/* Opens path. Notes tell of debug files that do not fit or cannot be read. An existing file that is
 * no ELF opens too: it has no symbols. Error (ERROR_SYSTEM) where it cannot be read: "PATH:
 * reason". */
bool object_open(const char *path, const struct object_options *options, struct notes *notes,
                 struct object **out, struct error *err) CHECKED;
void object_close(struct object *object); /* NULL is allowed */

const char *object_path(const struct object *object);
const char *object_debug_path(
    const struct object *object); /* where names come from; may be the same */
struct span object_build_id(const struct object *object); /* raw bytes, empty where there is none */
bool object_is_elf(const struct object *object);
bool object_is_movable(const struct object *object); /* ET_DYN */
bool object_has_symbols(struct object *object);      /* functions known from any table or DWARF */

/* Bytes that are others whenever the object's names might be: which files they are from. False:
 * that cannot be told (a file has no build ID, or there are more than two), or what there is to
 * read is smaller than `worth`. */
bool object_identify(struct object *object, uint64_t worth, struct buf *to) CHECKED;

/* Where names come from, for people who miss some. */
struct object_facts {
    bool has_symtab, has_dynsym;
    const char *dwarf_path; /* the file with DWARF; NULL: none has any */
    uint32_t n_units;
    unsigned dwarf_low, dwarf_high; /* the versions of its units, from and to */
    const char *packed;        /* "zlib" or "zstd" where its sections are; NULL: they are not */
    uint32_t n_split;          /* units whose contents are in files of their own */
    uint32_t n_split_missing;  /* of those that were asked for: without them */
    const char *split_missing; /* the name of one; NULL */
    const char *package_path;  /* the .dwp that has them all; NULL */
    const char *shared_path;   /* the file that debug files share; NULL */
    bool lacks_shared;         /* there should be one */
    const char *refused;       /* a debug file of another build; NULL */
};
void object_describe(struct object *object, struct object_facts *out);
/* The places where a debug file was looked for, in this order; NULL behind the last one. */
const char *object_place(const struct object *object, uint32_t i);

/* The build ID of a file without opening the rest of it: at most `cap` bytes. False: none. */
bool object_read_build_id(const char *path, uint8_t *id, size_t cap, size_t *n) CHECKED;

/* By the program headers: the link-time address of a file offset; whether an address lies in code.
 */
bool object_address_of(const struct object *object, uint64_t file_offset, uint64_t *address);
bool object_covers(const struct object *object, uint64_t address);

struct object_symbol {
    const char *name;  /* raw, without @VERSION; of aliases the one docs/symbols.md prefers */
    const char *alias; /* of the same value, the one that `nm -n` would have shown; may be `name` */
    bool alias_is_tagged; /* nm's name would have carried <VALUE> */
    uint64_t value, size; /* size 0: up to the next symbol */
};

/* The symbol that covers an address: value <= address < value + size; else, where the object has a
 * .symtab or the symbol has no size, the nearest one before in the same section. */
bool object_symbol(struct object *object, uint64_t address, struct object_symbol *out);

/* Every function, by value: for listings. `fn` returns false to stop. */
typedef bool object_function_fn(void *payload, const struct object_symbol *symbol, uint64_t low,
                                uint64_t high);
void object_functions(struct object *object, object_function_fn *fn, void *payload);

/* The nearest symbol at or below an address in its section, data too: for operands of instructions.
 * The name is raw, @VERSION and all. */
bool object_label(struct object *object, uint64_t address, const char **name, uint64_t *value);

/* The bytes at [low, high) of the object's own code; shorter where it ends. Valid until
 * object_close. */
struct span object_code(struct object *object, uint64_t low, uint64_t high);
const char *object_machine(const struct object *object, bool *is_64,
                           bool *is_little); /* "x86-64" */

struct object_frame {
    const char *name; /* linkage name, else the name qualified by its namespaces; NULL unknown */
    bool is_linkage_name; /* as the linker knows it: also in languages that do not mangle names */
    const char *file;     /* joined path; NULL unknown */
    uint32_t line;        /* 0 unknown */
    uint32_t func_line;
};

/* Frames of a sorted batch: address i has frames[at[i]] .. frames[at[i + 1] - 1], innermost first,
 * the last one the physical function (its name NULL where only lines are known). None: DWARF is
 * silent. */
struct object_answer {
    uint32_t *at;
    struct object_frame *frames;
};

/* Damage in DWARF costs the unit it is in, with a note. Never fails as a whole. */
void object_frames(struct object *object, const uint64_t *sorted, uint32_t n,
                   const struct progress *progress, struct notes *notes, struct object_answer *out);
void object_answer_free(struct object_answer *answer);
