/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From stacks to nodes and edges. Addresses are turned into entries when the first stack has them,
 * so that the pass over the stacks mostly adds numbers: the first entry of a stack gets flat, each
 * distinct one cum once (a stamp says whether it had it), each pair of neighbours an edge, with
 * repeats or without. The invariants: entries with one text are one node, and nothing is allocated
 * for a stack. */
#include "graph/internal.h"

/* An entry in entry_node that stands for no node: its name depends on what it called. */
#define NODE_BY_CALLEE (UINT32_MAX - 1)

/* The edges met last are found again without a look-up in the table of all: this many, by a hash.
 */
#define NEAR_BITS 13

/* What each frame of each stack touches: small, so that many are in the caches. */
struct work_sum {
    double cum;
    uint32_t stamp; /* the last stack that had it, + 1 */
    bool is_kept;
};

struct work_node {
    double flat;
    str_id label;
    bool is_inlined;
};

struct work_edge {
    double weight;
    node_ix from, to;
    uint32_t stamp;              /* FOLD_ONCE: the last stack that had it, + 1 */
    bool is_residual, is_called; /* is_called: the callee had an address of its own there once */
};

/* The entries of an address: entry_node[first] .. entry_node[first + n - 1]. Most have one, which
 * is always the same node: that is told without a look at entry_node. */
struct place {
    uint32_t first, n;
    node_ix only; /* or NODE_NONE */
};
#define PLACE_UNSEEN UINT32_MAX

struct fold {
    const struct view *view;
    const struct fold_options *options;
    struct entry_style style;
    struct buf scratch;

    struct place *places; /* of each address */
    node_ix *entry_node;
    node_ix *frame_node; /* of frames that are one entry wherever they stand; else NODE_NONE */
    uint32_t n_entries, entries_cap;

    struct work_node *nodes;
    struct work_sum *sums; /* of the same nodes */
    uint32_t n_nodes, nodes_cap, sums_cap;
    struct idmap node_of; /* label to node */

    struct work_edge *edges;
    uint32_t n_edges, edges_cap;
    struct idmap edge_of; /* from << 32 | to */
    struct near_edge {
        node_ix from, to;
        uint32_t edge;
    } * near_edges;

    /* The entries of one stack. */
    struct step {
        node_ix node;
        bool is_inlined;
    } * path;
    struct crossing {
        uint32_t edge;
        bool is_residual, is_inlined;
    } * crossings; /* between them */
    uint32_t path_cap;

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
    uint32_t any;
    fold->nodes[fold->n_nodes] = (struct work_node){.label = label, .is_inlined = is_inlined};
    fold->sums[fold->n_nodes++] = (struct work_sum){
        .is_kept = !fold->options->kept || idmap_find(fold->options->kept, label, &any),
    };
    return node;
}

/* ---- entries ------------------------------------------------------------------------------------
 */

/* One entry a frame, unless reports skip the address. */
static void make_entries(struct fold *fold, addr_ix addr, struct place *place)
{
    const struct view *view = fold->view;
    const bool is_skipped = !fold->style.is_plain && view_address_is_skipped(view, addr);
    const uint32_t n = is_skipped ? 0 : view_n_frames(view, addr);
    *place = (struct place){.first = fold->n_entries, .n = n, .only = NODE_NONE};
    fold->entry_node = base_grow(fold->entry_node, &fold->entries_cap, (size_t)fold->n_entries + n,
                                 sizeof fold->entry_node[0]);
    fold->n_entries += n;
    for (uint32_t i = 0; i < n; i++) {
        const struct frame *frame = view_frame(view, addr, i);
        node_ix *known = entry_is_of_frame(view, &fold->style, frame)
                             ? &fold->frame_node[frame - view->symbols->frames]
                             : NULL;
        node_ix node = known ? *known : NODE_NONE;
        if (node == NODE_NONE && entry_is_callback(view, &fold->style, frame)) {
            node = NODE_BY_CALLEE;
        } else if (node == NODE_NONE) {
            const str_id label = entry_label(view, &fold->style, addr, frame, 0, &fold->scratch);
            const bool says_inline = frame->is_inlined && !fold->style.is_plain &&
                                     fold->style.granularity != GRANULARITY_FILES &&
                                     fold->style.granularity != GRANULARITY_DSO;
            node = add_node(fold, label, says_inline);
        }
        fold->entry_node[place->first + i] = node;
        if (known)
            *known = node;
        if (n == 1 && node != NODE_BY_CALLEE)
            place->only = node;
    }
}

