/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Shows a profile as asked. A view has chosen one value column, left out frames and stacks, and
 * knows how to write values; a graph is what is folded from it: nodes with flat and cumulative
 * values, edges between neighbours. Which total counts where is the contract of docs/reports.md. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/idmap.h"
#include "base/regex.h"
#include "base/scale.h"
#include "base/units.h"
#include "profile/profile.h"

typedef uint32_t node_ix;
#define NODE_NONE UINT32_MAX

/* What a row of a report stands for; --addresses, --lines, ... come from these rows. */
enum granularity_kind {
    GRANULARITY_FUNCTIONS,
    GRANULARITY_LINES,
    GRANULARITY_ADDRESSES,
    GRANULARITY_FILES,
    GRANULARITY_FILEFUNCTIONS,
    GRANULARITY_DSO,
    GRANULARITY_COUNT,
};

struct granularity {
    const char *name, *help;
};

extern const struct granularity granularities[GRANULARITY_COUNT];

struct view_options {
    const char *column;                 /* NULL: the profile's default */
    const char *sample_index;           /* the same by name or number, as google/pprof says it */
    const char *unit;                   /* of values in reports; NULL: that of the kind */
    bool show_bytes;                    /* heap: bytes rather than megabytes */
    bool keep_signal_frames;            /* --no-auto-signal-frm */
    const struct regex *focus, *ignore; /* NULL: all, none */
    const char *label;                  /* samples with this label; NULL: those with none */
    const struct regex *then_focus, *then_ignore; /* the same once more, of what is left */
    const struct regex *retain, *exclude; /* addresses by the name of their function; NULL: all */
    /* Single frames, after stacks were chosen. NULL: all. */
    const struct regex *hide, *show; /* no frames, only frames that match */
    const struct regex *show_from;   /* nothing outside the outermost match; no stack without one */
    const struct regex *prune_from;  /* nothing inside the innermost match */
    bool no_inlines;                 /* of each address the outermost frame alone */
};

/* What values measure: value * factor is in `unit`. A CPU profile's samples measure time. */
struct measure {
    const char *type, *unit; /* "cpu", "nanoseconds" */
    double factor;
};

/* How values are written: "%d", or value / scale with `digits` decimals. */
struct value_format {
    double scale;
    int digits;       /* 0: a whole number, cut toward zero */
    const char *unit; /* "samples", "MB", ... */
};

/* Stacks after frames were left out and stacks chosen; equal ones are one, labels are added up; by
 * first reading. Borrowed: profile and symbols, and the stacks where nothing was left out of them.
 * Everything else is the arena's. Where frames were left out of addresses, the view has a profile
 * and symbols of its own: behind the addresses of the one it was made of stand those with fewer
 * frames, at the same pc.
 *
 *     stack s: stack_addr[stack_at[s]] .. stack_addr[stack_at[s + 1] - 1], leaf first
 */
struct view {
    const struct profile *profile;
    const struct symbols *symbols;
    struct value_format format;
    struct measure measure;
    column_ix column;
    str_id label;      /* of the samples that count */
    double total;      /* of all samples, before anything was left out */
    double magnitude;  /* the same of their absolute values */
    bool is_balanced;  /* what was subtracted was made to weigh as much: the total says nothing */
    double base_total; /* shares are of this, not of what is shown; 0: they are not */
    double after_focus, after_ignore; /* what then_focus, and after it then_ignore, let through */
    const uint32_t *stack_at;
    const addr_ix *stack_addr;
    double *stack_value;
    uint32_t n_stacks;           /* may hold empty stacks */
    uint32_t n_variants;         /* addresses with fewer frames: the last ones of the profile's */
    uint32_t *stack_of;          /* of the profile's stack, or STACK_NONE; NULL: the same one */
    const struct frame *blank;   /* stands in where an image has no symbols: "??" at "??:0" */
    const struct frame *missing; /* and where nothing is known: named by the address, no place */
    struct kept_graph *kept;     /* graphs that stay with the view: see graph_keep */
    struct arena *arena;
};

/* Steps of docs/reports.md: total; frames left out by kind (allocator, lock, signal frames: notes
 * tell "Removing F from all stack traces.") and by retain and exclude; focus; ignore; single
 * frames. An unknown column is an error. */
bool view_make(const struct profile *profile, const struct symbols *symbols,
               const struct view_options *options, struct arena *arena, struct notes *notes,
               struct view *out, struct error *err) CHECKED;

/* Stacks by their addresses as numbers, innermost first, shorter before longer: the order of
 * outputs that list stacks. view->n_stacks indices, the arena's. */
uint32_t *view_stack_order(const struct view *view);

const char *view_value_text(const struct view *view, double value, char text[UNITS_TEXT]);

/* The values of all columns: column c of stack s at [c * n_stacks + s]; the arena's. */
const double *view_columns(const struct view *view);
/* The parts of the profile's samples that are in each stack: part[at[s]] .. part[at[s + 1] - 1];
 * the arena's. */
