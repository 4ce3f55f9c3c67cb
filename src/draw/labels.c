/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Room for labels beside their curves. Boxes and labels that stand already are never covered; other
 * curves are avoided where that is possible. A label that finds no room is left out: the tooltip
 * still has it. Labels are served in the order of the edges, so the heavy ones come first. */
#include "draw/internal.h"

#include <math.h>

#define CELL       48.0
#define MOST_CELLS ((size_t)1 << 20)
#define NEAR       1.0 /* between a curve and its label */

struct rect {
    double left, top, right, bottom;
    uint32_t owner; /* the edge, or NONE for what may never be covered */
};

#define NONE UINT32_MAX

struct link {
    uint32_t rect, next;
};

/* Rectangles by the cells of a grid that they touch. */
struct grid {
    double left, top, cell;
    uint32_t n_x, n_y;
    uint32_t *first; /* of each cell: link + 1 */
    struct link *links;
    struct rect *rects;
    uint32_t n_links, cap_links, n_rects, cap_rects;
};

static uint32_t cell_at(double value, double from, double cell, uint32_t n)
{
    const double at = floor((value - from) / cell);
    return at < 0 ? 0 : at >= n ? n - 1 : (uint32_t)at;
}

static void add_rect(struct grid *g, struct rect r)
{
    g->rects = base_grow(g->rects, &g->cap_rects, (size_t)g->n_rects + 1, sizeof *g->rects);
    g->rects[g->n_rects] = r;
    const uint32_t x1 = cell_at(r.right, g->left, g->cell, g->n_x);
    const uint32_t y1 = cell_at(r.bottom, g->top, g->cell, g->n_y);
    for (uint32_t y = cell_at(r.top, g->top, g->cell, g->n_y); y <= y1; y++) {
        for (uint32_t x = cell_at(r.left, g->left, g->cell, g->n_x); x <= x1; x++) {
            g->links = base_grow(g->links, &g->cap_links, (size_t)g->n_links + 1, sizeof *g->links);
            uint32_t *first = &g->first[(size_t)y * g->n_x + x];
            g->links[g->n_links] = (struct link){.rect = g->n_rects, .next = *first};
            *first = ++g->n_links;
        }
    }
    g->n_rects++;
}

static bool is_free(const struct grid *g, const struct rect *r, bool avoid_curves)
{
    const uint32_t x1 = cell_at(r->right, g->left, g->cell, g->n_x);
    const uint32_t y1 = cell_at(r->bottom, g->top, g->cell, g->n_y);
    for (uint32_t y = cell_at(r->top, g->top, g->cell, g->n_y); y <= y1; y++) {
        for (uint32_t x = cell_at(r->left, g->left, g->cell, g->n_x); x <= x1; x++) {
            for (uint32_t k = g->first[(size_t)y * g->n_x + x]; k; k = g->links[k - 1].next) {
                const struct rect *o = &g->rects[g->links[k - 1].rect];
                if (o->owner != NONE && (!avoid_curves || o->owner == r->owner))
                    continue;
                if (r->left < o->right && o->left < r->right && r->top < o->bottom &&
                    o->top < r->bottom)
                    return false;
            }
        }
    }
    return true;
}

static void at_curve(const struct scene_curve *c, double t, double *x, double *y)
{
    const uint32_t n = (c->n_points - 1) / 3;
    const uint32_t piece = fmin(n - 1, floor(t * n)) > 0 ? (uint32_t)fmin(n - 1, floor(t * n)) : 0;
    const struct scene_point *p = c->points + 3 * (size_t)piece;
    const double u = t * n - piece, v = 1 - u;
    const double a = v * v * v, b = 3 * v * v * u, d = 3 * v * u * u, e = u * u * u;
    *x = a * p[0].x + b * p[1].x + d * p[2].x + e * p[3].x;
    *y = a * p[0].y + b * p[1].y + d * p[2].y + e * p[3].y;
}

