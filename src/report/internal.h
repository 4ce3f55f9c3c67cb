/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of report share and nobody else sees: a row each for the table in report.c, and
 * what several outputs have in common. */
#pragma once

#include "base/idmap.h"
#include "report/report.h"

extern const struct emitter text_emitter;
extern const struct emitter collapsed_emitter;
extern const struct emitter symbols_emitter;
extern const struct emitter callgrind_emitter;
extern const struct emitter raw_emitter;
extern const struct emitter proto_emitter;
extern const struct emitter dot_emitter;
extern const struct emitter list_emitter, disasm_emitter, weblist_emitter;
extern const struct emitter top_emitter, tree_emitter, peek_emitter, traces_emitter;
extern const struct emitter doctor_emitter;
extern const struct emitter pdf_emitter, ps_emitter, svg_emitter, gif_emitter, png_emitter;

/* ---- the report's books: nothing happens where report->tally is NULL (tally.c) ----------------
 */

void tally_add(const struct report *report, enum tally_part part, column_ix column, double value);
/* Of the column that is shown. */
void tally_row(const struct report *report, double value);
void tally_trimmed(const struct report *report, double value);
/* The stacks that have no entry. `with_skipped`: the output shows every address. */
void tally_unattributed(const struct report *report, bool with_skipped);

/* ---- shared --------------------------------------------------------------------------------- */

/* The section of --stacks: every stack, and for heap profiles every sample line. */
void stacks_write(const struct report *report, struct out *out);

/* The profile's addresses in increasing order; the arena's. */
addr_ix *report_addresses(const struct report *report);

/* FILE:LINE of a frame, "??:0" where there is no file to speak of. The scratch's. */
const char *report_place(const struct view *view, const struct frame *frame, struct buf *scratch);

/* " (t1)" behind a word that is about one thread's samples, else "". */
const char *report_thread(const struct report *report);

/* What shares are of: what is shown, unless the view says otherwise. */
double report_whole(const struct view *view, double flat_total);

/* Whether nothing is known of the frame but its address. */
bool report_is_unknown(const struct view *view, const struct frame *frame);

/* Bounds a frame in words: names of templates run to many thousands of bytes. */
#define WORDS_MAX ((size_t)1 << 24)

/* ---- a call graph cut to a page, for DOT text and pictures ------------------------------------
 */

struct fold_options page_fold(const struct report_options *options);
/* Folds and trims; "No nodes to print" is an error. A note tells the limits. */
bool page_make(const struct report *report, struct trimmed *out, struct error *err) CHECKED;
/* Adds the edges that go over nodes that were dropped: for pictures, where a function that hangs in
 * the air says nothing. DOT text is a contract and has none. */
void page_add_residual(const struct report *report, struct trimmed *page);
double page_font_size(const struct trimmed *page, const struct node *node);
double page_edge_width(const struct trimmed *page, const struct edge *edge);
int page_edge_weight(const struct edge *edge);
bool page_edge_is_dashed(const struct view *view, const struct trimmed *page,
                         const struct edge *edge);
/* "5 (50.0%)", and where it called others "of 8 (80.0%)" behind `line_end`. */
void page_node_numbers(const struct view *view, const struct trimmed *page, const struct node *node,
                       const char *line_end, struct buf *out);

/* ---- tables in google/pprof's manner (rows.c) ---------------------------------------------------
 */

/* Nodes in the order of their rows, edges in none. Values are the profile's own. */
struct rows {
    const struct view *view;
    struct node *nodes;
    uint32_t n_nodes;
    struct edge *edges;
    uint32_t n_edges;
    double total;              /* what shares are of */
    const char *unit;          /* of all values, or "auto" */
    bool is_whole;             /* nothing was cut */
    uint32_t n_dropped, n_all; /* nodes that are too small; nodes before max_nodes */
};

struct fold_options rows_fold(const struct report_options *options);
/* `usual_nodes`: at most so many where nobody says; 0: all. */
void rows_make(const struct report *report, int64_t usual_nodes, bool is_whole, struct rows *rows);
/* The lines above: what it is of, how much is shown. */
void rows_labels(const struct report *report, const struct rows *rows, struct out *out);
/* The five numbers of a row; *sum goes down the rows. */
void rows_numbers(const struct rows *rows, const struct node *node, double *sum, struct out *out);
const char *rows_value(const struct rows *rows, double value, char text[UNITS_TEXT]);
const char *rows_share(const struct rows *rows, double value, double total, char text[UNITS_TEXT]);