/* What an address stands for is found out when the first stack has it. */
static struct place find_place(struct fold *fold, addr_ix addr)
{
    struct place *place = &fold->places[addr];
    if (place->n == PLACE_UNSEEN)
        make_entries(fold, addr, place);
    return *place;
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
    const struct frame *frame = view_frame(fold->view, addr, entry - fold->places[addr].first);
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
    const uint32_t hash = (from * 0x9e3779b1u) ^ (to * 0x85ebca6bu);
    struct near_edge *near = &fold->near_edges[hash >> (32 - NEAR_BITS)];
    if (near->from == from && near->to == to)
        return near->edge;
    bool is_new;
    const uint64_t key = (uint64_t)from << 32 | to;
    const uint32_t edge = idmap_add(&fold->edge_of, key, fold->n_edges, &is_new);
    if (is_new) {
        fold->edges = base_grow(fold->edges, &fold->edges_cap, (size_t)fold->n_edges + 1,
                                sizeof fold->edges[0]);
        fold->edges[fold->n_edges++] = (struct work_edge){.from = from, .to = to};
    }
    *near = (struct near_edge){.from = from, .to = to, .edge = edge};
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

/* The entries of a stack, innermost first, into the path; how many. Where the numbers of the next
 * ones will be added is fetched from memory meanwhile: the pass waits for little else. */
static uint32_t read_path(struct fold *fold, uint32_t s)
{
    enum { AHEAD = 12 };
    const struct view *view = fold->view;
    const uint32_t begin = view->stack_at[s], end = view->stack_at[s + 1];
    const uint32_t end_all = view->stack_at[view->n_stacks];
    uint32_t n = 0;
    for (uint32_t i = begin; i < end; i++) {
        if (i + AHEAD < end_all)
            __builtin_prefetch(&fold->places[view->stack_addr[i + AHEAD]]);
        const struct place place = find_place(fold, view->stack_addr[i]);
        if (n + place.n > fold->path_cap) {
            uint32_t cap = fold->path_cap;
            fold->path =
                base_grow(fold->path, &fold->path_cap, (size_t)n + place.n, sizeof fold->path[0]);
            fold->crossings =
                base_grow(fold->crossings, &cap, (size_t)n + place.n, sizeof fold->crossings[0]);
        }
        for (uint32_t k = 0; k < place.n; k++) {
            const node_ix node =
                place.only != NODE_NONE ? place.only : find_node(fold, place.first + k, i, begin);
            __builtin_prefetch(&fold->sums[node], 1);
            fold->path[n++] = (struct step){.node = node, .is_inlined = k + 1 != place.n};
        }
    }
    return n;
}

static void add_cum(struct fold *fold, node_ix node, double value, uint32_t stamp)
{
    struct work_sum *sum = &fold->sums[node];
    if (sum->stamp != stamp) {
        sum->stamp = stamp;
        sum->cum += value;
    }
}

static void add_flat(struct fold *fold, node_ix node, double value)
{
    fold->nodes[node].flat += value;
    fold->flat_total += value;
}

/* The edge between two neighbours of the stack, to be added to when all of them are known: each is
 * fetched from memory while the next ones are looked for. */
static void cross(struct fold *fold, uint32_t *n, struct crossing crossing)
{
    __builtin_prefetch(&fold->edges[crossing.edge], 1);
    fold->crossings[(*n)++] = crossing;
}

static void fold_repeats(struct fold *fold, uint32_t s)
{
    const double value = fold->view->stack_value[s];
    const uint32_t n = read_path(fold, s);
    uint32_t n_crossings = 0;
    if (n)
        add_flat(fold, fold->path[0].node, value);
    for (uint32_t i = 0; i < n; i++) {
        const node_ix node = fold->path[i].node;
        add_cum(fold, node, value, s + 1);
        if (i && fold->options->with_edges)
            cross(fold, &n_crossings,
                  (struct crossing){.edge = find_edge(fold, node, fold->path[i - 1].node)});
    }
    for (uint32_t i = 0; i < n_crossings; i++)
        fold->edges[fold->crossings[i].edge].weight += value;
}

/* From the outermost frame to the innermost: what stands between two nodes that are kept makes
 * their edge residual. */
static void fold_once(struct fold *fold, uint32_t s)
{
    const double value = fold->view->stack_value[s];
    const uint32_t stamp = s + 1;
    uint32_t n = read_path(fold, s), n_crossings = 0;
    node_ix caller = NODE_NONE;
    bool is_residual = false;
    while (value != 0 && n-- > 0) {
        const struct step step = fold->path[n];
        if (!fold->sums[step.node].is_kept) {
            is_residual = true;
            continue;
        }
        add_cum(fold, step.node, value, stamp);
        if (fold->options->with_edges && caller != NODE_NONE && caller != step.node)
            cross(fold, &n_crossings,
                  (struct crossing){.edge = find_edge(fold, caller, step.node),
                                    .is_residual = is_residual,
                                    .is_inlined = step.is_inlined});
        caller = step.node;
        is_residual = false;
    }
    if (caller != NODE_NONE && !is_residual)
        add_flat(fold, caller, value);
    for (uint32_t i = 0; i < n_crossings; i++) {
        const struct crossing *crossing = &fold->crossings[i];
        struct work_edge *edge = &fold->edges[crossing->edge];
        if (edge->stamp == stamp)
            continue;
        edge->stamp = stamp;
        edge->weight += value;
        edge->is_residual |= crossing->is_residual;
        edge->is_called |= !crossing->is_inlined;
    }
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
    for (uint32_t i = 0; i < fold->n_edges; i++) {
        const struct work_edge *work = &fold->edges[i];
        edges[i] = (struct edge){
            .from = work->from,
            .to = work->to,
            .weight = work->weight,
            .is_residual = work->is_residual,
            .is_inlined = fold->options->rule == FOLD_ONCE && !work->is_called,
        };
    }
    *out = (struct graph){
        .nodes = nodes,
        .n_nodes = fold->n_nodes,
        .edges = edges,
        .n_edges = fold->n_edges,
        .flat_total = fold->flat_total,
    };
}

static void fold_stacks(const struct view *view, const struct fold_options *options,
                        struct graph *out)
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
    const uint32_t n_addrs = view->profile->n_addrs;
    const uint32_t n_frames = view->symbols ? view->symbols->n_frames : 0;
    fold.places = base_alloc(n_addrs, sizeof fold.places[0]);
    fold.frame_node = base_alloc(n_frames, sizeof fold.frame_node[0]);
    if (options->with_edges) {
        fold.near_edges = base_alloc((1u << NEAR_BITS), sizeof fold.near_edges[0]);
        memset(fold.near_edges, 0xff, (1u << NEAR_BITS) * sizeof fold.near_edges[0]);
    }
    memset(fold.places, 0xff, n_addrs * sizeof fold.places[0]);
    memset(fold.frame_node, 0xff, n_frames * sizeof fold.frame_node[0]);
    for (uint32_t s = 0; s < view->n_stacks; s++) {
        if (options->rule == FOLD_ONCE)
            fold_once(&fold, s);
        else
            fold_repeats(&fold, s);
    }
    hand_over(&fold, view->arena, out);