static double length(const struct scene_curve *c)
{
    double sum = 0;
    for (uint32_t i = 1; i < c->n_points; i++)
        sum += hypot(c->points[i].x - c->points[i - 1].x, c->points[i].y - c->points[i - 1].y);
    return sum;
}

/* A curve as small squares that labels keep off. */
static void add_curve(struct grid *g, const struct scene_curve *c, uint32_t owner, double step)
{
    const uint32_t n = (uint32_t)fmin(400, ceil(length(c) / step)) + 1;
    const double half = fmax(1, edge_width(c->edge) / 2);
    for (uint32_t i = 0; i <= n; i++) {
        double x, y;
        at_curve(c, (double)i / n, &x, &y);
        add_rect(g, (struct rect){x - half, y - half, x + half, y + half, owner});
    }
}

static bool find_room(struct grid *g, struct scene_curve *c, uint32_t edge, bool avoid_curves)
{
    static const double along[] = {0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82, 0.1, 0.9};
    for (size_t i = 0; i < COUNT_OF(along); i++) {
        double x, y;
        at_curve(c, along[i], &x, &y);
        const double aside = c->label_width / 2 + NEAR + edge_width(c->edge) / 2;
        for (int side = 1; side >= -1; side -= 2) {
            const double left = x + side * aside - c->label_width / 2;
            const struct rect r = {left, y - c->label_height / 2, left + c->label_width,
                                   y + c->label_height / 2, edge};
            if (!is_free(g, &r, avoid_curves))
                continue;
            c->label_x = x + side * aside;
            c->label_y = y;
            add_rect(g, (struct rect){r.left, r.top, r.right, r.bottom, NONE});
            return true;
        }
    }
    return false;
}

static void open_grid(struct grid *g, const struct plan *plan)
{
    double right = -INFINITY, bottom = -INFINITY;
    g->left = g->top = INFINITY;
    for (uint32_t i = 0; i < plan->n_nodes; i++) {
        const struct scene_box *b = &plan->boxes[plan->nodes[i]];
        g->left = fmin(g->left, b->x - b->width / 2);
        g->top = fmin(g->top, b->y - b->height / 2);
        right = fmax(right, b->x + b->width / 2);
        bottom = fmax(bottom, b->y + b->height / 2);
    }
    const double cells = (right - g->left) / CELL * ((bottom - g->top) / CELL);
    g->cell = CELL * fmax(1, sqrt(cells / ((double)MOST_CELLS / 4)));
    g->n_x = (uint32_t)fmin((double)MOST_CELLS / 4, (right - g->left) / g->cell) + 1;
    g->n_y = (uint32_t)fmin((double)MOST_CELLS / 4, (bottom - g->top) / g->cell) + 1;
    g->first = base_alloc((size_t)g->n_x * g->n_y, sizeof *g->first);
}

void labels_place(struct plan *plan)
{
    struct grid grid = {0};
    open_grid(&grid, plan);
    for (uint32_t i = 0; i < plan->n_nodes; i++) {
        const struct scene_box *b = &plan->boxes[plan->nodes[i]];
        add_rect(&grid, (struct rect){b->x - b->width / 2 - 1, b->y - b->height / 2 - 1,
                                      b->x + b->width / 2 + 1, b->y + b->height / 2 + 1, NONE});
    }
    const uint32_t n = plan->drawing->n_edges;
    const double step = n < 2000 ? 6 : 14;
    for (uint32_t e = 0; e < n; e++)
        add_curve(&grid, &plan->curves[e], e, step);
    for (uint32_t e = 0; e < n; e++) {
        struct scene_curve *c = &plan->curves[e];
        if (c->label.text && !find_room(&grid, c, e, true) && !find_room(&grid, c, e, false))
            c->label.text = NULL;
    }
    base_free(grid.first);
    base_free(grid.links);
    base_free(grid.rects);
}
