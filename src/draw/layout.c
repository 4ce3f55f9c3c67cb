/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From a drawing to a scene: sizes come from measured text, places from graphviz or, where it would
 * take minutes, from our own tiers. Boxes without edges stand in rows below, the legend where
 * nothing is in its way. Engines place anywhere in the plane; here everything moves onto the page.
 */
#include "draw/internal.h"

#include <assert.h>
#include <math.h>

#define PAGE_MARGIN   18.0
#define ROW_GAP       28.0
#define BOX_GAP       20.0
#define LINE_HEIGHT   1.2  /* of the font size */
#define ASCENT        0.93 /* where the baseline lies in a line, of the font size */
#define LABEL_SIZE    9.0
#define MAX_FONT_SIZE 72.0
#define MAX_LINES     14
#define MAX_NUMBERS   6
#define LEGEND_SIZE   11.0
#define LEGEND_TITLE  14.0
#define LEGEND_LINES  40
#define LEGEND_PAD    10.0
#define LEGEND_GAP    16.0

/* What dot may be asked to do, in points that it would have to place (tiers_work). */
struct effort {
    double most; /* work */
    uint32_t edges;
    enum dot_care care;
    const char *note;
};

/* Measured on random call graphs: the last row ends where placing takes about two seconds. Labels
 * are boxes to dot, which lines have to go around: among more than some hundred arrows they wind,
 * and take twice the time. */
static const struct effort efforts[] = {
    {.most = 4000, .edges = 140, .care = DOT_CURVES_AND_LABELS},
    {.most = 12000, .edges = 1500, .care = DOT_CURVES, .note = "labels are placed with less care"},
};

/* Dot puts all callees of a function side by side, however many there are. */
#define WIDEST_TIER 9000.0

struct area {
    double left, top, right, bottom;
};

static const struct area nothing = {INFINITY, INFINITY, -INFINITY, -INFINITY};

static bool is_empty(const struct area *a)
{
    return a->left > a->right;
}

static void cover(struct area *a, double left, double top, double right, double bottom)
{
    a->left = fmin(a->left, left);
    a->top = fmin(a->top, top);
    a->right = fmax(a->right, right);
    a->bottom = fmax(a->bottom, bottom);
}

double edge_width(const struct drawing_edge *edge)
{
    return isfinite(edge->width) ? fmin(12, fmax(0.6, edge->width)) : 0.6;
}

double arrow_length(const struct drawing_edge *edge)
{
    return 6 + 1.5 * fmin(edge_width(edge), 4);
}

int frames_of(const struct drawing_node *node)
{
    return node->peripheries < 1 ? 1 : node->peripheries > 3 ? 3 : node->peripheries;
}

/* Even numbers: halves are whole, so that no engine's rounding moves an edge of the box. */
static double round_up(double size)
{
    return 2 * ceil(size / 2);
}

/* Measures lines of one size below `*y` (relative to the box's top); returns the widest. */
static double measure_lines(const struct measure *measure, struct scene_line *lines, uint32_t n,
                            double size, double *y)
{
    double widest = 0;
    for (uint32_t i = 0; i < n; i++) {
        lines[i].size = size;
        lines[i].width = measure_text(measure, lines[i].text, size);
        lines[i].x = -lines[i].width / 2;
        lines[i].y = *y + ASCENT * size;
        *y += LINE_HEIGHT * size;
        widest = fmax(widest, lines[i].width);
    }
    return widest;
}

/* Large type is cut sooner: a box should not be wider than a page. */
static uint32_t columns(double size)
{
    return (uint32_t)fmax(28, fmin(72, 900 / (0.6 * size)));
}

