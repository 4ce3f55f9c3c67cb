/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Writes a view in one of many formats. Each format is one file and one row in `emitters`; the
 * option, the man page entry, completion and help follow from the row. */
#pragma once

#include "base/out.h"
#include "graph/graph.h"
#include "symbolize/symbolize.h"

struct report_options {
    enum granularity_kind granularity;
    bool is_granularity_set; /* else an emitter may take its own default */
    bool show_addresses;
    struct naming naming; /* of names that reports look up themselves */
    bool cum;             /* sort by cumulative value */
    bool stacks;          /* all stacks before the text table */
    bool debug;           /* more in --stacks */
    bool has_heading;     /* report_heading was written: no total of its own */
    int64_t max_rows;     /* text: at most so many, those without values too; 0: all */
    const char *then_focus, *then_ignore; /* as the view has them, for the heading; NULL: none */
    const char *thread;                   /* the label of whose samples these are; NULL: of all */
    const char *unit;           /* of values, or "auto"; NULL: what the output is used to */
    const char *const *filters; /* "hide=REGEX" for each that is on; ends with NULL */
    bool json;                  /* doctor: for programs */
    bool can_ask;               /* doctor: there are debuginfod servers that were not asked */
    bool heapcheck;             /* graphs: nodes with own values stand out */
    struct trim_options trim;   /* graphs: what fits on a page */
    int64_t date;               /* seconds since 1970 that outputs may carry; 0: none */
    const char *program;        /* name as given, for titles */
    const char *source_path;    /* folders to look for sources in, a comma list; NULL: none */
    const char *trim_path;      /* what to cut off the paths of sources first, likewise */
    const char *events;     /* callgrind: columns in its fuller form, "all" or one; NULL: plain */
    const char *expression; /* the emitter's own value ("--list=EXPRESSION"); NULL: it takes none */
};

/* Where values went, by column of the profile. */
enum tally_part {
    TALLY_ROWS,         /* flat values of rows, or values of stacks, as they were written */
    TALLY_UNATTRIBUTED, /* of stacks that have no row */
    TALLY_TRIMMED,      /* of rows that options cut off */
    TALLY_ROUNDED,      /* what a format that has whole numbers only could not hold */
    TALLY_PARTS,
};
struct tally {
    unsigned columns; /* bits: those that somebody added to */
    double sums[TALLY_PARTS][COLUMNS_MAX];
};

struct report {
    const struct view *view;
    const struct report_options *options;
    const struct object_set *objects;
    struct notes *notes;
    struct arena *arena;
    bool *is_ill;        /* set by outputs that judge; NULL: nobody asks */
    struct tally *tally; /* filled by outputs that show values; NULL: nobody asks */
};

/* Lines for a person above a report: "Total: ...", "After focusing on ...", "After ignoring ...".
 */
void report_heading(const struct report *report, struct out *out);

/* Who an output is for. */
enum output_form {
    OUTPUT_LINES, /* a person at a terminal, too */
    OUTPUT_PAGE,  /* a program: text that nobody would want to read */
    OUTPUT_BYTES, /* a program: no text, and nothing for a terminal */
};

struct emitter {
    const char *name; /* also the option's: --text */
    const char *help;
    const char *extension; /* of files it writes, without the dot */
    const char *more;      /* for the manual and the prompt: sentences, with *bold* words; NULL */
    const char *arg;       /* what stands for its value in help: "regex"; NULL: it takes none */
    const char *reader; /* reads standard input by this reader, and no profiles; NULL: profiles */
    enum output_form form;
    enum granularity_kind grain; /* where none is asked for */
    bool has_fixed_grain;        /* `grain` it is, whatever is asked for */
    bool wants_heading;          /* at the prompt: see report_heading */
    bool needs_program;          /* not for profiles that come with their names and no program */
    bool is_single;              /* its file holds one report and no more */
    bool judges;                 /* says whether all is well: report.is_ill */
    bool has_no_values;          /* none that could be added up: see tally_check */
    bool is_classic;             /* the Perl tool had it: see struct option */
    /* The graph that it starts from; NULL: none. Who will ask for several reports of one view has
     * it kept: see graph_keep. */
    struct fold_options (*fold)(const struct report_options *options);
    bool (*emit)(const struct report *report, struct out *out, struct error *err);
};

/* Whether what an output showed, what it could not or should not, and what filters left out of the
 * view, is all that the profile has; an error says which sum is off, a note tells the sums. */
bool tally_check(const struct tally *tally, const struct view *view, const struct emitter *emitter,
                 struct notes *notes, struct error *err) CHECKED;

extern const struct emitter *const emitters[]; /* ends with NULL */

const struct emitter *emitter_find(struct span name); /* NULL: no such emitter */
