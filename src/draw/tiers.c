/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Placing in tiers, for graphs that would keep graphviz busy for minutes. The known steps (break
 * cycles, give tiers, order within tiers, give x) are each a fixed number of passes over nodes and
 * edges, so time is bounded by their number. A long edge gets a place in each tier it crosses, and
 * so meets no box. */
#include "draw/internal.h"

#include <math.h>
#include <stdlib.h>

#define NONE UINT32_MAX
#define MOST_PLACES                                                                                \
    60000 /* of long edges in the tiers they cross; the longest then go straight                   \
           */
#define ORDER_SWEEPS  14
#define SHIFT_SWEEPS  30
#define BOX_GAP       18.0
#define PLACE_GAP     5.0
#define TIER_GAP      44.0
#define MOST_TIER_GAP 170.0
#define PORT_GAP      14.0
#define LOOP_REACH    16.0

/* Vertices are numbered: first the nodes with edges, then the places of long edges. */
struct tiers {
    struct plan *plan;
    uint32_t n, n_vertices, n_edges;
    uint32_t *top, *bottom;           /* of each edge, local numbers, NONE for an edge to itself */
    uint32_t *first_place, *n_places; /* of each edge; more than one tier and no places: straight */
    bool *is_turned;                  /* goes upwards, from bottom to top */

    uint32_t *out_at, *out_edge; /* of v: out_at[v] .. out_at[v + 1] */
    uint32_t *n_in;
    uint32_t *tier, n_tiers;
    double *used; /* width of each tier */
    double work_places, widest;

    /* Joints: pieces of edges between neighbouring tiers. */
    uint32_t n_joints, *joint_top, *joint_bottom;
    double *joint_weight;
    uint32_t *up_at, *up, *down_at, *down; /* joints of each vertex */

    uint32_t *row_at, *row;   /* vertices of tier t: row[row_at[t]] .. row[row_at[t + 1]] */
    uint32_t *pos;            /* of a vertex in its row */
    double *x, *left, *right; /* centre and reach to both sides */
    double *tier_y, *tier_height;
    double *port_top, *port_bottom; /* x where an edge leaves its upper and enters its lower box */
};

static const struct scene_box *box_of(const struct tiers *t, uint32_t v)
{
    return &t->plan->boxes[t->plan->nodes[v]];
}

#define ARRAY(t, n, type) ((type *)arena_alloc((t)->plan->arena, (size_t)(n) + 1, sizeof(type)))

/* Sorts numbers 0 .. n-1 into buckets by key; at has room for n_keys + 1. Skips NONE. */
static uint32_t *bucket(const struct tiers *t, const uint32_t *key, uint32_t n, uint32_t n_keys,
                        uint32_t **at)
{
    uint32_t *begin = ARRAY(t, n_keys + 1, uint32_t), *items = ARRAY(t, n, uint32_t);
    for (uint32_t i = 0; i < n; i++)
        if (key[i] != NONE)
            begin[key[i] + 1]++;
    for (uint32_t k = 0; k < n_keys; k++)
        begin[k + 1] += begin[k];
    uint32_t *next = ARRAY(t, n_keys, uint32_t);
    memcpy(next, begin, n_keys * sizeof *next);
    for (uint32_t i = 0; i < n; i++)
        if (key[i] != NONE)
            items[next[key[i]]++] = i;
    *at = begin;
    return items;
}

static void find_ends(struct tiers *t)
{
    const struct drawing *drawing = t->plan->drawing;
    uint32_t *local = ARRAY(t, drawing->n_nodes, uint32_t);
    for (uint32_t v = 0; v < t->n; v++)
        local[t->plan->nodes[v]] = v;
    for (uint32_t e = 0; e < t->n_edges; e++) {
        const struct drawing_edge *edge = &drawing->edges[e];
        const bool is_loop = edge->from == edge->to;
        t->top[e] = is_loop ? NONE : local[edge->from];
        t->bottom[e] = is_loop ? NONE : local[edge->to];
    }
}

static void count_in(struct tiers *t)
{
    memset(t->n_in, 0, t->n * sizeof *t->n_in);
    for (uint32_t e = 0; e < t->n_edges; e++)
        if (t->bottom[e] != NONE)
            t->n_in[t->bottom[e]]++;
}

