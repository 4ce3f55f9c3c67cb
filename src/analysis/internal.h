/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of analysis share and nobody else sees. */
#pragma once

#include "analysis/analysis.h"

struct loaded {
    struct profile profile;
    int sign;
    bool is_of_setting; /* --base, and not loaded by somebody */
    bool has_program;   /* profile_find_program has been there */
};

/* The settings that merged profile and symbols depend on. */
struct made_with {
    bool drop_negative, no_strip_temp;
    char *base, *add_lib, *lib_prefix;
};

struct analysis {
    struct arena *arena; /* lives as long as the analysis */
    struct options options;
    struct settings settings;
    struct strings *strings;
    struct limits limits;
    struct notes notes;
    struct progress progress;

    char *program; /* as given; NULL: none */
    char *clash;   /* see analysis_clash */
    struct loaded *loaded;
    uint32_t n_loaded, cap_loaded;

    struct regex *focus, *ignore;
    char *focus_text, *ignore_text; /* what they were made of */

    bool is_ready;
    struct made_with made_with;
    const char *shown_program; /* for titles */
    struct profile merged;     /* unless `profile` is a loaded one */
    const struct profile *profile;
    struct object_set *objects;
    struct symbols symbols;
};

char *text_copy(const char *text) CHECKED; /* NULL stays NULL; base_free frees it */
bool text_same(const char *a, const char *b);

/* Drops what was made of the loaded profiles. */
void analysis_forget(struct analysis *analysis);
/* Subtracts --base, merges and symbolizes, if that is still to do. */
bool analysis_prepare(struct analysis *analysis, struct error *err) CHECKED;

/* Puts one value into the settings; a line in `complaints` where it is none. value.p NULL: none. */
bool option_apply(const struct option_use *use, struct span value, struct settings *settings,
                  struct buf *complaints) CHECKED;

/* Bounds what complaints about options may take: far beyond what a person would read. */
#define COMPLAINTS_MAX ((size_t)1 << 20)

/* Replaces control bytes, so that a name cannot drive a terminal. */
void text_clean(char *text, size_t n);
