/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From stacks to nodes and edges. Addresses are turned into entries once, so that the pass over the
 * stacks only adds numbers: the first entry of a stack gets flat, each distinct one cum once (a
 * stamp says whether it had it), each pair of neighbours an edge, with repeats or without. The
 * invariants: entries with one text are one node, and nothing is allocated for a stack. */
#include "graph/internal.h"

/* An entry in entry_node that stands for no node: its name depends on what it called. */
#define NODE_BY_CALLEE (UINT32_MAX - 1)

/* Most functions have few callers: the edges from some of them are found without a look-up. */
#define CALLERS_KEPT 4

/* What each frame of each stack touches: small, so that many are in the caches. */
struct work_sum {
    double cum;
    uint32_t stamp; /* the last stack that had it, + 1 */
    bool is_kept;
};

struct work_node {
    double flat;
    str_id label;
    uint16_t next; /* of the callers, to be replaced */
    bool is_inlined;
    node_ix caller[CALLERS_KEPT];
    uint32_t caller_edge[CALLERS_KEPT];
};
_Static_assert(sizeof(struct work_node) <= 64, "a cache line");

struct fold {
    const struct view *view;
    const struct fold_options *options;
    struct entry_style style;
    struct buf scratch;

    uint32_t *entry_at; /* entries of address a: entry_at[a] .. entry_at[a + 1] */
    node_ix *entry_node;

    struct work_node *nodes;
    struct work_sum *sums; /* of the same nodes */
    uint32_t n_nodes, nodes_cap, sums_cap;
    struct idmap node_of; /* label to node */

    struct edge *edges;
    uint32_t n_edges, edges_cap;
    struct idmap edge_of; /* from << 32 | to */

    /* Of FOLD_ONCE: the entries of one stack, and of each edge the last stack that had it, + 1. */
    struct step {
        node_ix node;
        bool is_inlined;
    } * path;
    uint32_t *edge_stamp, edge_stamp_cap;

    struct idmap run_of; /* pc of what a callback called to the K of Run#K, less one */
    uint32_t n_runs;
    struct idmap run_node; /* entry << 32 | K to node */

    double flat_total;
};

static node_ix add_node(struct fold *fold, str_id label, bool is_inlined)
{
    bool is_new;
    const node_ix node = idmap_add(&fold->node_of, label, fold->n_nodes, &is_new);
    if (!is_new)
        return node;
    fold->nodes =
        base_grow(fold->nodes, &fold->nodes_cap, (size_t)fold->n_nodes + 1, sizeof fold->nodes[0]);
    fold->sums =
        base_grow(fold->sums, &fold->sums_cap, (size_t)fold->n_nodes + 1, sizeof fold->sums[0]);
    struct work_node *work = &fold->nodes[fold->n_nodes];
    uint32_t any;
    *work = (struct work_node){.label = label, .is_inlined = is_inlined};
    fold->sums[fold->n_nodes++] = (struct work_sum){
        .is_kept = !fold->options->kept || idmap_find(fold->options->kept, label, &any),
    };
    for (unsigned i = 0; i < CALLERS_KEPT; i++)
        work->caller[i] = NODE_NONE;
    return node;
}

/* ---- entries ------------------------------------------------------------------------------------
 */

/* One entry a frame for each address that some stack has and reports do not skip. */
static void make_entries(struct fold *fold)
{
    const struct view *view = fold->view;
    const struct symbols *symbols = view->symbols;
    const uint32_t n = view->profile->n_addrs;
    uint8_t *is_used = base_alloc(n, 1);
    for (uint32_t i = 0; i < view->stack_at[view->n_stacks]; i++)
        is_used[view->stack_addr[i]] = 1;

    fold->entry_at = base_alloc((size_t)n + 1, sizeof fold->entry_at[0]);
    for (addr_ix a = 0; a < n; a++) {
        is_used[a] = is_used[a] && (fold->style.is_plain || !view_address_is_skipped(view, a));
        fold->entry_at[a + 1] = fold->entry_at[a] + (is_used[a] ? view_n_frames(view, a) : 0);
    }
    fold->entry_node = base_alloc(fold->entry_at[n], sizeof fold->entry_node[0]);

    const uint32_t n_frames = symbols ? symbols->n_frames : 0;
    node_ix *frame_node = base_alloc(n_frames, sizeof *frame_node);
    memset(frame_node, 0xff, n_frames * sizeof *frame_node);
    for (addr_ix a = 0; a < n; a++) {
        for (uint32_t e = fold->entry_at[a], i = 0; e < fold->entry_at[a + 1]; e++, i++) {
            const struct frame *frame = view_frame(view, a, i);
            node_ix *known = entry_is_of_frame(view, &fold->style, frame)
                                 ? &frame_node[frame - symbols->frames]
                                 : NULL;
            if (known && *known != NODE_NONE) {
                fold->entry_node[e] = *known;
                continue;
            }
            node_ix node = NODE_BY_CALLEE;
            if (!entry_is_callback(view, &fold->style, frame)) {
                const str_id label = entry_label(view, &fold->style, a, frame, 0, &fold->scratch);
                const bool says_inline = frame->is_inlined && !fold->style.is_plain &&
                                         fold->style.granularity != GRANULARITY_FILES &&
                                         fold->style.granularity != GRANULARITY_DSO;
                node = add_node(fold, label, says_inline);
            }
            fold->entry_node[e] = node;
            if (known)
                *known = node;
        }
    }
    base_free(frame_node);
    base_free(is_used);
}