/* Depth first: an edge that returns to the way we came on is turned around. */
static void break_cycles(struct tiers *t)
{
    enum { FRESH, OPEN, DONE };
    unsigned char *state = ARRAY(t, t->n, unsigned char);
    uint32_t *next = ARRAY(t, t->n, uint32_t), *way = ARRAY(t, t->n, uint32_t);
    t->out_edge = bucket(t, t->top, t->n_edges, t->n, &t->out_at);
    count_in(t);
    memcpy(next, t->out_at, t->n * sizeof *next);
    /* First from nodes that nobody calls, then from what is left. */
    for (int only_roots = 1; only_roots >= 0; only_roots--) {
        for (uint32_t root = 0; root < t->n; root++) {
            if (state[root] != FRESH || (only_roots && t->n_in[root]))
                continue;
            uint32_t depth = 0;
            way[depth++] = root;
            state[root] = OPEN;
            while (depth) {
                const uint32_t v = way[depth - 1];
                if (next[v] == t->out_at[v + 1]) {
                    state[v] = DONE;
                    depth--;
                    continue;
                }
                const uint32_t e = t->out_edge[next[v]++], to = t->bottom[e];
                if (state[to] == OPEN) {
                    t->is_turned[e] = true;
                } else if (state[to] == FRESH) {
                    state[to] = OPEN;
                    way[depth++] = to;
                }
            }
        }
    }
    for (uint32_t e = 0; e < t->n_edges; e++) {
        if (t->is_turned[e]) {
            const uint32_t v = t->top[e];
            t->top[e] = t->bottom[e];
            t->bottom[e] = v;
        }
    }
    t->out_edge = bucket(t, t->top, t->n_edges, t->n, &t->out_at);
    count_in(t);
}

static double reach(const struct tiers *t, uint32_t v)
{
    return t->left[v] + t->right[v] + BOX_GAP;
}

/* Each below its lowest caller, where there is room; then as low as its callees allow, where that
 * makes more edges shorter than longer. */
static void give_tiers(struct tiers *t, double limit)
{
    uint32_t *waits = ARRAY(t, t->n, uint32_t), *order = ARRAY(t, t->n, uint32_t);
    memcpy(waits, t->n_in, t->n * sizeof *waits);
    memset(t->tier, 0, t->n * sizeof *t->tier);
    memset(t->used, 0, t->n * sizeof *t->used);
    uint32_t n = 0;
    for (uint32_t v = 0; v < t->n; v++)
        if (waits[v] == 0)
            order[n++] = v;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t v = order[i];
        while (t->used[t->tier[v]] > 0 && t->used[t->tier[v]] + reach(t, v) > limit)
            t->tier[v]++;
        t->used[t->tier[v]] += reach(t, v);
        for (uint32_t k = t->out_at[v]; k < t->out_at[v + 1]; k++) {
            const uint32_t to = t->bottom[t->out_edge[k]];
            if (t->tier[to] <= t->tier[v])
                t->tier[to] = t->tier[v] + 1;
            if (--waits[to] == 0)
                order[n++] = to;
        }
    }
    for (uint32_t i = n; i-- > 0;) {
        const uint32_t v = order[i];
        const uint32_t n_out = t->out_at[v + 1] - t->out_at[v];
        uint32_t low = NONE;
        for (uint32_t k = t->out_at[v]; k < t->out_at[v + 1]; k++) {
            const uint32_t below = t->tier[t->bottom[t->out_edge[k]]] - 1;
            low = below < low ? below : low;
        }
        if (n_out <= t->n_in[v] || low <= t->tier[v])
            continue;
        while (low > t->tier[v] && t->used[low] + reach(t, v) > limit)
            low--;
        t->used[t->tier[v]] -= reach(t, v);
        t->used[low] += reach(t, v);
        t->tier[v] = low;
    }
    /* Tiers that became empty close. */
    uint32_t *number = ARRAY(t, t->n, uint32_t);
    for (uint32_t v = 0; v < t->n; v++)
        number[t->tier[v]] = 1;
    t->n_tiers = 0;
    t->widest = 0;
    for (uint32_t k = 0; k < t->n; k++) {
        t->widest = fmax(t->widest, t->used[k]);
        if (number[k])
            number[k] = t->n_tiers++;
    }
    for (uint32_t v = 0; v < t->n; v++)
        t->tier[v] = number[t->tier[v]];
}

static uint32_t span_of_edge(const struct tiers *t, uint32_t e)
{
    return t->top[e] == NONE ? 0 : t->tier[t->bottom[e]] - t->tier[t->top[e]];
}

