/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the tables in google/pprof's manner start from: nodes by name, cut to those that matter, in
 * order, with the lines above them (docs/reports.md). Apart from page.c because the limits are
 * others: a node is small by its cumulative value, and what is cut leaves residual edges. The
 * invariant: values stay in the profile's own unit; what is shown goes through rows_value. */
#include "report/internal.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

/* ---- order --------------------------------------------------------------------------------------
 */

struct rank {
    double key, other; /* absolute values */
    const char *label;
    node_ix node;
};

/* A value that is no number would leave the order to chance: it goes last. */
static double weigh(double value)
{
    return value == value ? fabs(value) : -1;
}

static int compare_ranks(const void *a, const void *b)
{
    const struct rank *x = a, *y = b;
    if (x->key != y->key)
        return x->key > y->key ? -1 : 1;
    const int by_label = strcmp(x->label, y->label);
    if (by_label != 0)
        return by_label;
    return (x->other < y->other) - (x->other > y->other);
}

static const char *label_of(const struct rows *rows, node_ix node)
{
    return strings_text(rows->view->profile->strings, rows->nodes[node].label);
}

static void sort_nodes(const struct report *report, struct rows *rows)
{
    const uint32_t n = rows->n_nodes;
    struct rank *ranks = base_alloc(n, sizeof *ranks);
    for (node_ix i = 0; i < n; i++) {
        const double flat = weigh(rows->nodes[i].flat), cum = weigh(rows->nodes[i].cum);
        ranks[i] = (struct rank){.key = report->options->cum ? cum : flat,
                                 .other = report->options->cum ? flat : cum,
                                 .label = label_of(rows, i),
                                 .node = i};
    }
    if (n)
        qsort(ranks, n, sizeof *ranks, compare_ranks);
    struct node *nodes = arena_alloc(report->arena, n, sizeof *nodes);
    node_ix *place = base_alloc(n, sizeof *place);
    for (node_ix i = 0; i < n; i++) {
        nodes[i] = rows->nodes[ranks[i].node];
        place[ranks[i].node] = i;
    }
    for (uint32_t i = 0; i < rows->n_edges; i++) {
        rows->edges[i].from = place[rows->edges[i].from];
        rows->edges[i].to = place[rows->edges[i].to];
    }
    rows->nodes = nodes;
    base_free(ranks);
    base_free(place);
}

/* ---- folding and cutting ------------------------------------------------------------------------
 */

struct fold_options rows_fold(const struct report_options *options)
{
    return (struct fold_options){
        .granularity = options->granularity,
        .is_plain = true,
        .with_edges = options->trim.keep_all,
        .rule = FOLD_ONCE,
    };
}

/* Nodes without values are none. */
static void fold(const struct report *report, const struct idmap *kept, bool with_edges,
                 struct rows *rows)
{
    struct fold_options options = rows_fold(report->options);
    options.with_edges = with_edges;
    options.kept = kept;
    struct graph graph;
    graph_fold(rows->view, &options, &graph);
    struct node *nodes = arena_alloc(report->arena, graph.n_nodes, sizeof *nodes);
    struct edge *edges = arena_alloc(report->arena, graph.n_edges, sizeof *edges);
    node_ix *place = base_alloc(graph.n_nodes, sizeof *place);
    uint32_t n = 0, n_edges = 0;
    for (node_ix i = 0; i < graph.n_nodes; i++) {
        const struct node node = graph.nodes[i];
        place[i] = node.flat == 0 && node.cum == 0 ? NODE_NONE : n;
        if (place[i] != NODE_NONE)
            nodes[n++] = node;
    }
    for (uint32_t i = 0; i < graph.n_edges; i++) {
        struct edge edge = graph.edges[i];
        edge.from = place[edge.from];
        edge.to = place[edge.to];
        if (edge.from != NODE_NONE && edge.to != NODE_NONE)
            edges[n_edges++] = edge;
    }
    base_free(place);
    rows->nodes = nodes;
    rows->n_nodes = n;
    rows->edges = edges;
    rows->n_edges = n_edges;
}

static double sum_flat(const struct rows *rows)
{
    double sum = 0;
    for (node_ix i = 0; i < rows->n_nodes; i++)
        sum += rows->nodes[i].flat;
    return sum;
}

/* In whole units of what is measured, as limits always were. */
static double limit_of(const struct rows *rows, double total, double fraction)
{
    return fabs(trunc(total * rows->view->measure.factor * fraction));
}

static double measure(const struct rows *rows, double value)
{
    return fabs(value * rows->view->measure.factor);
}

