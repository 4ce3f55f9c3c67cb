/* SPDX-License-Identifier: BSD-3-Clause
 *
 * graphviz's dot engine, in process. It sees boxes of fixed size without text, so no stranger's
 * byte reaches its parsers and its idea of fonts does not matter. */
#include "draw/internal.h"

#include "base/units.h"

#include <math.h>

#define POINTS_AN_INCH 72.0

struct attribute {
    const char *name, *value;
};

static const struct attribute graph_attributes[DOT_COUNT][8] = {
    [DOT_CURVES_AND_LABELS] = {{"nslimit", "4"},
                               {"nslimit1", "4"},
                               {"mclimit", "1"},
                               {"searchsize", "30"},
                               {"splines", "true"}},
    [DOT_CURVES] = {{"nslimit", "1"},
                    {"nslimit1", "1"},
                    {"mclimit", "0.4"},
                    {"searchsize", "20"},
                    {"splines", "true"}},
};

/* Its warnings ("some nodes with margin touch") would go to standard error. */
static int keep_quiet(char *message)
{
    (void)message;
    return 0;
}

static void set(const struct graph_library *lib, void *object, Agsym_t *symbol, const char *value)
{
    (void)lib->agxset(object, symbol, (char *)value);
}

static Agsym_t *declare(const struct graph_library *lib, Agraph_t *graph, int kind,
                        const char *name, const char *value)
{
    return lib->agattr(graph, kind, (char *)name, (char *)value);
}

static const char *inches(char text[UNITS_TEXT], double points)
{
    return units_fixed(text, points / POINTS_AN_INCH, 8);
}

static Agnode_t **add_nodes(const struct graph_library *lib, Agraph_t *graph,
                            const struct plan *plan)
{
    (void)declare(lib, graph, AGNODE, "shape", "box");
    (void)declare(lib, graph, AGNODE, "label", "");
    (void)declare(lib, graph, AGNODE, "fixedsize", "true");
    Agsym_t *width = declare(lib, graph, AGNODE, "width", "1");
    Agsym_t *height = declare(lib, graph, AGNODE, "height", "1");
    Agnode_t **nodes = arena_alloc(plan->arena, plan->drawing->n_nodes, sizeof *nodes);
    for (uint32_t i = 0; i < plan->n_nodes; i++) {
        const struct scene_box *box = &plan->boxes[plan->nodes[i]];
        char text[UNITS_TEXT];
        Agnode_t *node = lib->agnode(graph, NULL, 1);
        set(lib, node, width, inches(text, box->width));
        set(lib, node, height, inches(text, box->height));
        nodes[plan->nodes[i]] = node;
    }
    return nodes;
}

/* The network simplex multiplies and adds weights in ints: they are brought to 1 .. 100, which
 * keeps their order. */
static int tame(int weight, int heaviest)
{
    if (weight <= 0 || heaviest <= 0)
        return 1;
    return 1 + (int)(99 * sqrt((double)weight / heaviest));
}

static Agedge_t **add_edges(const struct graph_library *lib, Agraph_t *graph, Agnode_t **nodes,
                            const struct plan *plan, bool with_labels)
{
    const struct drawing *drawing = plan->drawing;
    Agsym_t *weight = declare(lib, graph, AGEDGE, "weight", "1");
    Agsym_t *arrow = declare(lib, graph, AGEDGE, "arrowsize", "1");
    Agsym_t *label = declare(lib, graph, AGEDGE, "label", "");
    int heaviest = 0;
    for (uint32_t i = 0; i < drawing->n_edges; i++)
        heaviest = drawing->edges[i].weight > heaviest ? drawing->edges[i].weight : heaviest;
    Agedge_t **edges = arena_alloc(plan->arena, drawing->n_edges, sizeof *edges);
    for (uint32_t i = 0; i < drawing->n_edges; i++) {
        const struct drawing_edge *e = &drawing->edges[i];
        const struct scene_curve *c = &plan->curves[i];
        char text[UNITS_TEXT];
        edges[i] = lib->agedge(graph, nodes[e->from], nodes[e->to], NULL, 1);
        set(lib, edges[i], weight, units_whole(text, tame(e->weight, heaviest)));
        set(lib, edges[i], arrow, units_fixed(text, arrow_length(e) / 10, 4));
        if (!with_labels || !c->label.text)
            continue;
        /* An empty table is the one way to tell it a label's size. */
        struct buf table = BUF_MAX(512);
        buf_printf(&table,
                   "<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"0\" "
                   "FIXEDSIZE=\"TRUE\" WIDTH=\"%d\" HEIGHT=\"%d\"><TR><TD></TD></TR></TABLE>",
                   (int)c->label_width, (int)c->label_height);
        char *html = lib->agstrdup_html(graph, (char *)buf_c(&table));
        set(lib, edges[i], label, html);
        (void)lib->agstrfree(graph, html);
        buf_free(&table);
    }
    return edges;
}