struct tiers *tiers_new(struct plan *plan)
{
    struct tiers *t = arena_alloc(plan->arena, 1, sizeof *t);
    *t = (struct tiers){.plan = plan, .n = plan->n_nodes, .n_edges = plan->drawing->n_edges};
    t->top = ARRAY(t, t->n_edges, uint32_t);
    t->bottom = ARRAY(t, t->n_edges, uint32_t);
    t->is_turned = ARRAY(t, t->n_edges, bool);
    t->n_in = ARRAY(t, t->n, uint32_t);
    t->tier = ARRAY(t, t->n, uint32_t);
    t->used = ARRAY(t, t->n, double);
    t->left = ARRAY(t, t->n, double);
    t->right = ARRAY(t, t->n, double);
    for (uint32_t v = 0; v < t->n; v++)
        t->left[v] = t->right[v] = box_of(t, v)->width / 2;
    find_ends(t);
    break_cycles(t);
    give_tiers(t, INFINITY);
    for (uint32_t e = 0; e < t->n_edges; e++)
        t->work_places += span_of_edge(t, e);
    return t;
}

double tiers_work(const struct tiers *tiers, bool with_labels)
{
    return tiers->n + (with_labels ? 2 : 1) * tiers->work_places - tiers->n_edges;
}

double tiers_widest(const struct tiers *tiers)
{
    return tiers->widest;
}

/* Edges to itself hang on a box's right side, one outside the other. */
static void make_room_for_loops(struct tiers *t)
{
    const struct drawing *drawing = t->plan->drawing;
    uint32_t *loops = ARRAY(t, drawing->n_nodes, uint32_t);
    for (uint32_t e = 0; e < t->n_edges; e++)
        if (t->top[e] == NONE)
            loops[drawing->edges[e].from]++;
    for (uint32_t v = 0; v < t->n; v++) {
        const uint32_t n = loops[t->plan->nodes[v]];
        if (n)
            t->right[v] += LOOP_REACH * (n + 1) + 24;
    }
}

/* Wide as a page about as wide as it is high. */
static double tier_limit(const struct tiers *t)
{
    double surface = 0, widest = 0;
    for (uint32_t v = 0; v < t->n; v++) {
        surface += reach(t, v) * (box_of(t, v)->height + TIER_GAP);
        widest = fmax(widest, reach(t, v));
    }
    return fmax(fmax(1.6 * sqrt(surface), 1.2 * widest), 800);
}

/* The longest edges go without places when there would be too many. */
static void give_places(struct tiers *t)
{
    double *total = ARRAY(t, t->n_tiers, double); /* places that edges of each span need */
    for (uint32_t e = 0; e < t->n_edges; e++) {
        const uint32_t span = span_of_edge(t, e);
        if (span > 1)
            total[span] += span - 1;
    }
    uint32_t longest = 0;
    double sum = 0;
    for (uint32_t span = 0; span < t->n_tiers && sum + total[span] <= MOST_PLACES; span++) {
        sum += total[span];
        longest = span;
    }
    t->first_place = ARRAY(t, t->n_edges, uint32_t);
    t->n_places = ARRAY(t, t->n_edges, uint32_t);
    t->n_vertices = t->n;
    for (uint32_t e = 0; e < t->n_edges; e++) {
        const uint32_t span = span_of_edge(t, e);
        t->first_place[e] = t->n_vertices;
        t->n_places[e] = span > 1 && span <= longest ? span - 1 : 0;
        t->n_vertices += t->n_places[e];
    }

    uint32_t *tier = ARRAY(t, t->n_vertices, uint32_t);
    double *left = ARRAY(t, t->n_vertices, double), *right = ARRAY(t, t->n_vertices, double);
    memcpy(tier, t->tier, t->n * sizeof *tier);
    memcpy(left, t->left, t->n * sizeof *left);
    memcpy(right, t->right, t->n * sizeof *right);
    for (uint32_t e = 0; e < t->n_edges; e++) {
        const double half = edge_width(&t->plan->drawing->edges[e]) / 2;
        for (uint32_t k = 0; k < t->n_places[e]; k++) {
            const uint32_t v = t->first_place[e] + k;
            tier[v] = t->tier[t->top[e]] + 1 + k;
            left[v] = right[v] = half;
        }
    }
    t->tier = tier;
    t->left = left;
    t->right = right;
}

