/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Gives every address of a profile its frames, asking sources in order: names that came with the
 * profile, then ELF files. Addresses go to a source in sorted batches, one a module; each distinct
 * name is demangled and shortened once. What one source leaves open goes to the next. */
#pragma once

#include "base/arena.h"
#include "object/object.h"
#include "profile/profile.h"

/* How much of a function's name reports show. */
enum name_style {
    NAMES_SHORT,   /* no arguments, no template arguments, no return type */
    NAMES_CLASS,   /* of that the last scope and what is in it: Class::method */
    NAMES_FULL,    /* all that was said */
    NAMES_MANGLED, /* as the linker knows it */
};
struct naming {
    enum name_style style;
    bool keep_templates; /* NAMES_SHORT, NAMES_CLASS: leave template arguments where they are */
};

/* By the name that --names takes; false: there is no such style. */
bool name_style_find(struct span name, enum name_style *style) CHECKED;

/* Files whose paths began with `from` when they were profiled now lie at `to`. */
struct path_map {
    const char *from, *to;
};

/* Servers that have programs and debug files by build ID. */
struct debuginfod_options {
    const char *const *urls;    /* NULL-terminated */
    const char *folder;         /* where what they sent is kept */
    uint64_t timeout, patience; /* seconds: for one file, and for its next 100 KB */
    uint64_t limit;             /* bytes of one file */
    const char *ca_file;        /* as in net.h */
    bool is_insecure;
};

struct symbolize_options {
    const char *program;         /* path as given; NULL: the mapping that is marked, or guessed */
    const char *const *prefixes; /* --lib_prefix, NULL-terminated; NULL: none */
    const char *const *stores;   /* PPROF_BINARY_PATH, likewise */
    const struct path_map *path_maps; /* --map, up to a row without `from`; NULL: none */
    const char *const *perf_maps; /* files like /tmp/perf-PID.map, NULL-terminated; NULL: none */
    bool force;                   /* also files of another build than the profile's */
    const struct debuginfod_options *debuginfod; /* NULL: nobody is asked */
    const char *add_lib; /* one more image, at its link-time addresses; NULL: none */
    struct naming naming;
    unsigned threads; /* 0: one a processor */
    struct object_options object;
};

/* The objects of one analysis, each opened once. Index image_ix of struct symbols. */
struct object_set;
struct object_set *object_set_new(void) CHECKED;
void object_set_free(struct object_set *set);
struct object *object_set_at(const struct object_set *set,
                             image_ix image); /* NULL: could not open */

/* Fills `out` for every address. One unreadable module is a note, "PATH: No such file or
 * directory": it fails only where `progress` says that nobody waits any more. */
bool symbolize(const struct profile *profile, const struct symbolize_options *options,
               const struct progress *progress, struct object_set *objects, struct symbols *out,
               struct notes *notes, struct error *err) CHECKED;

/* The file of a module that the profile knows by `path` and, in hex, build ID (or ""): where
 * options say that files lie, else where it was. If there is none, or none of this build, the path
 * where it should be. The arena's; `tried`, unless NULL, hears of each place. */
typedef void locate_tried_fn(void *to, const char *path);
const char *symbolize_locate(const struct symbolize_options *options, struct arena *arena,
                             const char *path, struct span build_id, locate_tried_fn *tried,
                             void *to) CHECKED;

/* The demangled name (C++, Rust, D; anything else as it is, control bytes replaced) and its short
 * form: argument lists, template arguments (unless kept) and return types cut off, docs/symbols.md.
 * Texts go to the strings table. */
str_id name_demangle(struct strings *strings, const char *raw);
str_id name_shorten(struct strings *strings, str_id full, bool keep_templates);
/* What reports show of a name; `raw` is NULL where only the full form is known. */
str_id name_show(struct strings *strings, const char *raw, str_id full, struct naming naming);
