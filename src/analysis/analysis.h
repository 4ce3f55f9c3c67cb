/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Joins the steps for one user: settings, loaded profiles, symbols, reports by name. Every option
 * is one row in a table; parsing, help, man page, completion, prompt and library calls walk that
 * table. An analysis has no global state: two can live in one process. */
#pragma once

#include "graph/graph.h"
#include "reader/reader.h"
#include "report/report.h"
#include "symbolize/symbolize.h"

/* ---- options ------------------------------------------------------------------------------------
 */

enum option_kind {
    OPTION_FLAG,   /* bool; --no-NAME and --noNAME turn it off */
    OPTION_ON,     /* bool that cannot be turned off again */
    OPTION_WHOLE,  /* int64_t: sign, digits, underscores inside */
    OPTION_REAL,   /* double */
    OPTION_TEXT,   /* char *, owned by the settings; NULL until said */
    OPTION_LIST,   /* struct texts: may be said several times */
    OPTION_OUTPUT, /* chooses an emitter; made from `emitters` */
    OPTION_GRAIN,  /* chooses a granularity; made from `granularities` */
    OPTION_MODE,   /* what a door does with a report; made by the door: see options_all */
};

enum option_door {
    DOOR_CLI = 1,
    DOOR_LIBRARY = 2,
    DOOR_HIDDEN = 4, /* works, not shown */
    DOOR_PROMPT = 8, /* may change between reports */
};

struct option {
    const char *name;
    const char *also; /* one more name, exact only: "h"; NULL */
    enum option_kind kind;
    size_t at;       /* offset in struct settings; of outputs, granularities, modes: which one */
    const char *arg; /* what stands for the value in help: "n", "regex", "file"; NULL: takes none */
    const char *group; /* heading in help and manual */
    const char *help;  /* one line */
    const char *more;  /* for the manual and the prompt: sentences, with *bold* words; NULL */
    unsigned doors;
    size_t said;     /* offset of a bool that tells whether it was said; 0: nobody asks */
    unsigned choice; /* bits: of rows that have one in common, one is said: see options_change */
    bool is_classic; /* the Perl tool had it: abbreviations are resolved among these first */
};

struct texts {
    char **list; /* NULL-terminated; NULL where there are none */
    uint32_t n;
};

struct settings {
    /* outputs: bits by index in `emitters`; modes: bits of the door's own outputs; granularities:
     * bits by kind. More than one output or mode is an error, and so is more than one granularity.
     */
    uint64_t outputs, modes, grains;
    char *expression;    /* the value of the output, if it takes one */
    struct texts output; /* files to write, instead of standard output */
    bool help, version, test, debug;
    bool json;
    bool selfcheck;
    bool cache;   /* the door says whether it may */
    bool sandbox; /* whether the door shuts itself in */
    bool cum, stacks, show_addresses, show_bytes, drop_negative, heapcheck;
    bool inuse_space, inuse_objects, alloc_space, alloc_objects;
    bool total_delay, contentions, mean_delay;
    bool no_strip_temp, no_auto_signal_frm;
    bool noinlines, normalize, trim;
    char *focus, *ignore, *base, *add_lib, *lib_prefix, *tools;
    char *retain, *exclude, *hide, *show, *show_from, *prune_from;
    char *thread;      /* "*", or a number */
    char *diff_base;   /* as base; shares are of its total */
    char *granularity; /* the name of one, as its flag */
    char *names;       /* the style of names */
    char *debug_dir, *sysroot, *map, *perf_map;
    char *binary_path; /* folders of programs, with colons between; no option: the door decides */
    bool force, debuginfod;
    char *sample_index, *unit;
    char *source_path, *trim_path;
    char *events; /* of callgrind: columns, or NULL */
    char *reader; /* forces a format */
    int64_t threads;
    int64_t max_memory, max_samples, max_depth; /* see base/limits.h */
    int64_t test_stride;
    int64_t seconds, timeout; /* of servers: how long to profile; to wait, 0: as long as usual */
    char *cacert;             /* certificates to trust */
    bool insecure;            /* servers need none */
    /* No options: the door decides. */
    bool checks_quietly;            /* as selfcheck, but tells nothing unless a sum is off */
    int64_t date;                   /* that outputs carry, seconds since 1970; 0: none */
    int64_t max_rows;               /* of --text; 0: all */
    char *then_focus, *then_ignore; /* once more, for one report */
    int64_t nodecount, maxdegree, scale;
    bool has_nodecount; /* somebody said it: tables have another default */
    double nodefraction, edgefraction;
};

void settings_init(struct settings *settings); /* the defaults */
void settings_free(struct settings *settings); /* frees what it holds, not the struct */
void settings_copy(struct settings *to, const struct settings *from); /* `to` holds nothing yet */

/* Every option, in the order of help: written rows, emitters, granularities; last, what the door
 * adds. The arena's. */
struct options {
    const struct option *rows;
    uint32_t n;
};
struct options options_all(struct arena *arena);
struct options options_with(struct arena *arena, const struct option *more, uint32_t n_more);

/* Whether it can be negated. */
bool option_is_switch(const struct option *option);

/* One option as somebody meant it. */
struct option_use {
    const struct option *option;
    bool is_off; /* a negation */
};

/* Looks a name up: any case, an exact name or negation, else an unambiguous beginning. On failure a
 * line is added to `complaints`, in the words of Perl's Getopt::Long. */
bool options_find(const struct options *options, struct span name, struct option_use *use,
                  struct buf *complaints) CHECKED;

/* Takes the words of a command line (without the program's name) into settings; arguments that are
 * no options are left in `rest`, which has room for n. False if something was wrong; one line for
 * each such thing is in `complaints` then, and the rest has been taken. */
