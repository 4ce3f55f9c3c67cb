/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Turns a drawing (what the boxes and arrows say) into a picture. Three steps that can be tested,
 * replaced or skipped each: text is measured, graphviz places boxes and curves (a scene of plain
 * numbers), cairo lays the ink. The drawing knows nothing of profiles. The same drawing gives the
 * same bytes.
 *
 * graphviz and cairo are heavy, so they are loaded when the first picture is asked for. graphviz
 * keeps its state in globals: one layout at a time in a process. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/out.h"

struct drawing_node {
    const char *text;    /* UTF-8 or any bytes; lines end in \n; centred */
    const char *numbers; /* lines under it: "5 (50.0%)\nof 8 (80.0%)"; NULL: none */
    const char *hint;    /* the whole name, for tooltips; NULL */
    double font_size;    /* points, at least 8 */
    double heat;         /* -1 .. 1: share of the total; negative: of a difference that fell */
    bool is_filled;      /* --heapcheck: grey */
    int peripheries;     /* lines around the box, 1 or 3 */
};

struct drawing_edge {
    uint32_t from, to;
    const char *label;
    const char *hint;
    int weight;   /* how much graphviz should keep it short and straight */
    double width; /* of the line, points */
    double heat;
    bool is_dashed; /* call to an inlined function */
    bool is_dotted; /* goes over functions that are not shown */
};

struct drawing {
    const char *title;
    const char *const *legend; /* lines of the box at the top left */
    uint32_t n_legend;
    struct drawing_node *nodes;
    uint32_t n_nodes;
    struct drawing_edge *edges;
    uint32_t n_edges;
};

struct scene_line {     /* one line of text, cleaned: valid UTF-8, no control characters */
    const char *text;   /* NULL: none */
    double x, y;        /* left end of the baseline */
    double width, size; /* as measured; font size */
};

struct scene_box {
    double x, y, width, height; /* centre, y downwards, points */
    const struct scene_line *lines;
    uint32_t n_lines;
    const struct drawing_node *node;
};

struct scene_point {
    double x, y;
};

struct scene_curve {
    struct scene_point *points; /* of a piecewise cubic Bezier */
    uint32_t n_points;          /* 1 + 3k */
    double tip_x, tip_y;        /* where the arrow head ends; its base is the last point */
    struct scene_line label;    /* text NULL: none, or no room for it */
    double label_x, label_y, label_width, label_height; /* centre and size of the label */
    const struct drawing_edge *edge;
};

struct scene {
    const struct drawing *drawing;
    struct scene_box *boxes;
    uint32_t n_boxes;
    struct scene_curve *curves;
    uint32_t n_curves;
    const struct scene_line *legend;
    uint32_t n_legend;
    double legend_x, legend_y, legend_width, legend_height; /* top left corner; 0 wide: none */
    double width, height;
};

enum picture_kind { PICTURE_PDF, PICTURE_PS, PICTURE_SVG, PICTURE_PNG, PICTURE_GIF, PICTURE_COUNT };

/* Measures and places. Large graphs are placed with less care so that they finish in seconds; a
 * note says so, and so it does where graphviz is missing. Fails where cairo is. The scene is the
 * arena's; texts that did not need cleaning stay the drawing's. */
bool draw_layout(const struct drawing *drawing, struct arena *arena, struct notes *notes,
                 struct scene *out, struct error *err) CHECKED;

/* `date`: seconds since 1970 written into PDF and PS (SOURCE_DATE_EPOCH, or 0 for none). */
bool draw_paint(const struct scene *scene, enum picture_kind kind, int64_t date, struct out *out,
                struct error *err) CHECKED;