/* "1.50MB": what a value of the view measures. */
const char *report_measure(const struct view *view, double value, const char *unit,
                           char text[UNITS_TEXT]);
/* The first of the lines above such reports: file, type, time. */
void report_labels(const struct report *report, const char *unit, struct out *out);

/* ---- machine code in words (asm.c) --------------------------------------------------------------
 */

/* Notes tell where there will be bytes only. The object and the strings outlive it. */
struct assembly;
struct assembly *assembly_open(struct object *object, struct strings *strings,
                               struct notes *notes) CHECKED;
void assembly_close(struct assembly *assembly); /* NULL is allowed */
/* Bytes of the instruction at the front of `code`, which is not empty; what is none has a length
 * too. */
uint32_t assembly_length(struct assembly *assembly, struct span code, uint64_t address);
/* What it says, as objdump spells it: "call   401200 <bar>". Adds to `out`. */
void assembly_text(struct assembly *assembly, struct span code, uint64_t address, struct buf *out);

/* ---- routines: functions that samples fell in, taken apart (routines.c)
 * --------------------------
 */

struct instruction {
    uint64_t address;
    uint32_t size;
    uint32_t line, inner_line;     /* 0: unknown */
    const char *file, *inner_file; /* of the function itself, of what is inlined; NULL: unknown */
    double flat, cum;              /* of all addresses in it */
};

struct routine {
    const char *name; /* short, as reports show it */
    struct object *object;
    struct assembly *assembly;
    uint64_t low, high;
    struct span bytes; /* from low on, shorter where the file ends */
    const struct instruction *code;
    uint32_t n_code;
    double flat, cum;
};

/* What is listed: routines whose name matches the report's expression, image by image, by name. The
 * routine is gone when `fn` returns; false stops. `flat_total`: of all samples shown. `option` is
 * for the message about a bad expression. */
typedef bool routine_fn(void *to, const struct routine *routine, double flat_total);
bool routines_each(const struct report *report, const char *option, routine_fn *fn, void *to,
                   struct error *err) CHECKED;

/* A value in a listing: "." for 0. */
const char *report_cell(const struct view *view, double value, char text[UNITS_TEXT]);

/* ---- source files, each read once (source.c) ----------------------------------------------------
 */

struct sources;
struct sources *sources_new(const struct report *report) CHECKED;
void sources_free(struct sources *sources); /* NULL is allowed */

struct source;
/* NULL where it cannot be read; a note tells, once a file. */
const struct source *sources_find(struct sources *sources, const char *path);
uint32_t source_count(const struct source *source); /* lines */
/* Line n, from 1, without its end; not beyond source_count. Borrowed. */
struct span source_line(const struct source *source, uint32_t n);
bool source_is_same(const char *a, const char *b); /* paths; NULL is one too */
/* The path as listings show it: without /proc/self/cwd/, then without ./ */
const char *source_shown(const char *path);

/* The part of a source file that a routine stands in (docs/reports.md has the rule). */
struct excerpt {
    const char *file;
    const struct source *source;
    uint32_t first, last; /* the routine */
    uint32_t from, to;    /* with what is shown around it; to <= source_count */
    /* Values of lines first .. last: that of line n at [n - first]. */
    double *flat, *cum;
};

/* False where there is nothing to show; a note tells why. The arena's. */
bool excerpt_make(const struct routine *routine, struct sources *sources,
                  const struct report *report, struct arena *arena, struct excerpt *out) CHECKED;

/* ---- callgrind ----------------------------------------------------------------------------------
 */

/* The numbers that stand for names once they were written. */
struct callgrind_numbers {
    struct idmap objects, files, names;
};
void callgrind_numbers_free(struct callgrind_numbers *numbers);

/* Names end at the line's end: what would end it early is shown, not obeyed. */
str_id callgrind_clean(struct strings *strings, const char *name, const char *suffix);
/* "KEY=(3) NAME" the first time, "KEY=(3)" later. */
void callgrind_name(const struct strings *strings, struct out *out, const char *key,
                    struct idmap *numbers, str_id id);

/* The form of --events, with the columns that `wanted` names: one, or "all". */
bool callgrind_events(const struct report *report, const char *wanted, struct out *out,
                      struct error *err) CHECKED;
