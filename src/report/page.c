/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A call graph cut to a page, which all graph outputs start from: DOT text as well as pictures, so
 * that they show the same nodes and edges. */
#include "report/internal.h"

#include <math.h>

struct fold_options page_fold(const struct report_options *options)
{
    return (struct fold_options){
        .granularity = options->granularity,
        .show_addresses = options->show_addresses,
        .with_edges = true,
    };
}

void page_add_residual(const struct report *report, struct trimmed *page)
{
    const struct fold_options fold = page_fold(report->options);
    if (!report->options->trim.keep_all)
        graph_add_residual(report->view, &fold, page);
}

/* The nodes that are not on the page. */
static void tally_rest(const struct report *report, const struct graph *graph,
                       const struct trimmed *page)
{
    struct idmap kept = {0};
    uint32_t any;
    for (node_ix i = 0; i < page->n_nodes; i++)
        (void)idmap_add(&kept, page->nodes[i].label, i, NULL);
    for (node_ix i = 0; i < graph->n_nodes; i++) {
        if (!idmap_find(&kept, graph->nodes[i].label, &any))
            tally_trimmed(report, graph->nodes[i].flat);
    }
    idmap_free(&kept);
    tally_unattributed(report, false);
}

bool page_make(const struct report *report, struct trimmed *out, struct error *err)
{
    const struct view *view = report->view;
    const struct fold_options fold = page_fold(report->options);
    struct graph graph;
    graph_fold(view, &fold, &graph);
    struct trimmed page;
    graph_trim(view, &graph, &report->options->trim, &page);
    if (page.n_nodes == 0)
        return error_set(err, ERROR_FORMAT, "No nodes to print");
    if (report->tally)
        tally_rest(report, &graph, &page);
    if (page.node_limit > 0 || page.edge_limit > 0) {
        char node[UNITS_TEXT], edge[UNITS_TEXT];
        notes_add(report->notes, "Dropping nodes with <= %s %s; edges with <= %s abs(%s)",
                  view_value_text(view, page.node_limit, node), view->format.unit,
                  view_value_text(view, page.edge_limit, edge), view->format.unit);
    }
    *out = page;
    return true;
}

double page_font_size(const struct trimmed *page, const struct node *node)
{
    const double share = page->flat_total > 0 ? fabs(node->flat / page->flat_total) : 0;
    return 8.0 + 50.0 * sqrt(share);
}

double page_edge_width(const struct trimmed *page, const struct edge *edge)
{
    if (page->flat_total == 0)
        return 0;
    return 2 * fmin(1, fabs(3 * edge->weight / page->flat_total));
}

int page_edge_weight(const struct edge *edge)
{
    const double weight = pow(fabs(edge->weight), 0.7);
    return weight >= 100000 ? 100000 : (int)weight;
}

bool page_edge_is_dashed(const struct view *view, const struct trimmed *page,
                         const struct edge *edge)
{
    const struct span label = strings_span(view->profile->strings, page->nodes[edge->to].label);
    return span_find_text(label, "(inline)") != SIZE_MAX;
}

void page_node_numbers(const struct view *view, const struct trimmed *page, const struct node *node,
                       const char *line_end, struct buf *out)
{
    const double whole = report_whole(view, page->flat_total);
    char value[UNITS_TEXT], share[UNITS_TEXT];
    buf_printf(out, "%s (%s)", view_value_text(view, node->flat, value),
               units_percent(share, node->flat, whole));
    if (node->flat == node->cum)
        return;
    buf_printf(out, "%sof %s (%s)", line_end, view_value_text(view, node->cum, value),
               units_percent(share, node->cum, whole));
}
