/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Placing in tiers, for graphs that would keep graphviz busy for minutes. The first steps are here:
 * break cycles, give tiers, places of long edges. Each step is a fixed number of passes over nodes
 * and edges, so time is bounded by their number. A long edge gets a place in each tier it crosses,
 * and so meets no box. */
#include "draw/tiers.h"

#include <math.h>
#include <stdlib.h>

/* Of long edges in the tiers that they cross; beyond it the longest go straight. */
#define MOST_PLACES 60000

uint32_t *tiers_bucket(const struct tiers *t, const uint32_t *key, uint32_t n, uint32_t n_keys,
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

static int by_key(const void *a, const void *b)
{
    const struct sorted *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->tie < y->tie ? -1 : x->tie > y->tie;
}

void tiers_sort(struct sorted *items, uint32_t n)
{
    if (n)
        qsort(items, n, sizeof *items, by_key);
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
    t->out_edge = tiers_bucket(t, t->top, t->n_edges, t->n, &t->out_at);
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
    t->out_edge = tiers_bucket(t, t->top, t->n_edges, t->n, &t->out_at);
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
    t->down = tiers_bucket(t, t->joint_top, t->n_joints, t->n_vertices, &t->down_at);
    t->up = tiers_bucket(t, t->joint_bottom, t->n_joints, t->n_vertices, &t->up_at);
}

void tiers_place(struct tiers *t)
{
    make_room_for_loops(t);
    give_tiers(t, tier_limit(t));
    give_places(t);
    make_joints(t);
    tiers_order(t);
    tiers_coordinates(t);
    tiers_curves(t);
}