bool options_parse(const struct options *options, const char *const *words, uint32_t n,
                   struct settings *settings, const char **rest, uint32_t *n_rest,
                   struct buf *complaints) CHECKED;

/* The same for one option by name. value.p NULL: none was said; a switch may also be said as "1",
 * "true", "yes", "on" or "0", "false", "no", "off". */
bool options_set(const struct options *options, struct span name, struct span value,
                 struct settings *settings, struct error *err) CHECKED;

/* The same where somebody changes his mind: what excludes the new value is turned off, "" is the
 * default again, and only options that may change between reports are there. */
bool options_change(const struct options *options, struct span name, struct span value,
                    struct settings *settings, struct error *err) CHECKED;

/* What an option is set to, as it would be said: "on", "off", "80", "main|foo", "". */
void option_value(const struct option *option, const struct settings *settings, struct buf *to);

/* Whether the settings contradict each other; the text is that of the Perl tool. */
bool settings_check(const struct settings *settings, struct error *err) CHECKED;

/* The output and granularity that were chosen, or the defaults. is_set may be NULL. */
const struct emitter *settings_emitter(const struct settings *settings);
enum granularity_kind settings_grain(const struct settings *settings, const struct emitter *emitter,
                                     bool *is_set);

/* ---- analysis -----------------------------------------------------------------------------------
 */

struct analysis;

struct analysis *analysis_new(void) CHECKED;
/* The same with options of the door's own; `more` is copied, its texts are not. */
struct analysis *analysis_new_with(const struct option *more, uint32_t n_more) CHECKED;
void analysis_free(struct analysis *analysis);

const struct options *analysis_options(const struct analysis *analysis);
struct settings *analysis_settings(struct analysis *analysis);
struct notes *analysis_notes(struct analysis *analysis);
/* `doing` is NULL when nothing goes on any longer: before a report is written. */
void analysis_watch(struct analysis *analysis, struct progress progress);

/* Compiles --focus and --ignore, to know early that they can be. analysis_report does it otherwise.
 */
bool analysis_filters(struct analysis *analysis, struct error *err) CHECKED;

enum load_as {
    LOAD_PROGRAM,
    LOAD_PROFILE,
    LOAD_BASE,
    LOAD_FIRST, /* a file in a known format is a profile, any other one the program */
    LOAD_INPUT, /* what the chosen output reads instead of profiles: see emitter.reader */
};

/* Reads a profile, or takes note of the program, which comes before the first report. "-" is
 * standard input. What no file is and is spelled as a server's is fetched (net/net.h); where the
 * first name is such a one, the server names the addresses, too. Notes tell "Using local file
 * NAME.". Profiles are added up in the order they were loaded, then those loaded as base are
 * subtracted. */
bool analysis_load(struct analysis *analysis, const char *path, enum load_as as,
                   struct error *err) CHECKED;
/* The same for bytes that somebody has already; packed ones are unpacked. */
bool analysis_load_bytes(struct analysis *analysis, struct span bytes, const char *name,
                         enum load_as as, struct error *err) CHECKED;

/* Where profiles of servers are kept, a folder that is made when it is needed. NULL: in memory. */
void analysis_keep_fetched(struct analysis *analysis, const char *folder);
const struct texts *analysis_fetched(const struct analysis *analysis); /* files, in order */
/* What the server runs that names addresses; NULL: there is none. */
const char *analysis_server_program(const struct analysis *analysis);

/* Whether somebody has to be asked over a network for what these names, and the settings, stand
 * for. */
bool analysis_needs_network(const struct analysis *analysis, const char *const *names, uint32_t n);
/* The door gives the network up: from now on a server's profile is an error that says so. */
void analysis_leave_servers(struct analysis *analysis);
/* The folders that reports write to on their own, made if they are not there yet; NULL behind the
 * last one. With `names`, for which that network is asked, those of what is fetched are among them.
 * The analysis's. */
const char *const *analysis_folders(struct analysis *analysis, const char *const *names,
                                    uint32_t n);

uint32_t analysis_count(const struct analysis *analysis);      /* profiles loaded */
const char *analysis_program(const struct analysis *analysis); /* as given; NULL: none was */
/* The profile that the last load failed for because it came with its own names after a program;
 * NULL: that was not the reason. */
const char *analysis_clash(const struct analysis *analysis);

/* Subtracts --base, merges and symbolizes what was loaded, if that is still to do, and writes one
 * report. NULL: the output that the settings chose. */
bool analysis_report(struct analysis *analysis, const struct emitter *emitter, struct out *out,
                     struct error *err) CHECKED;

/* Of the last report, or of analysis_prepare: the share of its samples that begin at a place
 * without a name, and whether an output that judges found something ill. */
double analysis_unnamed(const struct analysis *analysis);
bool analysis_is_ill(const struct analysis *analysis);

/* The same as other settings would have it; nothing is read or named again unless they ask for
 * that. With `heading`, a few lines for a person go there first: see report_heading. */
bool analysis_report_as(struct analysis *analysis, const struct settings *settings,
                        const struct emitter *emitter, struct out *heading, struct out *out,
                        struct error *err) CHECKED;

/* Does what all reports need, so that the first one is as quick as those after it, and what is to
 * be told of the profile is told. */
bool analysis_prepare(struct analysis *analysis, struct error *err) CHECKED;
/* After that: what reports of this kind start from, where it is of use to later ones. */
void analysis_prepare_for(struct analysis *analysis, const struct settings *settings,
                          const struct emitter *emitter);

/* The short names of functions in the profile, sorted, each once: the arena's. After
 * analysis_prepare. */
struct name_list {
    const char **list;
    uint32_t n;
};
struct name_list analysis_names(const struct analysis *analysis, struct arena *arena);