/* The k-th vertex of an edge, from its top to its bottom. */
static uint32_t vertex(const struct tiers *t, uint32_t e, uint32_t k)
{
    return k == 0 ? t->top[e] : k <= t->n_places[e] ? t->first_place[e] + k - 1 : t->bottom[e];
}

static void make_joints(struct tiers *t)
{
    const uint32_t most = t->n_edges + t->n_vertices - t->n;
    t->joint_top = ARRAY(t, most, uint32_t);
    t->joint_bottom = ARRAY(t, most, uint32_t);
    t->joint_weight = ARRAY(t, most, double);
    for (uint32_t e = 0; e < t->n_edges; e++) {
        if (span_of_edge(t, e) != t->n_places[e] + 1)
            continue;
        for (uint32_t k = 0; k <= t->n_places[e]; k++) {
            const uint32_t a = vertex(t, e, k), b = vertex(t, e, k + 1);
            const uint32_t j = t->n_joints++;
            t->joint_top[j] = a;
            t->joint_bottom[j] = b;
            /* Long edges want to be straight more than short ones want to be short. */
            t->joint_weight[j] = (a >= t->n ? 3 : 1) * (b >= t->n ? 3 : 1) *
                                 (1 + log1p(fmax(0, t->plan->drawing->edges[e].weight)) / 4);
        }
    }
    t->down = bucket(t, t->joint_top, t->n_joints, t->n_vertices, &t->down_at);
    t->up = bucket(t, t->joint_bottom, t->n_joints, t->n_vertices, &t->up_at);
}

struct sorted {
    double key;
    uint32_t tie, item;
};

static int by_key(const void *a, const void *b)
{
    const struct sorted *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->tie < y->tie ? -1 : x->tie > y->tie;
}

static void number_row(struct tiers *t, uint32_t tier)
{
    for (uint32_t i = t->row_at[tier]; i < t->row_at[tier + 1]; i++)
        t->pos[t->row[i]] = i - t->row_at[tier];
}

/* Each vertex moves to the mean of its neighbours in the tier above (or below). */
static void sort_row(struct tiers *t, uint32_t tier, bool by_above, struct sorted *scratch)
{
    const uint32_t begin = t->row_at[tier], n = t->row_at[tier + 1] - begin;
    const uint32_t other = by_above ? tier - 1 : tier + 1;
    const double n_other = t->row_at[other + 1] - t->row_at[other];
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t v = t->row[begin + i];
        const uint32_t *at = by_above ? t->up_at : t->down_at;
        double sum = 0;
        for (uint32_t k = at[v]; k < at[v + 1]; k++)
            sum += t->pos[by_above ? t->joint_top[t->up[k]] : t->joint_bottom[t->down[k]]];
        const uint32_t degree = at[v + 1] - at[v];
        scratch[i] = (struct sorted){
            .key = degree ? (sum / degree + 0.5) / n_other : (i + 0.5) / n,
            .tie = i,
            .item = v,
        };
    }
    qsort(scratch, n, sizeof *scratch, by_key);
    for (uint32_t i = 0; i < n; i++)
        t->row[begin + i] = scratch[i].item;
    number_row(t, tier);
}

/* Crossings between a tier and the next: pairs that are in order above and out of order below. */
static double crossings(const struct tiers *t, uint32_t tier, uint32_t *tree)
{
    const uint32_t n = t->row_at[tier + 2] - t->row_at[tier + 1];
    memset(tree, 0, (n + 1) * sizeof *tree);
    double total = 0;
    uint32_t seen = 0;
    for (uint32_t i = t->row_at[tier]; i < t->row_at[tier + 1]; i++) {
        const uint32_t v = t->row[i];
        /* Joints of one vertex do not cross each other: first ask, then add. */
        for (uint32_t k = t->down_at[v]; k < t->down_at[v + 1]; k++) {
            uint32_t upto = 0;
            for (uint32_t p = t->pos[t->joint_bottom[t->down[k]]] + 1; p > 0; p -= p & -p)
                upto += tree[p];
            total += seen - upto;
        }
        for (uint32_t k = t->down_at[v]; k < t->down_at[v + 1]; k++) {
            for (uint32_t p = t->pos[t->joint_bottom[t->down[k]]] + 1; p <= n; p += p & -p)
                tree[p]++;
            seen++;
        }
    }
    return total;
}