static void size_box(const struct measure *measure, struct arena *arena,
                     const struct drawing_node *node, struct scene_box *box)
{
    const double size = fmax(8, fmin(MAX_FONT_SIZE, node->font_size > 0 ? node->font_size : 8));
    const double small = fmax(8, 0.7 * size);
    struct scene_line *text, *numbers;
    const uint32_t n = draw_text_lines(node->text, MAX_LINES, columns(size), arena, &text);
    const uint32_t n_numbers =
        draw_text_lines(node->numbers, MAX_NUMBERS, columns(size), arena, &numbers);
    struct scene_line *lines = arena_alloc(arena, n + n_numbers, sizeof *lines);
    if (n)
        memcpy(lines, text, n * sizeof *lines);
    if (n_numbers)
        memcpy(lines + n, numbers, n_numbers * sizeof *lines);
    double y = 0;
    double widest = measure_lines(measure, lines, n, size, &y);
    if (n && n_numbers)
        y += 0.15 * small;
    widest = fmax(widest, measure_lines(measure, lines + n, n_numbers, small, &y));

    const double pad = fmax(5, 0.4 * size);
    const double frames = FRAME_GAP * (frames_of(node) - 1);
    *box = (struct scene_box){
        .width = round_up(widest + 2 * (1.3 * pad + frames)),
        .height = round_up(y + 2 * (pad + frames)),
        .lines = lines,
        .n_lines = n + n_numbers,
        .node = node,
    };
    for (uint32_t i = 0; i < box->n_lines; i++)
        lines[i].y -= y / 2;
}

static void size_label(const struct measure *measure, struct arena *arena,
                       const struct drawing_edge *edge, struct scene_curve *curve)
{
    *curve = (struct scene_curve){.edge = edge};
    if (!edge->label || !*edge->label)
        return;
    struct scene_line *label = &curve->label;
    label->text = draw_text_clean(span_of(edge->label), 40, arena);
    label->size = LABEL_SIZE;
    label->width = measure_text(measure, label->text, LABEL_SIZE);
    curve->label_width = ceil(label->width + 7);
    curve->label_height = ceil(LINE_HEIGHT * LABEL_SIZE + 2);
}

static void size_legend(const struct measure *measure, struct arena *arena,
                        const struct drawing *drawing, struct scene *scene)
{
    const uint32_t n = drawing->n_legend < LEGEND_LINES ? drawing->n_legend : LEGEND_LINES;
    struct scene_line *lines = arena_alloc(arena, n, sizeof *lines);
    double y = LEGEND_PAD, widest = 0;
    for (uint32_t i = 0; i < n; i++) {
        lines[i].text = draw_text_clean(span_of(drawing->legend[i]), 100, arena);
        const double size = i == 0 ? LEGEND_TITLE : LEGEND_SIZE;
        widest = fmax(widest, measure_lines(measure, &lines[i], 1, size, &y));
        lines[i].x = LEGEND_PAD;
        y += i == 0 ? 2 : 0;
    }
    scene->legend = lines;
    scene->n_legend = n;
    scene->legend_width = n ? ceil(widest + 2 * LEGEND_PAD) : 0;
    scene->legend_height = n ? ceil(y + LEGEND_PAD - 2) : 0;
}

/* Engines place what has edges; returns how many stand alone (their numbers end the list). */
static uint32_t split(struct plan *plan)
{
    const struct drawing *drawing = plan->drawing;
    bool *has_edge = arena_alloc(plan->arena, drawing->n_nodes, sizeof *has_edge);
    for (uint32_t i = 0; i < drawing->n_edges; i++) {
        assert(drawing->edges[i].from < drawing->n_nodes &&
               drawing->edges[i].to < drawing->n_nodes);
        has_edge[drawing->edges[i].from] = has_edge[drawing->edges[i].to] = true;
    }
    uint32_t *nodes = arena_alloc(plan->arena, drawing->n_nodes, sizeof *nodes);
    uint32_t n = 0;
    for (int wanted = 1; wanted >= 0; wanted--) {
        for (uint32_t i = 0; i < drawing->n_nodes; i++) {
            if (has_edge[i] == wanted)
                nodes[n++] = i;
        }
        if (wanted)
            plan->n_nodes = n;
    }
    plan->nodes = nodes;
    return n - plan->n_nodes;
}

static void place(struct plan *plan, struct notes *notes)
{
    if (plan->n_nodes == 0)
        return;
    struct tiers *tiers = tiers_new(plan);
    const struct effort *effort = NULL;
    for (size_t i = 0; i < COUNT_OF(efforts) && !effort; i++) {
        const double work = tiers_work(tiers, efforts[i].care == DOT_CURVES_AND_LABELS);
        if (work <= efforts[i].most && plan->drawing->n_edges <= efforts[i].edges &&
            tiers_widest(tiers) <= WIDEST_TIER)
            effort = &efforts[i];
    }
    const char *note = "boxes stand in simple tiers";
    if (effort) {
        struct graph_library graphviz;
        struct error error = {0};
        if (load_graphviz(&graphviz, &error) && dot_place(plan, effort->care, &graphviz, &error)) {
            note = effort->note;
        } else {
            effort = NULL;
            notes_add(notes, "%s; placed without graphviz", error.text);
            note = NULL;
        }
    }
    if (note)
        notes_add(notes, "the picture is large or wide (%u boxes, %u arrows): %s",
                  plan->drawing->n_nodes, plan->drawing->n_edges, note);
    if (!effort)
        tiers_place(tiers);
    if (!plan->has_labels_placed)
        labels_place(plan);
}

