/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who stands beside whom in each tier: the order with the fewest crossings that sweeps down and up
 * have met, each vertex at the mean of its neighbours. */
#include "draw/tiers.h"

#include <math.h>

#define ORDER_SWEEPS 14

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
    tiers_sort(scratch, n);
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
        tiers_sort(scratch, n);
        for (uint32_t i = 0; i < n; i++)
            t->row[begin + i] = scratch[i].item;
        number_row(t, k);
    }
}

void tiers_order(struct tiers *t)
{
    t->row = tiers_bucket(t, t->tier, t->n_vertices, t->n_tiers, &t->row_at);
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
