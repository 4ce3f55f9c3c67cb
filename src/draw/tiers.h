/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the steps of placing in tiers share: the graph in tiers as it grows from step to step, and
 * two helpers. Nobody but tiers*.c looks in here. */
#pragma once

#include "draw/internal.h"

#define NONE UINT32_MAX

#define BOX_GAP    18.0 /* points between boxes of a tier */
#define TIER_GAP   44.0 /* and between tiers, at least */
#define LOOP_REACH 16.0 /* how far an edge to itself hangs out */

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

#define ARRAY(t, n, type) ((type *)arena_alloc((t)->plan->arena, (size_t)(n) + 1, sizeof(type)))

static inline const struct scene_box *box_of(const struct tiers *t, uint32_t v)
{
    return &t->plan->boxes[t->plan->nodes[v]];
}

/* The k-th vertex of an edge, from its top to its bottom. */
static inline uint32_t vertex(const struct tiers *t, uint32_t e, uint32_t k)
{
    return k == 0 ? t->top[e] : k <= t->n_places[e] ? t->first_place[e] + k - 1 : t->bottom[e];
}

/* Sorts numbers 0 .. n-1 into buckets by key; *at gets where each begins, n_keys + 1. Skips NONE.
 */
uint32_t *tiers_bucket(const struct tiers *tiers, const uint32_t *key, uint32_t n, uint32_t n_keys,
                       uint32_t **at) CHECKED;

struct sorted {
    double key;
    uint32_t tie, item;
};
void tiers_sort(struct sorted *items, uint32_t n); /* by key, then by tie */

/* The steps behind the first ones, in this order. */
void tiers_order(struct tiers *tiers);       /* row, row_at, pos */
void tiers_coordinates(struct tiers *tiers); /* x, tier_y, tier_height; the plan's boxes */
void tiers_curves(struct tiers *tiers);      /* the plan's curves */
