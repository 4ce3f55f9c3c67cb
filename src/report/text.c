/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The table: one row an entry with its flat and cumulative value. Rows are sorted by signed values,
 * so that a difference shows what grew first; the running sum goes down the rows as printed. */
#include "report/internal.h"

#include <stdlib.h>

struct row {
    double key; /* flat or cumulative value */
    const char *label;
    const struct node *node;
};

static int compare_rows(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->key != y->key)
        return x->key > y->key ? -1 : 1;
    return strcmp(x->label, y->label);
}

/* A value that is no number would leave the order to chance: it goes last. */
static double sort_key(double value)
{
    return value == value ? value : -__builtin_inf();
}

static struct row *sort_rows(const struct report *report, const struct graph *graph)
{
    const struct strings *strings = report->view->profile->strings;
    struct row *rows = arena_alloc(report->arena, graph->n_nodes, sizeof *rows);
    for (node_ix i = 0; i < graph->n_nodes; i++) {
        const struct node *node = &graph->nodes[i];
        rows[i] = (struct row){
            .key = sort_key(report->options->cum ? node->cum : node->flat),
            .label = strings_text(strings, node->label),
            .node = node,
        };
    }
    if (graph->n_nodes)
        qsort(rows, graph->n_nodes, sizeof *rows, compare_rows);
    return rows;
}

static struct fold_options fold(const struct report_options *options)
{
    return (struct fold_options){
        .granularity = options->granularity,
        .show_addresses = options->show_addresses,
    };
}

/* What samples have that say of themselves that they are such leaks. */
static double leaks_of(const struct view *view, const char *kind)
{
    const struct strings *strings = view->profile->strings;
    const struct parts *parts = &view->profile->parts;
    const struct view_parts split = view_parts(view);
    double sum = 0;
    for (uint32_t s = 0; s < view->n_stacks; s++) {
        for (uint32_t k = split.at[s]; k < split.at[s + 1]; k++) {
            const uint32_t i = split.part[k];
            if (labels_count(strings, parts->labels[i]) == 0)
                continue;
            const struct label label = labels_at(strings, parts->labels[i], 0);
            if (strcmp(strings_text(strings, label.key), PROFILE_LEAK_LABEL) == 0 &&
                strcmp(strings_text(strings, label.text), kind) == 0)
                sum += parts->value[(size_t)i * view->profile->n_columns + view->column];
        }
    }
    return sum;
}

/* Leaks that other leaks point to go away with these: what to mend first is the rest. */
static void write_leaks(const struct view *view, struct out *out)
{
    char direct[UNITS_TEXT], indirect[UNITS_TEXT];
    const double d = leaks_of(view, "direct"), i = leaks_of(view, "indirect");
    if (d != 0 || i != 0)
        out_printf(out, "Leaks: %s %s direct, %s %s indirect\n", view_value_text(view, d, direct),
                   view->format.unit, view_value_text(view, i, indirect), view->format.unit);
}

static bool emit(const struct report *report, struct out *out, struct error *err)
{
    (void)err;
    const struct view *view = report->view;
    const struct fold_options options = fold(report->options);
    struct graph graph;
    graph_fold(view, &options, &graph);

    char flat[UNITS_TEXT], cum[UNITS_TEXT];
    char flat_share[UNITS_TEXT], sum_share[UNITS_TEXT], cum_share[UNITS_TEXT];
    if (view->total != 0 && !report->options->has_heading)
        out_printf(out, "Total%s: %s %s\n", report_thread(report),
                   view_value_text(view, view->total, flat), view->format.unit);
    if (report->options->heapcheck)
        write_leaks(view, out);
    if (report->options->stacks)
        stacks_write(report, out);

    const struct row *rows = sort_rows(report, &graph);
    const double whole = report_whole(view, graph.flat_total);
    double sum = 0;
    const int64_t max_rows = report->options->max_rows;
    const node_ix n_rows =
        max_rows > 0 && max_rows < graph.n_nodes ? (node_ix)max_rows : graph.n_nodes;
    for (node_ix i = 0; i < n_rows && !out_failed(out); i++) {
        const struct node *node = rows[i].node;
        sum += node->flat;
        tally_row(report, node->flat);
        if (node->flat == 0 && node->cum == 0)
            continue;
        out_printf(out, "%8s %6s %6s %8s %6s ", view_value_text(view, node->flat, flat),
                   units_percent(flat_share, node->flat, whole),
                   units_percent(sum_share, sum, whole), view_value_text(view, node->cum, cum),
                   units_percent(cum_share, node->cum, whole));
        out_text(out, rows[i].label);
        out_byte(out, '\n');
    }
    for (node_ix i = n_rows; i < graph.n_nodes; i++)
        tally_trimmed(report, rows[i].node->flat);
    tally_unattributed(report, false);
    return true;
}

const struct emitter text_emitter = {
    .name = "text",
    .help = "table of entries by their values (the default)",
    .extension = "txt",
    .more =
        "One row an entry: its flat value, its share, the running sum of shares, its cumulative "
        "value and share, and its name. Flat is what was spent in it, cumulative includes what "
        "it called.",
    .grain = GRANULARITY_FUNCTIONS,
    .wants_heading = true,
    .is_classic = true,
    .fold = fold,
    .emit = emit,
};