/* The node of a callback: one for each address that it called, numbered as they come. 0 stands for
 * none: the callback is the leaf. */
static node_ix find_callback(struct fold *fold, addr_ix addr, uint32_t entry, uint64_t callee_pc)
{
    bool is_new;
    const uint32_t run = idmap_add(&fold->run_of, callee_pc, fold->n_runs, &is_new);
    fold->n_runs += is_new;
    const uint64_t key = (uint64_t)entry << 32 | run;
    node_ix node;
    if (idmap_find(&fold->run_node, key, &node))
        return node;
    const struct frame *frame = view_frame(fold->view, addr, entry - fold->entry_at[addr]);
    const str_id label =
        entry_label(fold->view, &fold->style, addr, frame, run + 1, &fold->scratch);
    node = add_node(fold, label, false);
    (void)idmap_add(&fold->run_node, key, node, NULL);
    return node;
}

/* ---- the pass -----------------------------------------------------------------------------------
 */

static uint32_t find_edge(struct fold *fold, node_ix from, node_ix to)
{
    struct work_node *callee = &fold->nodes[to];
    for (unsigned i = 0; i < CALLERS_KEPT; i++) {
        if (callee->caller[i] == from)
            return callee->caller_edge[i];
    }
    bool is_new;
    const uint64_t key = (uint64_t)from << 32 | to;
    const uint32_t edge = idmap_add(&fold->edge_of, key, fold->n_edges, &is_new);
    if (is_new) {
        fold->edges = base_grow(fold->edges, &fold->edges_cap, (size_t)fold->n_edges + 1,
                                sizeof fold->edges[0]);
        fold->edges[fold->n_edges++] = (struct edge){.from = from, .to = to};
    }
    callee->caller[callee->next] = from;
    callee->caller_edge[callee->next] = edge;
    callee->next = (uint16_t)((callee->next + 1) % CALLERS_KEPT);
    return edge;
}

/* The node of an entry at place i of a stack. */
static node_ix find_node(struct fold *fold, uint32_t entry, uint32_t i, uint32_t begin)
{
    const struct view *view = fold->view;
    const node_ix node = fold->entry_node[entry];
    if (node != NODE_BY_CALLEE)
        return node;
    const uint64_t pc = i > begin ? view->profile->addr_pc[view->stack_addr[i - 1]] : 0;
    return find_callback(fold, view->stack_addr[i], entry, pc);
}

static void fold_stack(struct fold *fold, uint32_t s, bool with_edges)
{
    const struct view *view = fold->view;
    const double value = view->stack_value[s];
    const uint32_t stamp = s + 1;
    const uint32_t begin = view->stack_at[s], end = view->stack_at[s + 1];
    node_ix callee = NODE_NONE;
    for (uint32_t i = begin; i < end; i++) {
        const addr_ix addr = view->stack_addr[i];
        for (uint32_t e = fold->entry_at[addr]; e < fold->entry_at[addr + 1]; e++) {
            const node_ix node = find_node(fold, e, i, begin);
            struct work_sum *sum = &fold->sums[node];
            if (sum->stamp != stamp) {
                sum->stamp = stamp;
                sum->cum += value;
            }
            if (callee == NODE_NONE) {
                fold->nodes[node].flat += value;
                fold->flat_total += value;
            } else if (with_edges) {
                const uint32_t edge = find_edge(fold, node, callee); /* may move the edges */
                fold->edges[edge].weight += value;
            }
            callee = node;
        }
    }
}

static void add_once(struct fold *fold, node_ix from, const struct step *to, double value,
                     uint32_t stamp, bool is_residual)
{
    const uint32_t n_before = fold->n_edges;
    const uint32_t at = find_edge(fold, from, to->node);
    struct edge *edge = &fold->edges[at];
    if (fold->n_edges != n_before) {
        fold->edge_stamp = base_grow(fold->edge_stamp, &fold->edge_stamp_cap, fold->n_edges,
                                     sizeof fold->edge_stamp[0]);
        fold->edge_stamp[at] = 0;
        edge->is_inlined = true;
    }
    if (fold->edge_stamp[at] == stamp)
        return;
    fold->edge_stamp[at] = stamp;
    edge->weight += value;
    edge->is_residual |= is_residual;
    edge->is_inlined &= to->is_inlined;
}