/* The nodes that weigh enough. What a node has does not depend on which others are kept. */
static void drop_small(const struct report *report, struct rows *rows, double limit)
{
    uint32_t n = 0;
    for (node_ix i = 0; i < rows->n_nodes; i++) {
        if (!(measure(rows, rows->nodes[i].cum) < limit))
            rows->nodes[n++] = rows->nodes[i];
        else
            tally_trimmed(report, rows->nodes[i].flat);
    }
    rows->n_dropped = rows->n_nodes - n;
    rows->n_nodes = n;
}

/* Edges come last, between the nodes that are kept: they are most of the work. */
static void cut(const struct report *report, int64_t max_nodes, struct rows *rows)
{
    const struct trim_options *trim = &report->options->trim;
    const double sum = sum_flat(rows);
    const double edge_limit = limit_of(rows, sum, trim->edge_fraction);
    drop_small(report, rows, limit_of(rows, sum, trim->node_fraction));
    rows->n_all = rows->n_nodes;
    sort_nodes(report, rows);
    if (max_nodes > 0 && (uint64_t)max_nodes < rows->n_nodes) {
        for (node_ix i = (node_ix)max_nodes; i < rows->n_nodes; i++)
            tally_trimmed(report, rows->nodes[i].flat);
        rows->n_nodes = (uint32_t)max_nodes;
    }

    struct idmap kept = {0};
    for (node_ix i = 0; i < rows->n_nodes; i++)
        (void)idmap_add(&kept, rows->nodes[i].label, i, NULL);
    fold(report, &kept, true, rows);
    idmap_free(&kept);
    sort_nodes(report, rows);
    uint32_t n = 0;
    for (uint32_t i = 0; i < rows->n_edges; i++) {
        if (!(measure(rows, rows->edges[i].weight) < edge_limit))
            rows->edges[n++] = rows->edges[i];
    }
    rows->n_edges = n;
}

/* ---- units --------------------------------------------------------------------------------------
 */

/* The unit that suits the smallest value; a hundred times it where values are far apart, so that
 * the smallest is still seen in the second decimal. */
static const char *choose_unit(const struct rows *rows)
{
    const char *unit = rows->view->measure.unit;
    const double greatest = measure(rows, rows->total);
    double least = 0;
    for (node_ix i = 0; i < rows->n_nodes; i++) {
        const struct node *node = &rows->nodes[i];
        const double value = trunc(measure(rows, trunc(node->flat) != 0 ? node->flat : node->cum));
        if (value > 0 && (least == 0 || value < least))
            least = value;
    }
    if (least == 0)
        least = greatest;
    const char *of_least, *of_greatest, *chosen;
    (void)scale_value(least, unit, "minimum", &of_least);
    (void)scale_value(greatest, unit, "minimum", &of_greatest);
    chosen = of_least;
    if (strcmp(of_least, of_greatest) != 0 && least * 100 < greatest)
        (void)scale_value(least * 100, unit, "minimum", &chosen);
    return *chosen ? chosen : unit;
}

const char *rows_share(const struct rows *rows, double value, double total, char text[UNITS_TEXT])
{
    const double factor = rows->view->measure.factor;
    return scale_percent(text, trunc(value * factor), trunc(total * factor));
}

const char *rows_value(const struct rows *rows, double value, char text[UNITS_TEXT])
{
    return report_measure(rows->view, value, rows->unit, text);
}

const char *report_measure(const struct view *view, double value, const char *unit,
                           char text[UNITS_TEXT])
{
    return scale_text(text, trunc(value * view->measure.factor), view->measure.unit, unit);
}

void rows_make(const struct report *report, int64_t usual_nodes, bool is_whole, struct rows *rows)
{
    const struct view *view = report->view;
    const struct trim_options *trim = &report->options->trim;
    *rows = (struct rows){
        .view = view,
        .total = view->base_total > 0 ? view->base_total : view->magnitude,
        .is_whole = is_whole || trim->keep_all,
    };
    fold(report, NULL, rows->is_whole, rows);
    tally_unattributed(report, true);
    rows->n_all = rows->n_nodes;
    if (rows->is_whole)
        sort_nodes(report, rows);
    else
        cut(report, trim->has_max_nodes ? trim->max_nodes : usual_nodes, rows);
    const char *unit = report->options->unit ? report->options->unit : "minimum";
    rows->unit = strcmp(unit, "minimum") == 0 ? choose_unit(rows) : unit;
}

/* ---- the lines above ----------------------------------------------------------------------------
 */

