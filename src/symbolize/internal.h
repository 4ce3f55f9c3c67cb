/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Private to symbolize/: one run over one profile. Images are planned first (image.c), then the
 * sources are asked in turn for what is still open (symbolize.c has the table), each answers
 * through resolver_name; names.c keeps every distinct name once. */
#pragma once

#include "base/arena.h"
#include "base/idmap.h"
#include "symbolize/symbolize.h"

/* ---- names (names.c) ----------------------------------------------------------------------------
 */

struct name {
    str_id full, brief;
    str_id shown; /* in the style that is wanted; mostly the brief one */
};

/* What was demangled and shortened already. Raw names are known by their address: they are borrowed
 * from objects that stay open. Zero, with its strings set, is a valid empty cache. */
struct name_cache {
    struct strings *strings;
    struct naming naming;
    struct name *names;
    uint32_t n, cap;
    struct idmap by_raw, by_full; /* to place in names */
    struct idmap by_text;         /* NAMES_MANGLED: the same, by the raw name's text */
    struct idmap texts;           /* texts that are no names, by their address */
    struct idmap clean;           /* the same, by what they were before they were cleaned */
    struct idmap pairs; /* (full, full) to whether the second begins with the first's brief */
};

/* Control bytes are no part of names and paths: what is kept here is one line. */
struct name name_of_raw(struct name_cache *cache, const char *raw);
str_id text_of_raw(struct name_cache *cache, const char *raw); /* as it is: a path */
str_id text_of_id(struct name_cache *cache, str_id text);      /* likewise */
struct name name_of_full(struct name_cache *cache, str_id full);
/* Whether b's full name begins with a's brief one: then a symbol called b is what DWARF calls a. */
bool name_is_spelled(struct name_cache *cache, struct name a, struct name b);
void name_cache_free(struct name_cache *cache);

/* ---- frames (symbolize.c) -----------------------------------------------------------------------
 */

/* Each frame once. A zeroed struct is empty. */
struct frame_table {
    struct frame *frames;
    uint32_t n, cap;
    struct idmap of; /* hash of a frame to its place */
};
frame_ix frame_table_add(struct frame_table *table, const struct frame *frame);
void frame_table_free(struct frame_table *table);

/* ---- the run (symbolize.c) ----------------------------------------------------------------------
 */

/* An image that addresses are looked up in. */
struct planned_image {
    const char *path; /* as opened */
    str_id build_id;  /* hex, what it must be, or "" */
    str_id told_id;   /* what the profile says */
    bool is_program, is_add_lib, is_deleted;
    bool is_sampled; /* the profile has addresses in it that have no name yet */
    bool has_symbols;
    str_id wanted, found_id, trouble; /* see struct image */
    uint32_t place, n_places;
    struct object *object; /* NULL: not there, or another build; the object_set owns it */
};

struct resolver {
    const struct profile *profile;
    const struct symbolize_options *options;
    const struct progress *progress;
    struct notes *notes;
    struct object_set *objects;
    struct arena *arena; /* paths */
    struct name_cache names;

    struct planned_image *images;
    uint32_t n_images, images_cap;
    str_id *places; /* where images were looked for */
    uint32_t n_places, places_cap;

    image_ix *addr_image; /* by address */
    uint64_t *addr_place;
    uint8_t *addr_state;  /* enum address_state, or STATE_OPEN */
    uint32_t *addr_first; /* in `pool` */
    uint32_t *addr_count;
    frame_ix *pool;
    uint32_t n_pool, pool_cap;

    struct frame_table frames;

    uint32_t n_done; /* addresses, for progress */
};

enum { STATE_OPEN = UINT8_MAX };

/* One place to get names from. */
struct symbol_source {
    const char *name;
    bool (*accepts)(const struct resolver *r);
    void (*resolve)(struct resolver *r); /* those addresses in STATE_OPEN that it knows */
};
extern const struct symbol_source source_embedded, source_perf_map, source_elf;

/* Frames for an address, innermost first: begin, add each, end. One address at a time. */
void resolver_begin(struct resolver *r, addr_ix addr);
void resolver_add(struct resolver *r, addr_ix addr, const struct frame *frame);
/* The frame at a place in the pool once more. */
void resolver_add_again(struct resolver *r, addr_ix addr, uint32_t place);
void resolver_end(struct resolver *r, addr_ix addr, enum address_state state);
/* One frame, "0x" and the address as the profile has it. */
void resolver_unnamed(struct resolver *r, addr_ix addr, str_id file, uint32_t line);

/* ---- debuginfod (debuginfod.c) ----------------------------------------------------------------
 */

/* A client for as long as objects may ask for files: the options are copied, `progress` is
 * borrowed. */
struct debuginfod;
struct debuginfod *debuginfod_new(const struct debuginfod_options *options,
                                  const struct progress *progress) CHECKED;
void debuginfod_free(struct debuginfod *d); /* NULL is allowed */
/* The path of the file of a build ID, in hex: the "executable" or the "debuginfo"; NULL where
 * nobody has it, and for no client. Notes say why, and that it was wanted for the file `of`.
 * Borrowed from the client. */
const char *debuginfod_find(struct debuginfod *d, struct span build_id, const char *kind,
                            const char *of, struct notes *notes) CHECKED;

/* ---- images (image.c) -------------------------------------------------------------------------
 */

/* Which image each address belongs to, and opens those that have one. An unreadable file is a note
 * only where an address waits for it. */
void images_plan(struct resolver *r);
void object_set_put(struct object_set *set, struct object *object); /* takes it; NULL is allowed */
/* Takes whom the set's objects ask for files; once. */
void object_set_ask(struct object_set *set, struct debuginfod *debuginfod);