/* From the outermost frame to the innermost: what stands between two nodes that are kept makes
 * their edge residual. Entries are looked up the other way, as in fold_stack, for the numbers of
 * callbacks. */
static void fold_once(struct fold *fold, uint32_t s)
{
    const struct view *view = fold->view;
    const double value = view->stack_value[s];
    const uint32_t stamp = s + 1;
    const uint32_t begin = view->stack_at[s], end = view->stack_at[s + 1];
    uint32_t n = 0;
    for (uint32_t i = begin; i < end; i++) {
        const addr_ix addr = view->stack_addr[i];
        const uint32_t last = fold->entry_at[addr + 1];
        for (uint32_t e = fold->entry_at[addr]; e < last; e++)
            fold->path[n++] =
                (struct step){.node = find_node(fold, e, i, begin), .is_inlined = e + 1 != last};
    }
    node_ix caller = NODE_NONE;
    bool is_residual = false;
    while (value != 0 && n-- > 0) {
        const struct step step = fold->path[n];
        struct work_sum *sum = &fold->sums[step.node];
        if (!sum->is_kept) {
            is_residual = true;
            continue;
        }
        if (sum->stamp != stamp) {
            sum->stamp = stamp;
            sum->cum += value;
        }
        if (fold->options->with_edges && caller != NODE_NONE && caller != step.node)
            add_once(fold, caller, &step, value, stamp, is_residual);
        caller = step.node;
        is_residual = false;
    }
    if (caller != NODE_NONE && !is_residual) {
        fold->nodes[caller].flat += value;
        fold->flat_total += value;
    }
}

/* Room for the entries of any stack. */
static void make_path(struct fold *fold)
{
    const struct view *view = fold->view;
    size_t most = 1;
    for (uint32_t s = 0; s < view->n_stacks; s++) {
        size_t n = 0;
        for (uint32_t i = view->stack_at[s]; i < view->stack_at[s + 1]; i++) {
            const addr_ix addr = view->stack_addr[i];
            n += fold->entry_at[addr + 1] - fold->entry_at[addr];
        }
        most = n > most ? n : most;
    }
    fold->path = base_alloc(most, sizeof fold->path[0]);
}

static void hand_over(const struct fold *fold, struct arena *arena, struct graph *out)
{
    struct node *nodes = arena_alloc(arena, fold->n_nodes, sizeof *nodes);
    for (node_ix i = 0; i < fold->n_nodes; i++) {
        const struct work_node *work = &fold->nodes[i];
        nodes[i] = (struct node){
            .label = work->label,
            .flat = work->flat,
            .cum = fold->sums[i].cum,
            .is_inlined = work->is_inlined,
        };
    }
    struct edge *edges = arena_alloc(arena, fold->n_edges, sizeof *edges);
    if (fold->n_edges)
        memcpy(edges, fold->edges, fold->n_edges * sizeof *edges);
    *out = (struct graph){
        .nodes = nodes,
        .n_nodes = fold->n_nodes,
        .edges = edges,
        .n_edges = fold->n_edges,
        .flat_total = fold->flat_total,
    };
}

void graph_fold(const struct view *view, const struct fold_options *options, struct graph *out)
{
    uint8_t *is_shared = find_shared_names(view);
    struct fold fold = {
        .view = view,
        .options = options,
        .style = {.granularity = options->granularity,
                  .show_addresses = options->show_addresses,
                  .is_plain = options->is_plain,
                  .is_shared = is_shared},
        .scratch = BUF_MAX((size_t)1 << 20),
    };
    make_entries(&fold);
    if (options->rule == FOLD_ONCE)
        make_path(&fold);
    for (uint32_t s = 0; s < view->n_stacks; s++) {
        if (options->rule == FOLD_ONCE)
            fold_once(&fold, s);
        else
            fold_stack(&fold, s, options->with_edges);
    }
    hand_over(&fold, view->arena, out);

    base_free(is_shared);
    base_free(fold.entry_at);
    base_free(fold.entry_node);
    base_free(fold.nodes);
    base_free(fold.sums);
    base_free(fold.edges);
    base_free(fold.path);
    base_free(fold.edge_stamp);
    idmap_free(&fold.node_of);
    idmap_free(&fold.edge_of);
    idmap_free(&fold.run_of);
    idmap_free(&fold.run_node);
    buf_free(&fold.scratch);
}