    base_free(is_shared);
    base_free(fold.places);
    base_free(fold.entry_node);
    base_free(fold.frame_node);
    base_free(fold.nodes);
    base_free(fold.sums);
    base_free(fold.edges);
    base_free(fold.near_edges);
    base_free(fold.path);
    base_free(fold.crossings);
    idmap_free(&fold.node_of);
    idmap_free(&fold.edge_of);
    idmap_free(&fold.run_of);
    idmap_free(&fold.run_node);
    buf_free(&fold.scratch);
}

/* ---- graphs that stay ---------------------------------------------------------------------------
 */

struct kept_graph {
    struct kept_graph *next;
    struct fold_options options;
    struct graph graph;
};

/* Edges do no harm to those who do not look at them. */
static const struct graph *find_kept(const struct view *view, const struct fold_options *wanted)
{
    for (const struct kept_graph *kept = view->kept; kept && !wanted->kept; kept = kept->next) {
        const struct fold_options *has = &kept->options;
        if (has->granularity == wanted->granularity && has->rule == wanted->rule &&
            has->show_addresses == wanted->show_addresses && has->is_plain == wanted->is_plain &&
            (has->with_edges || !wanted->with_edges))
            return &kept->graph;
    }
    return NULL;
}

void graph_fold(const struct view *view, const struct fold_options *options, struct graph *out)
{
    const struct graph *kept = find_kept(view, options);
    if (!kept) {
        fold_stacks(view, options, out);
        return;
    }
    *out = *kept;
    if (!options->with_edges)
        out->n_edges = 0;
}

void graph_keep(struct view *view, const struct fold_options *options)
{
    if (find_kept(view, options))
        return;
    struct kept_graph *kept = arena_alloc(view->arena, 1, sizeof *kept);
    *kept = (struct kept_graph){.next = view->kept, .options = *options};
    fold_stacks(view, options, &kept->graph);
    view->kept = kept;
}
