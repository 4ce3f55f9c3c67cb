/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Joins the steps for one user: settings, loaded profiles, symbols, reports by name. Every option is one
 * row in `options`; parsing, help, man page, completion, prompt and library calls walk that table. An
 * analysis has no global state: two can live in one process. */
#pragma once

#include "graph/graph.h"
#include "reader/reader.h"
#include "report/report.h"
#include "symbolize/symbolize.h"

enum option_kind {
    OPTION_FLAG,   /* bool; --no-NAME and --noNAME turn it off */
    OPTION_ON,     /* bool that cannot be turned off again */
    OPTION_WHOLE,  /* int64_t: sign, digits, underscores inside */
    OPTION_REAL,   /* double */
    OPTION_TEXT,   /* char *, owned by the settings; NULL until said */
    OPTION_OUTPUT, /* chooses an emitter; made from `emitters` */
    OPTION_GRAIN,  /* chooses a granularity; made from `granularities` */
};

enum option_door { DOOR_CLI = 1, DOOR_LIBRARY = 2, DOOR_HIDDEN = 4 /* works, not shown */ };

struct option {
    const char *name;
    enum option_kind kind;
    size_t at;          /* offset in struct settings */
    const char *arg;    /* what stands for the value in help: "n", "regex", "file"; NULL for flags */
    const char *group;  /* heading in help and manual */
    const char *help;   /* one line */
    const char *more;   /* manual only: full sentences; NULL */
    unsigned doors;
    bool is_classic;    /* the Perl tool had it: abbreviations are resolved among these first */
};

struct settings {
    /* outputs: bits by index in `emitters`; granularities: bits by kind. More than one is an error. */
    uint64_t outputs, grains;
    bool help, version, interactive, debug;
    bool cum, stacks, show_addresses, show_bytes, drop_negative;
    bool inuse_space, inuse_objects, alloc_space, alloc_objects;
    bool total_delay, contentions, mean_delay;
    bool no_strip_temp, no_auto_signal_frm;
    char *focus, *ignore, *base, *add_lib, *lib_prefix, *tools;
    char *reader; /* forces a format */
    int64_t threads;
    int64_t test_stride, seconds;
};

/* All options, ending with a row whose name is NULL: written rows, emitters, granularities. */
extern const struct option *analysis_options(struct arena *arena, uint32_t *n);

struct analysis;

struct analysis *analysis_new(void) CHECKED;
void analysis_free(struct analysis *analysis);

struct settings *analysis_settings(struct analysis *analysis);
struct notes *analysis_notes(struct analysis *analysis);
void analysis_watch(struct analysis *analysis, struct progress progress);

enum load_as { LOAD_PROGRAM, LOAD_PROFILE, LOAD_BASE };

/* Reads a profile, or takes note of the program. "-" is standard input. */
bool analysis_load(struct analysis *analysis, const char *path, enum load_as as,
                   struct error *err) CHECKED;
bool analysis_load_bytes(struct analysis *analysis, struct span bytes, const char *name,
                         enum load_as as, struct error *err) CHECKED;

/* Merges and symbolizes what was loaded, if that is still to do, and writes one report. */
bool analysis_report(struct analysis *analysis, const struct emitter *emitter, struct out *out,
                     struct error *err) CHECKED;
