/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What of a graph fits on a page: the nodes with the greatest cumulative values, and of the edges
 * between them those that matter (docs/reports.md). Apart from folding, since a table wants all.
 * The invariant: every node that has a caller among the kept keeps at least one edge into it. */
#include "graph/graph.h"

#include <math.h>
#include <stdlib.h>

struct rank {
    double weight;
    const char *label;
    node_ix node;
};

static int compare_ranks(const void *left, const void *right)
{
    const struct rank *a = left, *b = right;
    if (a->weight != b->weight)
        return a->weight > b->weight ? -1 : 1;
    return strcmp(a->label, b->label);
}

/* By decreasing absolute cumulative value; numbers that are none go last. */
static void keep_nodes(const struct view *view, const struct graph *graph,
                       const struct trim_options *options, struct trimmed *out, node_ix *place)
{
    struct rank *ranks = base_alloc(graph->n_nodes, sizeof *ranks);
    for (node_ix i = 0; i < graph->n_nodes; i++) {
        const double weight = fabs(graph->nodes[i].cum);
        ranks[i] = (struct rank){
            .weight = weight == weight ? weight : -1,
            .label = strings_text(view->profile->strings, graph->nodes[i].label),
            .node = i,
        };
    }
    if (graph->n_nodes)
        qsort(ranks, graph->n_nodes, sizeof *ranks, compare_ranks);
    uint32_t n = graph->n_nodes;
    if (!options->keep_all) {
        if (options->max_nodes < n)
            n = options->max_nodes > 0 ? (uint32_t)options->max_nodes : 0;
        while (n > 0 && ranks[n - 1].weight <= out->node_limit)
            n--;
    }
    out->nodes = arena_alloc(view->arena, n, sizeof *out->nodes);
    out->n_nodes = n;
    for (node_ix i = 0; i < graph->n_nodes; i++)
        place[ranks[i].node] = i < n ? i : NODE_NONE;
    for (node_ix i = 0; i < n; i++)
        out->nodes[i] = graph->nodes[ranks[i].node];
    base_free(ranks);
}

static int compare_edges(const void *left, const void *right)
{
    const struct edge *a = left, *b = right;
    if (a->weight != b->weight)
        return a->weight > b->weight ? -1 : 1;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    return a->to < b->to ? -1 : a->to > b->to;
}

/* In order of signed weight: the first edge into a node stays, so that no kept node seems to come
 * out of nowhere; others must be worth it and find room at both ends. */
static void keep_edges(const struct view *view, const struct graph *graph,
                       const struct trim_options *options, struct trimmed *out,
                       const node_ix *place)
{
    struct edge *edges = arena_alloc(view->arena, graph->n_edges, sizeof *edges);
    uint32_t n = 0;
    for (uint32_t i = 0; i < graph->n_edges; i++) {
        const struct edge edge = graph->edges[i];
        if (place[edge.from] == NODE_NONE || place[edge.to] == NODE_NONE)
            continue;
        edges[n++] =
            (struct edge){.from = place[edge.from], .to = place[edge.to], .weight = edge.weight};
    }
    if (n)
        qsort(edges, n, sizeof *edges, compare_edges);

    int64_t *n_in = base_alloc(out->n_nodes, sizeof *n_in);
    int64_t *n_out = base_alloc(out->n_nodes, sizeof *n_out);
    uint32_t n_kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct edge edge = edges[i];
        const bool is_dropped =
            !options->keep_all && n_in[edge.to] > 0 &&
            (fabs(edge.weight) <= out->edge_limit || n_out[edge.from] >= options->max_degree ||
             n_in[edge.to] >= options->max_degree);
        if (is_dropped)
            continue;
        n_out[edge.from]++;
        n_in[edge.to]++;
        edges[n_kept++] = edge;
    }
    base_free(n_in);
    base_free(n_out);
    out->edges = edges;
    out->n_edges = n_kept;
}

void graph_trim(const struct view *view, const struct graph *graph,
                const struct trim_options *options, struct trimmed *out)
{
    *out = (struct trimmed){
        .flat_total = graph->flat_total,
        .node_limit = trunc(options->node_fraction * graph->flat_total),
        .edge_limit = trunc(options->edge_fraction * graph->flat_total),
    };
    node_ix *place = base_alloc(graph->n_nodes, sizeof *place);
    keep_nodes(view, graph, options, out, place);
    keep_edges(view, graph, options, out, place);
    base_free(place);
}