struct view_parts {
    uint32_t *at, *part;
};
struct view_parts view_parts(const struct view *view);
/* Whether a stack has some value in any column or part, a byte each; the arena's. */
uint8_t *view_nonzero(const struct view *view, const double *columns,
                      const struct view_parts *split);

/* Whether the address is one that reports leave out of stacks (beyond 7fff_ffff_ffff_ffff). */
bool view_address_is_skipped(const struct view *view, addr_ix addr);

/* ---- frames in words ----------------------------------------------------------------------------
 */

/* The frames of an address as reports speak of them, innermost first, the last one the physical
 * function. There is always one: the view's stand-in where symbols have none. */
uint32_t view_n_frames(const struct view *view, addr_ix addr);
const struct frame *view_frame(const struct view *view, addr_ix addr, uint32_t i);
const struct frame *view_physical(const struct view *view, addr_ix addr);

/* Short and full name. A missing frame is named by its address, which is written to `text`. */
const char *view_name_text(const struct view *view, addr_ix addr, const struct frame *frame,
                           char text[20]);
const char *view_full_text(const struct view *view, addr_ix addr, const struct frame *frame,
                           char text[20]);

/* The entry of frame i of an address as tables of names alone have it (see fold_options.is_plain),
 * interned. */
str_id view_plain_label(const struct view *view, enum granularity_kind granularity, addr_ix addr,
                        uint32_t i, struct buf *scratch);

/* FILE:LINE of a frame as reports write it ("??:0", "?", "" of a missing frame). The scratch's,
 * until it is used again. */
const char *view_place_text(const struct view *view, const struct frame *frame,
                            struct buf *scratch);

/* Whether there is a file to speak of: else outputs that name frames as FILE:LINE:NAME write
 * "??:0". */
bool view_has_place(const struct view *view, const struct frame *frame);

/* ---- folding ------------------------------------------------------------------------------------
 */

struct node {
    str_id label;    /* the row's text */
    bool is_inlined; /* the text says "(inline)" */
    double flat, cum;
};

struct edge {
    node_ix from, to; /* caller, callee */
    double weight;
    bool is_residual; /* there were nodes between them that are not shown */
    bool is_inlined;  /* FOLD_ONCE: the callee never has an address of its own there */
};

struct graph {
    const struct node *nodes; /* those that some stack contains; no two have one label */
    uint32_t n_nodes;
    const struct edge *edges; /* distinct (from, to) */
    uint32_t n_edges;
    double flat_total; /* sum of flat values: percentages are of this */
};

/* How often a stack counts for an edge. */
enum fold_rule {
    FOLD_REPEATS, /* as often as the pair occurs */
    FOLD_ONCE,    /* once, and not for a node that calls itself */
};

struct fold_options {
    enum granularity_kind granularity;
    bool show_addresses; /* " (ADDRESS)" after each name */
    bool is_plain;       /* labels are names alone, no "(inline)" in them; no address is skipped */
    bool with_edges;
    enum fold_rule rule;
    /* FOLD_ONCE: only entries with these labels are nodes; NULL: all are. What such a node called
     * is joined to its caller by a residual edge. */
    const struct idmap *kept;
};

/* One pass over the stacks: the first entry gets flat, each distinct entry cum once a stack, each
 * pair of neighbours an edge. Labels are interned in the profile's strings. The graph is the view's
 * arena's. */
void graph_fold(const struct view *view, const struct fold_options *options, struct graph *out);

/* Folds now what graph_fold will be asked for with these options, `kept` being NULL: it is answered
 * from there at once, by copies of the view too, for as long as the arena of this one lives. */
void graph_keep(struct view *view, const struct fold_options *options);

/* ---- trimming: what fits on a page ----------------------------------------------------------- */

struct trim_options {
    int64_t max_nodes;                   /* 80 */
    double node_fraction, edge_fraction; /* of flat_total: 0.005, 0.001 */
    int64_t max_degree;                  /* edges in or out of a node: 8 */
    bool has_max_nodes;                  /* somebody said max_nodes: where no limit is usual */
    bool keep_all;                       /* nothing is dropped */
};

struct trimmed {
    struct node *nodes; /* by decreasing absolute cumulative value, then by text */
    uint32_t n_nodes;
    struct edge *edges; /* of these nodes, by decreasing signed weight */
    uint32_t n_edges;
    double flat_total;
    double node_limit, edge_limit; /* values up to these were dropped */
};

/* Adds to the page the edges that go over nodes that were dropped, where there is no other way from
 * one end to the other. */
void graph_add_residual(const struct view *view, const struct fold_options *options,
                        struct trimmed *page);

/* The arena is the view's. */
void graph_trim(const struct view *view, const struct graph *graph,
                const struct trim_options *options, struct trimmed *out);