/* Boxes evenly, in their order, and the places of an edge above its lower end. Callees that one
 * tier cannot hold so stand in columns with their edges between them. */
static void order_at_first(struct tiers *t, struct sorted *scratch)
{
    double *key = ARRAY(t, t->n_vertices, double), *n_real = ARRAY(t, t->n_tiers, double);
    for (uint32_t v = 0; v < t->n; v++)
        key[v] = n_real[t->tier[v]]++ + 0.5;
    for (uint32_t v = 0; v < t->n; v++)
        key[v] /= n_real[t->tier[v]];
    for (uint32_t e = 0; e < t->n_edges; e++)
        for (uint32_t k = 0; k < t->n_places[e]; k++)
            key[t->first_place[e] + k] = key[t->bottom[e]];
    for (uint32_t k = 0; k < t->n_tiers; k++) {
        const uint32_t begin = t->row_at[k], n = t->row_at[k + 1] - begin;
        for (uint32_t i = 0; i < n; i++) {
            const uint32_t v = t->row[begin + i];
            scratch[i] = (struct sorted){.key = key[v], .tie = v, .item = v};
        }
        qsort(scratch, n, sizeof *scratch, by_key);
        for (uint32_t i = 0; i < n; i++)
            t->row[begin + i] = scratch[i].item;
        number_row(t, k);
    }
}

static void order_rows(struct tiers *t)
{
    t->row = bucket(t, t->tier, t->n_vertices, t->n_tiers, &t->row_at);
    t->pos = ARRAY(t, t->n_vertices, uint32_t);
    struct sorted *scratch = ARRAY(t, t->n_vertices, struct sorted);
    order_at_first(t, scratch);
    uint32_t *tree = ARRAY(t, t->n_vertices + 1, uint32_t);
    uint32_t *best = ARRAY(t, t->n_vertices, uint32_t);
    double fewest = INFINITY;
    for (int sweep = 0; sweep < ORDER_SWEEPS && fewest > 0; sweep++) {
        if (sweep % 2 == 0)
            for (uint32_t k = 1; k < t->n_tiers; k++)
                sort_row(t, k, true, scratch);
        else
            for (uint32_t k = t->n_tiers - 1; k-- > 0;)
                sort_row(t, k, false, scratch);
        double n = 0;
        for (uint32_t k = 0; k + 1 < t->n_tiers; k++)
            n += crossings(t, k, tree);
        if (n < fewest) {
            fewest = n;
            memcpy(best, t->row, t->n_vertices * sizeof *best);
        }
    }
    t->row = best;
    for (uint32_t k = 0; k < t->n_tiers; k++)
        number_row(t, k);
}

/* Distance of the centres of neighbours in a row. */
static double apart(const struct tiers *t, uint32_t a, uint32_t b)
{
    const double gap = a < t->n && b < t->n ? BOX_GAP : a < t->n || b < t->n ? 10 : PLACE_GAP;
    return t->right[a] + gap + t->left[b];
}

struct block {
    double sum, weight;
    uint32_t n;
};

/* Brings the row as near to the wanted places as its order and widths allow (least squares: where
 * neighbours want to overlap they form a block, which stands at its mean). */
static void shift_row(struct tiers *t, uint32_t tier, bool by_above, bool by_below,
                      struct block *blocks)
{
    const uint32_t *row = t->row + t->row_at[tier];
    const uint32_t n = t->row_at[tier + 1] - t->row_at[tier];
    double offset = 0;
    uint32_t top = 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t v = row[i];
        if (i)
            offset += apart(t, row[i - 1], v);
        double sum = 0, weight = 0;
        for (uint32_t k = t->up_at[v]; by_above && k < t->up_at[v + 1]; k++) {
            const uint32_t j = t->up[k];
            sum += t->joint_weight[j] * t->x[t->joint_top[j]];
            weight += t->joint_weight[j];
        }
        for (uint32_t k = t->down_at[v]; by_below && k < t->down_at[v + 1]; k++) {
            const uint32_t j = t->down[k];
            sum += t->joint_weight[j] * t->x[t->joint_bottom[j]];
            weight += t->joint_weight[j];
        }
        if (weight == 0) {
            weight = 0.05;
            sum = weight * t->x[v];
        }
        blocks[top++] = (struct block){.sum = sum - weight * offset, .weight = weight, .n = 1};
        while (top > 1 && blocks[top - 2].sum * blocks[top - 1].weight >=
                              blocks[top - 1].sum * blocks[top - 2].weight) {
            blocks[top - 2].sum += blocks[top - 1].sum;
            blocks[top - 2].weight += blocks[top - 1].weight;
            blocks[top - 2].n += blocks[top - 1].n;
            top--;
        }
    }
    offset = 0;
    for (uint32_t b = 0, i = 0; b < top; b++) {
        const double at = blocks[b].sum / blocks[b].weight;
        for (uint32_t end = i + blocks[b].n; i < end; i++) {
            if (i)
                offset += apart(t, row[i - 1], row[i]);
            t->x[row[i]] = at + offset;
        }
    }
}

