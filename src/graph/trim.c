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

/* ---- residual edges -----------------------------------------------------------------------------
 */

/* The edges that leave each node, as lists: first[node], then next[edge]; + 1, 0 ends one. */
struct ways {
    const struct edge *edges;
    uint32_t *first, *next;
    node_ix *queue;
    uint8_t *is_seen;
    uint32_t n_nodes;
};

static void add_way(struct ways *ways, uint32_t edge)
{
    const node_ix from = ways->edges[edge].from;
    ways->next[edge] = ways->first[from];
    ways->first[from] = edge + 1;
}

/* Whether some way leads from one node to another, breadth first. */
static bool is_reachable(const struct ways *ways, node_ix from, node_ix to)
{
    memset(ways->is_seen, 0, ways->n_nodes);
    uint32_t n = 0;
    ways->queue[n++] = from;
    ways->is_seen[from] = 1;
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t e = ways->first[ways->queue[i]]; e; e = ways->next[e - 1]) {
            const node_ix next = ways->edges[e - 1].to;
            if (next == to)
                return true;
            if (!ways->is_seen[next])
                ways->queue[n++] = next;
            ways->is_seen[next] = 1;
        }
    }
    return false;
}

/* The residual edges between nodes of the page, heaviest first. */
static struct edge *list_residual(const struct view *view, const struct graph *graph,
                                  const struct trimmed *page, uint32_t *n)
{
    struct idmap place_of = {0};
    for (node_ix i = 0; i < page->n_nodes; i++)
        (void)idmap_add(&place_of, page->nodes[i].label, i, NULL);
    struct edge *edges = arena_alloc(view->arena, graph->n_edges, sizeof *edges);
    *n = 0;
    for (uint32_t i = 0; i < graph->n_edges; i++) {
        struct edge edge = graph->edges[i];
        if (!edge.is_residual || fabs(edge.weight) <= page->edge_limit ||
            !idmap_find(&place_of, graph->nodes[edge.from].label, &edge.from) ||
            !idmap_find(&place_of, graph->nodes[edge.to].label, &edge.to))
            continue;
        edges[(*n)++] = edge;
    }
    idmap_free(&place_of);
    if (*n)
        qsort(edges, *n, sizeof *edges, compare_edges);
    return edges;
}

void graph_add_residual(const struct view *view, const struct fold_options *options,
                        struct trimmed *page)
{
    struct idmap kept = {0};
    for (node_ix i = 0; i < page->n_nodes; i++)
        (void)idmap_add(&kept, page->nodes[i].label, i, NULL);
    struct fold_options once = *options;
    once.rule = FOLD_ONCE;
    once.with_edges = true;
    once.kept = &kept;
    struct graph graph;
    graph_fold(view, &once, &graph);
    uint32_t n;
    const struct edge *residual = list_residual(view, &graph, page, &n);
    idmap_free(&kept);

    struct edge *edges = arena_alloc(view->arena, (size_t)page->n_edges + n, sizeof *edges);
    if (page->n_edges)
        memcpy(edges, page->edges, page->n_edges * sizeof *edges);
    page->edges = edges;
    struct ways ways = {
        .edges = edges,
        .n_nodes = page->n_nodes,
        .first = base_alloc(page->n_nodes, sizeof ways.first[0]),
        .next = base_alloc((size_t)page->n_edges + n, sizeof ways.next[0]),
        .queue = base_alloc(page->n_nodes, sizeof ways.queue[0]),
        .is_seen = base_alloc(page->n_nodes, 1),
    };
    for (uint32_t i = 0; i < page->n_edges; i++)
        add_way(&ways, i);
    for (uint32_t i = 0; i < n; i++) {
        if (is_reachable(&ways, residual[i].from, residual[i].to))
            continue;
        edges[page->n_edges] = residual[i];
        add_way(&ways, page->n_edges++);
    }
    base_free(ways.first);
    base_free(ways.next);
    base_free(ways.queue);
    base_free(ways.is_seen);
}