static void cover_curves(const struct plan *plan, struct area *all)
{
    for (uint32_t i = 0; i < plan->drawing->n_edges; i++) {
        const struct scene_curve *c = &plan->curves[i];
        const double pen = edge_width(c->edge) + 2;
        for (size_t k = 0; k < c->n_points; k++)
            cover(all, c->points[k].x - pen, c->points[k].y - pen, c->points[k].x + pen,
                  c->points[k].y + pen);
        cover(all, c->tip_x - pen, c->tip_y - pen, c->tip_x + pen, c->tip_y + pen);
        if (c->label.text)
            cover(all, c->label_x - c->label_width / 2, c->label_y - c->label_height / 2,
                  c->label_x + c->label_width / 2, c->label_y + c->label_height / 2);
    }
}

static void cover_box(const struct scene_box *b, struct area *all)
{
    cover(all, b->x - b->width / 2, b->y - b->height / 2, b->x + b->width / 2,
          b->y + b->height / 2);
}

/* Rows of boxes that nobody calls and that call nobody, below what is covered already. */
static void place_alone(struct plan *plan, uint32_t n, struct area *all)
{
    const uint32_t *alone = plan->nodes + plan->n_nodes;
    double surface = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct scene_box *b = &plan->boxes[alone[i]];
        surface += (b->width + BOX_GAP) * (b->height + ROW_GAP);
    }
    const bool is_first = is_empty(all);
    const double left = is_first ? 0 : all->left;
    const double room = fmax(is_first ? 0 : all->right - left, sqrt(surface * 1.6));
    double y = is_first ? 0 : all->bottom + 1.5 * ROW_GAP;
    for (uint32_t i = 0; i < n;) {
        uint32_t end = i;
        double width = 0, height = 0;
        while (end < n) {
            const struct scene_box *b = &plan->boxes[alone[end]];
            if (end > i && width + b->width > room)
                break;
            width += b->width + BOX_GAP;
            height = fmax(height, b->height);
            end++;
        }
        for (double x = left; i < end; i++) {
            struct scene_box *b = &plan->boxes[alone[i]];
            b->x = x + b->width / 2;
            b->y = y + height / 2;
            x += b->width + BOX_GAP;
            cover_box(b, all);
        }
        y += height + ROW_GAP;
    }
}

/* Where the picture begins in each direction, seen from the legend's corner. */
struct obstacles {
    double right_of, below; /* the legend's far corner, with its gap */
    double left, top;       /* of what lies in the way */
    bool is_free;
};

static void obstruct(struct obstacles *o, double left, double top)
{
    if (top < o->below)
        o->left = fmin(o->left, left);
    if (left < o->right_of)
        o->top = fmin(o->top, top);
    if (top < o->below && left < o->right_of)
        o->is_free = false;
}

/* Top left; where something is in the way, the picture moves right or down, whichever adds less
 * page. */
static void place_legend(const struct plan *plan, struct area *all, struct scene *scene)
{
    if (scene->n_legend == 0)
        return;
    scene->legend_x = is_empty(all) ? 0 : all->left;
    scene->legend_y = is_empty(all) ? 0 : all->top;
    struct obstacles o = {
        .right_of = scene->legend_x + scene->legend_width + LEGEND_GAP,
        .below = scene->legend_y + scene->legend_height + LEGEND_GAP,
        .left = INFINITY,
        .top = INFINITY,
        .is_free = true,
    };
    for (uint32_t i = 0; i < plan->drawing->n_nodes; i++) {
        const struct scene_box *b = &plan->boxes[i];
        obstruct(&o, b->x - b->width / 2, b->y - b->height / 2);
    }
    for (uint32_t i = 0; i < plan->drawing->n_edges; i++) {
        const struct scene_curve *c = &plan->curves[i];
        for (size_t k = 0; k < c->n_points; k++)
            obstruct(&o, c->points[k].x, c->points[k].y);
        if (c->label.text)
            obstruct(&o, c->label_x - c->label_width / 2, c->label_y - c->label_height / 2);
    }
    if (!o.is_free) {
        const double dx = o.right_of - o.left, dy = o.below - o.top;
        if (dx * (all->bottom - all->top) < dy * (all->right - all->left))
            scene->legend_x -= dx;
        else
            scene->legend_y -= dy;
    }
    cover(all, scene->legend_x, scene->legend_y, scene->legend_x + scene->legend_width,
          scene->legend_y + scene->legend_height);
}

