/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of analysis share and nobody else sees. */
#pragma once

#include "analysis/analysis.h"
#include "base/file.h"

struct loaded {
    struct profile profile;
    int sign;
    bool is_of_setting; /* --base, and not loaded by somebody */
    bool has_program;   /* profile_find_program has been there */
};

/* The settings that merged profile and symbols depend on. */
struct made_with {
    bool drop_negative, normalize;
    struct naming naming;
    char *base, *add_lib;
    char *places; /* see places_key */
};

struct analysis {
    struct arena *arena; /* lives as long as the analysis */
    struct options options;
    struct settings settings;
    struct strings *strings;
    struct notes notes;
    struct progress progress;

    char *program; /* as given; NULL: none */
    char *clash;   /* see analysis_clash */
    struct loaded *loaded;
    uint32_t n_loaded, cap_loaded;

    struct filter {
        struct regex *regex;
        char *text; /* what it was made of */
    } focus, ignore, then_focus, then_ignore, retain, exclude, hide, show, show_from, prune_from;

    struct kept_view {
        struct arena *arena; /* NULL: there is none */
        struct view view;
        char *key; /* the settings that it was made of, as text */
        struct unnamed {
            double part, whole; /* samples that begin at a place without a name; all */
        } unnamed;
    } kept; /* by analysis_prepare */
    struct servers {
        char *folder;         /* for what is fetched; NULL: memory */
        const char *base;     /* of the server that names are asked of */
        const char *program;  /* what that one runs; NULL: names come from files */
        int64_t start;        /* when the first one was asked, seconds since 1970 */
        struct texts fetched; /* files */
        bool are_left;        /* see analysis_leave_servers */
    } servers;

    bool is_ready;
    bool is_ill;            /* see analysis_is_ill */
    struct unnamed unnamed; /* of the last report: see analysis_unnamed */
    struct made_with made_with;
    const char *shown_program; /* for titles */
    struct profile merged;     /* unless `profile` is a loaded one */
    const struct profile *profile;
    struct object_set *objects;
    struct symbols symbols;
};

/* Where files are looked for: into the rows of `out` that say so, for as long as the arena. */
void places_options(struct arena *arena, const struct settings *settings,
                    struct symbolize_options *out);
bool places_check(const struct settings *settings, struct error *err) CHECKED;
/* Whether the environment names debuginfod servers. */
bool places_has_servers(void);
/* $XDG_CACHE_HOME/NAME, or what stands for it; NULL: nothing does. */
const char *places_cache(struct arena *arena, const char *name);
/* All of that as one text, to be freed: equal texts are equal places. */
char *places_key(const struct settings *settings) CHECKED;
/* How names are shown. */
struct naming settings_naming(const struct settings *settings);
struct limits settings_limits(const struct settings *settings);
/* The file to subtract, by either option; NULL: none. */
const char *settings_base(const struct settings *settings);

/* By how much the base is multiplied in a column, if settings say so, before it is subtracted. */
double analysis_base_factor(const struct analysis *analysis, const struct settings *settings,
                            str_id column);
/* The sum of one column over samples with a label, or of its absolute values. */
double column_sum(const struct profile *profile, str_id column, str_id label, bool absolute);

/* Every filter by turns, with what the settings say of it and the option's name; NULL behind the
 * last one. */
struct filter *analysis_filter(struct analysis *analysis, const struct settings *settings,
                               uint32_t i, const char **option, const char **text);

/* Whether the column that a view shows holds what the loaded profiles have together. */
bool merge_adds_up(const struct analysis *analysis, const struct settings *settings,
                   const struct view *view, struct error *err) CHECKED;

/* The view that settings ask for. `thread` is the label of one thread's samples; NULL: of all. */
bool analysis_view(struct analysis *analysis, const struct settings *settings, const char *thread,
                   struct arena *arena, struct view *view, struct error *err) CHECKED;
/* Makes the view of the analysis' own settings and keeps it, for what it has to tell and for those
 * who ask for the same one. */
bool analysis_keep_view(struct analysis *analysis, struct error *err) CHECKED;
/* Whether that view is the one that settings ask for. */
bool analysis_view_is_kept(struct analysis *analysis, const struct settings *settings);
void analysis_drop_view(struct analysis *analysis);
/* The labels of the threads that settings ask for, by number; one NULL where they ask for none. */
struct thread_list {
    const char **labels;
    uint32_t n;
};
bool analysis_threads(const struct analysis *analysis, const struct settings *settings,
                      struct arena *arena, struct thread_list *threads, struct error *err) CHECKED;

void texts_add(struct texts *texts, struct span text); /* a copy of it */
void texts_free(struct texts *texts);
bool text_same(const char *a, const char *b);
/* For keys of several texts: no other list of texts, NULL among them, is the same. */
void key_add(struct buf *key, const char *text);

/* Takes a file that is open: unpacks it, finds out what it is, loads it. */
bool analysis_load_file(struct analysis *analysis, struct file *file, const char *name,
                        enum load_as as, struct error *err) CHECKED;
/* Loads what a name stands for that is a server's, or several servers'. */
bool remote_load(struct analysis *analysis, const char *name, enum load_as as,
                 struct error *err) CHECKED;
/* Where names come from a server: replaces a profile without names by one with them. */
bool remote_add_names(struct analysis *analysis, struct file *file, const char *name,
                      struct error *err) CHECKED;

/* The folder for what is fetched, if there is one; and that, made, where one of these names is a
 * server's: else NULL. */
bool remote_make_folder(struct analysis *analysis, struct error *err) CHECKED;
const char *remote_folder(struct analysis *analysis, const char *const *names, uint32_t n);

/* What a server's pages say (answer.c). That it has symbols; the name of its program, n == 0: it
 * has none; and a symbolized profile of what it calls the addresses of one without names. */
bool answer_has_symbols(struct span answer, const char *base, struct error *err) CHECKED;
struct span answer_program(struct span answer);
void answer_compose(struct span answer, const char *program, enum profile_kind kind,
                    struct span profile, struct strings *strings, struct buf *out);

/* Drops what was made of the loaded profiles. */
void analysis_forget(struct analysis *analysis);
/* Subtracts --base, merges and symbolizes, if that is still to do for these settings. */
bool analysis_merge(struct analysis *analysis, const struct settings *settings,
                    struct error *err) CHECKED;

/* Puts one value into the settings; a line in `complaints` where it is none. value.p NULL: none. */
bool option_apply(const struct option_use *use, struct span value, struct settings *settings,
                  struct buf *complaints) CHECKED;

/* Turns one bit on or off. */
void bit_set(uint64_t *bits, size_t bit, bool on);

/* Bounds what complaints about options may take: far beyond what a person would read. */
#define COMPLAINTS_MAX ((size_t)1 << 20)

/* Replaces control bytes, so that a name cannot drive a terminal. */
void text_clean(char *text, size_t n);