static void give_x(struct tiers *t)
{
    t->x = ARRAY(t, t->n_vertices, double);
    for (uint32_t k = 0; k < t->n_tiers; k++) {
        double x = 0;
        for (uint32_t i = t->row_at[k]; i < t->row_at[k + 1]; i++) {
            if (i > t->row_at[k])
                x += apart(t, t->row[i - 1], t->row[i]);
            t->x[t->row[i]] = x;
        }
        for (uint32_t i = t->row_at[k]; i < t->row_at[k + 1]; i++)
            t->x[t->row[i]] -= x / 2;
    }
    struct block *blocks = ARRAY(t, t->n_vertices, struct block);
    for (int sweep = 0; sweep < SHIFT_SWEEPS; sweep++) {
        const bool by_both = sweep >= SHIFT_SWEEPS * 2 / 3;
        if (sweep % 2 == 0)
            for (uint32_t k = 1; k < t->n_tiers; k++)
                shift_row(t, k, true, by_both, blocks);
        else
            for (uint32_t k = t->n_tiers - 1; k-- > 0;)
                shift_row(t, k, by_both, true, blocks);
    }
}

/* More room between tiers where curves go far to the side. */
static void give_y(struct tiers *t)
{
    t->tier_y = ARRAY(t, t->n_tiers, double);
    t->tier_height = ARRAY(t, t->n_tiers, double);
    double *sideways = ARRAY(t, t->n_tiers, double), *joints = ARRAY(t, t->n_tiers, double);
    for (uint32_t j = 0; j < t->n_joints; j++) {
        const uint32_t tier = t->tier[t->joint_top[j]];
        sideways[tier] += fabs(t->x[t->joint_top[j]] - t->x[t->joint_bottom[j]]);
        joints[tier]++;
    }
    for (uint32_t v = 0; v < t->n; v++)
        t->tier_height[t->tier[v]] = fmax(t->tier_height[t->tier[v]], box_of(t, v)->height);
    double y = 0;
    for (uint32_t k = 0; k < t->n_tiers; k++) {
        t->tier_y[k] = y + t->tier_height[k] / 2;
        const double mean = joints[k] > 0 ? sideways[k] / joints[k] : 0;
        y += t->tier_height[k] + TIER_GAP + fmin(MOST_TIER_GAP - TIER_GAP, 0.25 * mean);
    }
    for (uint32_t v = 0; v < t->n; v++) {
        struct scene_box *box = &t->plan->boxes[t->plan->nodes[v]];
        box->x = t->x[v];
        box->y = t->tier_y[t->tier[v]];
    }
}

/* Edges leave a box side by side, in the order of where they go. */
static void give_ports(struct tiers *t, bool at_top, double *port)
{
    uint32_t *at, *edges = bucket(t, at_top ? t->top : t->bottom, t->n_edges, t->n, &at);
    struct sorted *sorted = ARRAY(t, t->n_edges, struct sorted);
    for (uint32_t v = 0; v < t->n; v++) {
        const uint32_t n = at[v + 1] - at[v];
        for (uint32_t i = 0; i < n; i++) {
            const uint32_t e = edges[at[v] + i];
            const uint32_t next = at_top ? vertex(t, e, 1) : vertex(t, e, t->n_places[e]);
            sorted[i] = (struct sorted){.key = t->x[next], .tie = e, .item = e};
        }
        qsort(sorted, n, sizeof *sorted, by_key);
        const double gap = fmin(PORT_GAP, box_of(t, v)->width * 0.8 / (n ? n : 1));
        for (uint32_t i = 0; i < n; i++)
            port[sorted[i].item] = t->x[v] + gap * (i - (n - 1) / 2.0);
    }
}