/* "Jan 2, 2006 at 3:04pm (UTC)", in the zone of whoever reads it. */
static void write_time(int64_t time_ns, struct out *out)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const time_t seconds = (time_t)(time_ns / 1000000000 - (time_ns % 1000000000 < 0));
    struct tm tm;
    if (!localtime_r(&seconds, &tm))
        return;
    out_printf(out, "Time: %s %d, %lld at %d:%02d%s (%s)\n", months[tm.tm_mon], tm.tm_mday,
               (long long)tm.tm_year + 1900, tm.tm_hour % 12 ? tm.tm_hour % 12 : 12, tm.tm_min,
               tm.tm_hour < 12 ? "am" : "pm", tm.tm_zone ? tm.tm_zone : "");
}

/* How long it took, and how much of that was busy where values are times. */
static void write_duration(const struct report *report, const char *unit, struct out *out)
{
    const struct view *view = report->view;
    const double duration = (double)view->profile->duration_ns;
    char text[UNITS_TEXT], share[UNITS_TEXT];
    const char *name;
    const double total = view->base_total > 0 ? view->base_total : view->magnitude;
    const double busy =
        scale_value(trunc(total * view->measure.factor), view->measure.unit, "nanoseconds", &name);
    out_printf(out, "Duration: %s, ", scale_text(text, duration, "nanoseconds", "auto"));
    out_printf(out, "Total samples = %s ", report_measure(view, total, unit, text));
    if (busy != 0 && strcmp(name, "ns") == 0)
        out_printf(out, "(%s)", scale_percent(share, busy, duration));
    out_byte(out, '\n');
}

void report_labels(const struct report *report, const char *unit, struct out *out)
{
    const struct view *view = report->view;
    const struct profile *profile = view->profile;
    const char *program = report->options->program;
    if (program && strcmp(program, "(unknown)") != 0)
        out_printf(out, "File: %s\n", span_file_name(span_of(program)).p);
    for (map_ix m = 0; m < profile->n_maps; m++) {
        const struct mapping *map = &profile->maps[m];
        if (map->build_id == 0 || !(map->is_program || map->path == profile->program))
            continue;
        out_printf(out, "Build ID: %s\n", strings_text(profile->strings, map->build_id));
        break;
    }
    for (uint32_t i = 0; i < profile->n_comments; i++)
        out_printf(out, "%s\n", strings_text(profile->strings, profile->comments[i]));
    out_printf(out, "Type: %s%s\n", view->measure.type, report_thread(report));
    if (profile->time_ns)
        write_time(profile->time_ns, out);
    if (profile->duration_ns)
        write_duration(report, unit, out);
}

static void write_filters(const struct report *report, struct out *out)
{
    const char *const *filters = report->options->filters;
    if (!filters || !filters[0])
        return;
    out_text(out, "Active filters:\n");
    for (; *filters; filters++)
        out_printf(out, "   %.80s%s\n", *filters, strlen(*filters) > 80 ? "..." : "");
}

void rows_labels(const struct report *report, const struct rows *rows, struct out *out)
{
    char shown[UNITS_TEXT], total[UNITS_TEXT], share[UNITS_TEXT], limit[UNITS_TEXT];
    const double sum = sum_flat(rows);
    report_labels(report, rows->unit, out);
    write_filters(report, out);
    rows_share(rows, sum, rows->total, share);
    out_printf(out, "Showing nodes accounting for %s, %s of %s total\n",
               rows_value(rows, sum, shown), share + strspn(share, " "),
               rows_value(rows, rows->total, total));
    if (rows->total == 0)
        return;
    if (rows->n_dropped) {
        const double value = limit_of(rows, rows->total, report->options->trim.node_fraction);
        out_printf(out, "Dropped %u node%s (cum <= %s)\n", rows->n_dropped,
                   rows->n_dropped > 1 ? "s" : "",
                   scale_text(limit, value, rows->view->measure.unit, rows->unit));
    }
    if (rows->n_nodes > 0 && rows->n_nodes < rows->n_all)
        out_printf(out, "Showing top %u nodes out of %u\n", rows->n_nodes, rows->n_all);
}

void rows_numbers(const struct rows *rows, const struct node *node, double *sum, struct out *out)
{
    char flat[UNITS_TEXT], cum[UNITS_TEXT];
    char flat_share[UNITS_TEXT], sum_share[UNITS_TEXT], cum_share[UNITS_TEXT];
    *sum += node->flat;
    out_printf(out, "%10s %s %s %10s %s", rows_value(rows, node->flat, flat),
               rows_share(rows, node->flat, rows->total, flat_share),
               rows_share(rows, *sum, rows->total, sum_share), rows_value(rows, node->cum, cum),
               rows_share(rows, node->cum, rows->total, cum_share));
}