static void move_line(struct scene_line *line, double x, double y)
{
    line->x += x;
    line->y += y;
}

/* Onto the page: its corner is 0, 0 and lines lie where they are painted. */
static void move(const struct plan *plan, const struct area *all, struct scene *scene)
{
    const double dx = PAGE_MARGIN - all->left, dy = PAGE_MARGIN - all->top;
    for (uint32_t i = 0; i < plan->drawing->n_nodes; i++) {
        struct scene_box *b = &plan->boxes[i];
        b->x += dx;
        b->y += dy;
        for (uint32_t k = 0; k < b->n_lines; k++)
            move_line((struct scene_line *)&b->lines[k], b->x, b->y);
    }
    for (uint32_t i = 0; i < plan->drawing->n_edges; i++) {
        struct scene_curve *c = &plan->curves[i];
        for (size_t k = 0; k < c->n_points; k++) {
            c->points[k].x += dx;
            c->points[k].y += dy;
        }
        c->tip_x += dx;
        c->tip_y += dy;
        c->label_x += dx;
        c->label_y += dy;
        c->label.x = c->label_x - c->label.width / 2;
        c->label.y = c->label_y - LINE_HEIGHT * LABEL_SIZE / 2 + ASCENT * LABEL_SIZE;
    }
    scene->legend_x += dx;
    scene->legend_y += dy;
    for (uint32_t k = 0; k < scene->n_legend; k++)
        move_line((struct scene_line *)&scene->legend[k], scene->legend_x, scene->legend_y);
    scene->width = ceil(all->right - all->left + 2 * PAGE_MARGIN);
    scene->height = ceil(all->bottom - all->top + 2 * PAGE_MARGIN);
}

bool draw_layout(const struct drawing *drawing, struct arena *arena, struct notes *notes,
                 struct scene *out, struct error *err)
{
    struct cairo_library cairo;
    struct measure measure;
    if (!load_cairo(&cairo, err) || !measure_open(&measure, &cairo, err))
        return false;
    if (!measure.is_outline)
        notes_add(notes,
                  "no font is installed (package fonts-dejavu-core): letters are drawn plainly");
    struct plan plan = {
        .drawing = drawing,
        .arena = arena,
        .boxes = arena_alloc(arena, drawing->n_nodes, sizeof *plan.boxes),
        .curves = arena_alloc(arena, drawing->n_edges, sizeof *plan.curves),
    };
    struct scene scene = {
        .drawing = drawing,
        .boxes = plan.boxes,
        .n_boxes = drawing->n_nodes,
        .curves = plan.curves,
        .n_curves = drawing->n_edges,
    };
    for (uint32_t i = 0; i < drawing->n_nodes; i++)
        size_box(&measure, arena, &drawing->nodes[i], &plan.boxes[i]);
    for (uint32_t i = 0; i < drawing->n_edges; i++)
        size_label(&measure, arena, &drawing->edges[i], &plan.curves[i]);
    size_legend(&measure, arena, drawing, &scene);
    measure_close(&measure);

    const uint32_t n_alone = split(&plan);
    place(&plan, notes);
    struct area all = nothing;
    for (uint32_t i = 0; i < plan.n_nodes; i++)
        cover_box(&plan.boxes[plan.nodes[i]], &all);
    cover_curves(&plan, &all);
    place_alone(&plan, n_alone, &all);
    place_legend(&plan, &all, &scene);
    if (is_empty(&all))
        all = (struct area){0};
    move(&plan, &all, &scene);
    *out = scene;
    return true;
}