static void add_point(struct scene_curve *c, double x, double y)
{
    c->points[2 * (size_t)c->n_points] = x;
    c->points[2 * (size_t)c->n_points + 1] = y;
    c->n_points++;
}

/* Down and over, leaving and arriving upright. */
static void bend_to(struct scene_curve *c, double x, double y)
{
    const double x0 = c->points[2 * c->n_points - 2], y0 = c->points[2 * c->n_points - 1];
    const double middle = (y0 + y) / 2;
    add_point(c, x0, middle);
    add_point(c, x, middle);
    add_point(c, x, y);
}

static void drop_to(struct scene_curve *c, double y)
{
    if (y - c->points[2 * c->n_points - 1] > 0.5)
        bend_to(c, c->points[2 * c->n_points - 2], y);
}

static void turn_around(struct scene_curve *c)
{
    for (uint32_t i = 0, k = c->n_points - 1; i < k; i++, k--) {
        for (int xy = 0; xy < 2; xy++) {
            const double swap = c->points[2 * i + xy];
            c->points[2 * i + xy] = c->points[2 * k + xy];
            c->points[2 * k + xy] = swap;
        }
    }
}

static void draw_edge(struct tiers *t, uint32_t e)
{
    struct scene_curve *c = &t->plan->curves[e];
    const struct scene_box *top = box_of(t, t->top[e]), *bottom = box_of(t, t->bottom[e]);
    const double head = arrow_length(c->edge);
    const double begin = top->y + top->height / 2, end = bottom->y - bottom->height / 2;
    c->points =
        arena_alloc(t->plan->arena, 2 * (6 * ((size_t)t->n_places[e] + 2) + 1), sizeof *c->points);
    add_point(c, t->port_top[e], begin + (t->is_turned[e] ? head : 0));
    drop_to(c, t->tier_y[t->tier[t->top[e]]] + t->tier_height[t->tier[t->top[e]]] / 2);
    for (uint32_t k = 0; k < t->n_places[e]; k++) {
        const uint32_t v = t->first_place[e] + k, tier = t->tier[v];
        bend_to(c, t->x[v], t->tier_y[tier] - t->tier_height[tier] / 2);
        drop_to(c, t->tier_y[tier] + t->tier_height[tier] / 2);
    }
    const double stop = end - (t->is_turned[e] ? 0 : head);
    const uint32_t last = t->tier[t->bottom[e]];
    bend_to(c, t->port_bottom[e], fmin(stop, t->tier_y[last] - t->tier_height[last] / 2));
    drop_to(c, stop);
    c->tip_x = t->is_turned[e] ? t->port_top[e] : t->port_bottom[e];
    c->tip_y = t->is_turned[e] ? begin : end;
    if (t->is_turned[e])
        turn_around(c);
}

static void draw_loop(struct tiers *t, uint32_t e, uint32_t nth)
{
    struct scene_curve *c = &t->plan->curves[e];
    const struct scene_box *box = &t->plan->boxes[c->edge->from];
    const double side = box->x + box->width / 2;
    const double up = box->height * (0.2 + 0.1 * nth / (nth + 1.0));
    const double out = side + (LOOP_REACH * (nth + 1) + arrow_length(c->edge)) * 4 / 3;
    c->points = arena_alloc(t->plan->arena, 8, sizeof *c->points);
    add_point(c, side, box->y - up);
    add_point(c, out, box->y - up);
    add_point(c, out, box->y + up);
    add_point(c, side + arrow_length(c->edge), box->y + up);
    c->tip_x = side;
    c->tip_y = box->y + up;
}

void tiers_place(struct tiers *t)
{
    make_room_for_loops(t);
    give_tiers(t, tier_limit(t));
    give_places(t);
    make_joints(t);
    order_rows(t);
    give_x(t);
    give_y(t);
    t->port_top = ARRAY(t, t->n_edges, double);
    t->port_bottom = ARRAY(t, t->n_edges, double);
    give_ports(t, true, t->port_top);
    give_ports(t, false, t->port_bottom);
    uint32_t *loops = ARRAY(t, t->plan->drawing->n_nodes, uint32_t);
    for (uint32_t e = 0; e < t->n_edges; e++) {
        if (t->top[e] == NONE)
            draw_loop(t, e, loops[t->plan->drawing->edges[e].from]++);
        else
            draw_edge(t, e);
    }
}
