/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a scene looks like, whoever draws it: order, colours, frames, arrow heads. A kind of picture
 * is a pen; it decides nothing but how a line or a letter is spelled. */
#include "draw/internal.h"

#include <math.h>

#define INK       0x22252au
#define INK_SOFT  0x4a4e55u
#define GREY_FILL 0xc4c4c4u
#define GREY_LINE 0x6f6f6fu
#define CORNER    2.5

/* Colours from none to all of the total. */
struct ramp {
    uint32_t none, some, all;
};

static const struct ramp warm_fill = {0xf2f1ee, 0xfbe2b4, 0xf09a8e};
static const struct ramp warm_line = {0xa9a49b, 0xb9770f, 0xa8201a};
static const struct ramp cold_fill = {0xf2f1ee, 0xcde8d5, 0x9fc3ec};
static const struct ramp cold_line = {0xa9a49b, 0x2d8a5b, 0x1f5aa8};
static const struct ramp warm_edge = {0xb4afa6, 0xc9861f, 0xb7281f};
static const struct ramp cold_edge = {0xb4afa6, 0x3b9a6c, 0x2c66b3};

static uint32_t mix(uint32_t a, uint32_t b, double share)
{
    uint32_t colour = 0;
    for (int shift = 16; shift >= 0; shift -= 8) {
        const double from = a >> shift & 0xff, to = b >> shift & 0xff;
        colour |= (uint32_t)lround(from + (to - from) * share) << shift;
    }
    return colour;
}

/* Most shares are small: the root spreads them over the ramp. */
static uint32_t colour_of(const struct ramp *warm, const struct ramp *cold, double heat)
{
    if (isnan(heat))
        heat = 0;
    const struct ramp *ramp = heat < 0 ? cold : warm;
    const double at = sqrt(fmin(1, fabs(heat)));
    return at < 0.5 ? mix(ramp->none, ramp->some, at * 2) : mix(ramp->some, ramp->all, at * 2 - 1);
}

static void draw_curve(const struct scene_curve *c, struct pen *pen)
{
    if (c->n_points < 4)
        return;
    const uint32_t colour = colour_of(&warm_edge, &cold_edge, c->edge->heat);
    const struct scene_point base = c->points[c->n_points - 1];
    const double width = edge_width(c->edge);
    pen->group(pen, "edge", c->edge->hint);
    const double dash = c->edge->is_dotted ? width : c->edge->is_dashed ? 3 + width : 0;
    const double gap = c->edge->is_dotted ? 2 + 2 * width : dash;
    pen->curve(pen, c->points, c->n_points, width, colour, dash, gap);
    const double dx = c->tip_x - base.x, dy = c->tip_y - base.y, length = hypot(dx, dy);
    if (length > 0.01) {
        const double half = 0.36 * arrow_length(c->edge) + 0.3 * width;
        const double nx = -dy / length * half, ny = dx / length * half;
        const struct scene_point corners[3] = {
            {base.x + nx, base.y + ny}, {c->tip_x, c->tip_y}, {base.x - nx, base.y - ny}};
        pen->triangle(pen, corners, colour);
    }
    pen->end_group(pen);
}

static void draw_label(const struct scene_curve *c, struct pen *pen)
{
    if (!c->label.text)
        return;
    pen->group(pen, "label", c->edge->hint);
    pen->text(pen, &c->label, INK_SOFT, true, true);
    pen->end_group(pen);
}

static void draw_box(const struct scene_box *b, struct pen *pen)
{
    const struct drawing_node *node = b->node;
    const uint32_t fill =
        node->is_filled ? GREY_FILL : colour_of(&warm_fill, &cold_fill, node->heat);
    const uint32_t line =
        node->is_filled ? GREY_LINE : colour_of(&warm_line, &cold_line, node->heat);
    pen->group(pen, "node", node->hint);
    const int frames = frames_of(node);
    for (int i = 0; i < frames; i++) {
        const double inset = FRAME_GAP * i;
        pen->frame(pen, b->x - b->width / 2 + inset, b->y - b->height / 2 + inset,
                   b->width - 2 * inset, b->height - 2 * inset, CORNER, frames > 1 ? 0.9 : 1, line,
                   i == 0 ? fill : NO_COLOUR);
    }
    for (uint32_t i = 0; i < b->n_lines; i++)
        pen->text(pen, &b->lines[i], INK, true, false);
    pen->end_group(pen);
}

static void draw_legend(const struct scene *scene, struct pen *pen)
{
    if (scene->n_legend == 0)
        return;
    pen->group(pen, "legend", NULL);
    pen->frame(pen, scene->legend_x, scene->legend_y, scene->legend_width, scene->legend_height,
               CORNER, 0.8, 0xc9c5bd, 0xfaf9f7);
    for (uint32_t i = 0; i < scene->n_legend; i++)
        pen->text(pen, &scene->legend[i], i == 0 ? INK : INK_SOFT, false, false);
    pen->end_group(pen);
}

void ink_scene(const struct scene *scene, struct pen *pen)
{
    /* The heavy edges come first and so are painted last, over the light ones. */
    for (uint32_t i = scene->n_curves; i-- > 0;)
        draw_curve(&scene->curves[i], pen);
    for (uint32_t i = scene->n_curves; i-- > 0;)
        draw_label(&scene->curves[i], pen);
    for (uint32_t i = 0; i < scene->n_boxes; i++)
        draw_box(&scene->boxes[i], pen);
    draw_legend(scene, pen);
}