static void add_point(struct scene_curve *curve, double x, double y)
{
    curve->points[curve->n_points++] = (struct scene_point){x, -y};
}

/* dot loses an edge now and then; a straight line from border to border stands for it. */
static void go_straight(const struct plan *plan, struct scene_curve *curve)
{
    const struct scene_box *a = &plan->boxes[curve->edge->from], *b = &plan->boxes[curve->edge->to];
    const double down = a->y <= b->y ? 1 : -1;
    const double y0 = a->y + down * a->height / 2, y1 = b->y - down * b->height / 2;
    const double base = y1 - down * arrow_length(curve->edge);
    curve->points = arena_alloc(plan->arena, 4, sizeof *curve->points);
    add_point(curve, a->x, -y0);
    add_point(curve, a->x, -(y0 + (base - y0) / 2));
    add_point(curve, b->x, -(y0 + (base - y0) / 2));
    add_point(curve, b->x, -base);
    curve->tip_x = b->x;
    curve->tip_y = y1;
}

static void take_curve(const struct plan *plan, Agedge_t *edge, struct scene_curve *curve)
{
    const splines *s = ED_spl(edge);
    size_t room = 0;
    for (int i = 0; s && i < s->size; i++)
        room += (size_t)s->list[i].size + 3;
    if (room < 4 || s->list[0].size < 4) {
        go_straight(plan, curve);
        return;
    }
    curve->points = arena_alloc(plan->arena, room, sizeof *curve->points);
    for (int i = 0; i < s->size; i++) {
        const bezier *b = &s->list[i];
        /* Pieces are joined by a line, which as a cubic has its ends twice. */
        if (i > 0) {
            const struct scene_point last = curve->points[curve->n_points - 1];
            add_point(curve, last.x, -last.y);
            add_point(curve, b->list[0].x, b->list[0].y);
        }
        for (int k = 0; k < b->size; k++)
            add_point(curve, b->list[k].x, b->list[k].y);
    }
    const bezier *last = &s->list[s->size - 1];
    const pointf tip = last->eflag ? last->ep : last->list[last->size - 1];
    curve->tip_x = tip.x;
    curve->tip_y = -tip.y;
}

bool dot_place(struct plan *plan, enum dot_care care, const struct graph_library *graphviz,
               struct error *err)
{
    const struct graph_library *lib = graphviz;
    const bool with_labels = care == DOT_CURVES_AND_LABELS;
    const lt_symlist_t builtins[] = {
        {"gvplugin_dot_layout_LTX_library", lib->dot_layout},
        {NULL, NULL},
    };
    agusererrf before = lib->agseterrf(keep_quiet);
    GVC_t *context = lib->gvContextPlugins(builtins, 0);
    Agraph_t *graph = lib->agopen((char *)"drawing", *lib->Agdirected, NULL);
    for (const struct attribute *a = graph_attributes[care]; a->name; a++)
        (void)declare(lib, graph, AGRAPH, a->name, a->value);
    (void)declare(lib, graph, AGRAPH, "nodesep", with_labels ? "0.25" : "0.3");
    (void)declare(lib, graph, AGRAPH, "ranksep", "0.45");
    Agnode_t **nodes = add_nodes(lib, graph, plan);
    Agedge_t **edges = add_edges(lib, graph, nodes, plan, with_labels);

    const bool is_placed = lib->gvLayout(context, graph, "dot") == 0;
    if (is_placed) {
        for (uint32_t i = 0; i < plan->n_nodes; i++) {
            const pointf centre = ND_coord(nodes[plan->nodes[i]]);
            plan->boxes[plan->nodes[i]].x = centre.x;
            plan->boxes[plan->nodes[i]].y = -centre.y;
        }
        for (uint32_t i = 0; i < plan->drawing->n_edges; i++) {
            struct scene_curve *c = &plan->curves[i];
            take_curve(plan, edges[i], c);
            const textlabel_t *label = with_labels && c->label.text ? ED_label(edges[i]) : NULL;
            if (label) {
                c->label_x = label->pos.x;
                c->label_y = -label->pos.y;
            }
        }
        plan->has_labels_placed = with_labels;
        lib->gvFreeLayout(context, graph);
    }
    (void)lib->agclose(graph);
    (void)lib->gvFreeContext(context);
    (void)lib->agseterrf(before);
    return is_placed ? true : error_set(err, ERROR_MISSING, "graphviz could not place the boxes");
}
