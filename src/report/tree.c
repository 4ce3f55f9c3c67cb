/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Each entry between those that call it and those it calls, as google/pprof prints them: --tree of
 * all that matter, --peek of those that somebody asks for. */
#include "report/internal.h"

#include <math.h>
#include <stdlib.h>

static const char separator[] =
    "----------------------------------------------------------+-------------\n";

struct neighbour {
    double weight;
    const char *name;
    bool is_inlined;
};

/* Those of one node: by weight, then by name. */
static int compare_neighbours(const void *a, const void *b)
{
    const struct neighbour *x = a, *y = b;
    const double p = fabs(x->weight), q = fabs(y->weight);
    if (p != q)
        return p > q ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* The neighbours of node i: list[at[i]] .. list[at[i + 1] - 1]. */
struct side {
    uint32_t *at;
    struct neighbour *list;
};

static struct side make_side(const struct report *report, const struct rows *rows, bool is_callers)
{
    const struct strings *strings = report->view->profile->strings;
    const uint32_t n = rows->n_nodes;
    struct side side = {
        .at = arena_alloc(report->arena, (size_t)n + 2, sizeof side.at[0]),
        .list = arena_alloc(report->arena, rows->n_edges, sizeof side.list[0]),
    };
    uint32_t *fill = side.at + 1; /* where the next of a node goes; becomes where the node ends */
    for (uint32_t i = 0; i < rows->n_edges; i++)
        fill[(is_callers ? rows->edges[i].to : rows->edges[i].from) + 1]++;
    for (uint32_t i = 0; i < n; i++)
        fill[i + 1] += fill[i];
    for (uint32_t i = 0; i < rows->n_edges; i++) {
        const struct edge *edge = &rows->edges[i];
        const node_ix other = is_callers ? edge->from : edge->to;
        side.list[fill[is_callers ? edge->to : edge->from]++] = (struct neighbour){
            .weight = edge->weight,
            .name = strings_text(strings, rows->nodes[other].label),
            .is_inlined = edge->is_inlined,
        };
    }
    for (uint32_t i = 0; i < n; i++) {
        if (side.at[i + 1] != side.at[i])
            qsort(side.list + side.at[i], side.at[i + 1] - side.at[i], sizeof side.list[0],
                  compare_neighbours);
    }
    return side;
}

static void write_side(const struct rows *rows, const struct side *side, node_ix i, struct out *out)
{
    for (uint32_t k = side->at[i]; k < side->at[i + 1]; k++) {
        const struct neighbour *n = &side->list[k];
        char value[UNITS_TEXT], share[UNITS_TEXT];
        out_printf(out, "%50s %s |   ", rows_value(rows, n->weight, value),
                   rows_share(rows, n->weight, rows->nodes[i].cum, share));
        out_text(out, n->name);
        out_text(out, n->is_inlined ? " (inline)\n" : "\n");
    }
}

static bool matches(const struct report *report, const struct node *node, const struct regex *regex)
{
    const char *name = strings_text(report->view->profile->strings, node->label);
    return !regex || regex_matches(regex, span_of(name));
}

/* `regex` NULL: every node. */
static void write_rows(const struct report *report, const struct rows *rows,
                       const struct regex *regex, struct out *out)
{
    const struct side callers = make_side(report, rows, true);
    const struct side callees = make_side(report, rows, false);
    rows_labels(report, rows, out);
    out_text(out, separator);
    out_text(out, "      flat  flat%   sum%        cum   cum%   calls calls% + context \t \t \n");
    double sum = 0;
    for (node_ix i = 0; i < rows->n_nodes && !out_failed(out); i++) {
        if (!matches(report, &rows->nodes[i], regex)) {
            tally_trimmed(report, rows->nodes[i].flat);
            continue;
        }
        tally_row(report, rows->nodes[i].flat);
        out_text(out, separator);
        write_side(rows, &callers, i, out);
        rows_numbers(rows, &rows->nodes[i], &sum, out);
        out_text(out, "                | ");
        out_text(out, strings_text(report->view->profile->strings, rows->nodes[i].label));
        out_byte(out, '\n');
        write_side(rows, &callees, i, out);
    }
    if (rows->n_nodes)
        out_text(out, separator);
}

static bool emit_tree(const struct report *report, struct out *out, struct error *err)
{
    enum { USUAL_NODES = 80 };
    (void)err;
    struct rows rows;
    rows_make(report, USUAL_NODES, false, &rows);
    write_rows(report, &rows, NULL, out);
    return true;
}

static struct fold_options peek_fold(const struct report_options *options)
{
    struct fold_options fold = rows_fold(options);
    fold.with_edges = true;
    return fold;
}

static bool emit_peek(const struct report *report, struct out *out, struct error *err)
{
    const char *expression = report->options->expression ? report->options->expression : "";
    struct regex *regex = regex_new("--peek", span_of(expression), err);
    if (!regex)
        return false;
    struct rows rows;
    rows_make(report, 0, true, &rows);
    bool is_any = false;
    for (node_ix i = 0; i < rows.n_nodes && !is_any; i++)
        is_any = matches(report, &rows.nodes[i], regex);
    if (is_any)
        write_rows(report, &rows, regex, out);
    regex_free(regex);
    return is_any || error_set(err, ERROR_MISSING, "no function matches %s", expression);
}

const struct emitter tree_emitter = {
    .name = "tree",
    .help = "entries with their callers and callees",
    .extension = "txt",
    .more = "A block an entry: above it those that called it, below it those it called, each with "
            "its share of the entry's cumulative value. Limits are those of *--top*, with 80 "
            "entries at most unless *--nodecount* says otherwise.",
    .grain = GRANULARITY_FUNCTIONS,
    .fold = rows_fold,
    .emit = emit_tree,
};

const struct emitter peek_emitter = {
    .name = "peek",
    .help = "callers and callees of the functions that match",
    .extension = "txt",
    .more = "As *--tree*, of these entries alone, and nothing is too small.",
    .arg = "regex",
    .grain = GRANULARITY_FUNCTIONS,
    .fold = peek_fold,
    .emit = emit_peek,
};
