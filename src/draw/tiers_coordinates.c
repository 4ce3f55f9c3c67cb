/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Where the vertices of ordered tiers stand: x near those that they are joined to, so that long
 * edges are straight; y by tiers, further apart where curves go far to the side. */
#include "draw/tiers.h"

#include <math.h>

#define SHIFT_SWEEPS  30
#define PLACE_GAP     5.0
#define MOST_TIER_GAP 170.0

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

void tiers_coordinates(struct tiers *t)
{
    give_x(t);
    give_y(t);
}
