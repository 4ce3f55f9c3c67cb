/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The curves between boxes in tiers: each leaves and meets its boxes at a port of its own, and goes
 * upright through its place in every tier between. */
#include "draw/tiers.h"

#include <math.h>

#define PORT_GAP 14.0

/* Edges leave a box side by side, in the order of where they go. */
static void give_ports(struct tiers *t, bool at_top, double *port)
{
    uint32_t *at, *edges = tiers_bucket(t, at_top ? t->top : t->bottom, t->n_edges, t->n, &at);
    struct sorted *sorted = ARRAY(t, t->n_edges, struct sorted);
    for (uint32_t v = 0; v < t->n; v++) {
        const uint32_t n = at[v + 1] - at[v];
        for (uint32_t i = 0; i < n; i++) {
            const uint32_t e = edges[at[v] + i];
            const uint32_t next = at_top ? vertex(t, e, 1) : vertex(t, e, t->n_places[e]);
            sorted[i] = (struct sorted){.key = t->x[next], .tie = e, .item = e};
        }
        tiers_sort(sorted, n);
        const double gap = fmin(PORT_GAP, box_of(t, v)->width * 0.8 / (n ? n : 1));
        for (uint32_t i = 0; i < n; i++)
            port[sorted[i].item] = t->x[v] + gap * (i - (n - 1) / 2.0);
    }
}

static void add_point(struct scene_curve *c, double x, double y)
{
    c->points[c->n_points++] = (struct scene_point){x, y};
}

/* Down and over, leaving and arriving upright. */
static void bend_to(struct scene_curve *c, double x, double y)
{
    const struct scene_point last = c->points[c->n_points - 1];
    const double middle = (last.y + y) / 2;
    add_point(c, last.x, middle);
    add_point(c, x, middle);
    add_point(c, x, y);
}

static void drop_to(struct scene_curve *c, double y)
{
    const struct scene_point last = c->points[c->n_points - 1];
    if (y - last.y > 0.5)
        bend_to(c, last.x, y);
}

static void turn_around(struct scene_curve *c)
{
    for (uint32_t i = 0, k = c->n_points - 1; i < k; i++, k--) {
        const struct scene_point swap = c->points[i];
        c->points[i] = c->points[k];
        c->points[k] = swap;
    }
}

static void draw_edge(struct tiers *t, uint32_t e)
{
    struct scene_curve *c = &t->plan->curves[e];
    const struct scene_box *top = box_of(t, t->top[e]), *bottom = box_of(t, t->bottom[e]);
    const double head = arrow_length(c->edge);
    const double begin = top->y + top->height / 2, end = bottom->y - bottom->height / 2;
    c->points =
        arena_alloc(t->plan->arena, 6 * ((size_t)t->n_places[e] + 2) + 1, sizeof *c->points);
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
    c->points = arena_alloc(t->plan->arena, 4, sizeof *c->points);
    add_point(c, side, box->y - up);
    add_point(c, out, box->y - up);
    add_point(c, out, box->y + up);
    add_point(c, side + arrow_length(c->edge), box->y + up);
    c->tip_x = side;
    c->tip_y = box->y + up;
}

void tiers_curves(struct tiers *t)
{
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
