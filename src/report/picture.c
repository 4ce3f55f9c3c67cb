/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The call graph as a picture. Here the graph is put into words and weights; where things stand and
 * how they are inked is draw's. */
#include "report/internal.h"

#include "draw/draw.h"

/* "ns::Box::get (inline)" on a line a part: boxes stay narrow. */
static char *break_name(struct arena *arena, const char *name)
{
    struct buf text = BUF_MAX(WORDS_MAX);
    for (const char *p = name; *p;) {
        if (p[0] == ':' && p[1] == ':' && p != name) {
            buf_text(&text, "::\n");
            p += 2;
        } else if (span_is_space(*p)) {
            while (span_is_space(*p))
                p++;
            if (*p)
                buf_byte(&text, '\n');
        } else {
            buf_byte(&text, *p++);
        }
    }
    char *broken = arena_text(arena, buf_span(&text));
    buf_free(&text);
    return broken;
}

static double share_of(double value, double total)
{
    const double share = total != 0 ? value / total : 0;
    return share > 1 ? 1 : share < -1 ? -1 : share == share ? share : 0;
}

static struct drawing_node draw_node(const struct report *report, const struct trimmed *page,
                                     const struct node *node)
{
    const struct view *view = report->view;
    const char *label = strings_text(view->profile->strings, node->label);
    struct buf numbers = BUF_MAX(WORDS_MAX);
    page_node_numbers(view, page, node, "\n", &numbers);
    const struct drawing_node drawn = {
        .text = break_name(report->arena, label),
        .numbers = arena_text(report->arena, buf_span(&numbers)),
        .hint = label,
        .font_size = page_font_size(page, node),
        .heat = share_of(node->cum, page->flat_total < 0 ? -page->flat_total : page->flat_total),
        .is_filled = report->options->heapcheck && node->flat > 0,
        .peripheries = report->options->heapcheck && node->flat < 0 ? 3 : 1,
    };
    buf_free(&numbers);
    return drawn;
}

static struct drawing_edge draw_edge(const struct report *report, const struct trimmed *page,
                                     const struct edge *edge)
{
    const struct view *view = report->view;
    const struct strings *strings = view->profile->strings;
    char value[UNITS_TEXT];
    view_value_text(view, edge->weight, value);
    const double width = page_edge_width(page, edge);
    return (struct drawing_edge){
        .from = edge->from,
        .to = edge->to,
        .label = arena_text(report->arena, span_of(value)),
        .hint = arena_printf(
            report->arena, "%s -> %s: %s %s", strings_text(strings, page->nodes[edge->from].label),
            strings_text(strings, page->nodes[edge->to].label), value, view->format.unit),
        .weight = page_edge_weight(edge),
        .width = width < 0.5 ? 0.5 : width,
        .heat = share_of(edge->weight, page->flat_total < 0 ? -page->flat_total : page->flat_total),
        .is_dashed = page_edge_is_dashed(view, page, edge),
        .is_dotted = edge->is_residual,
    };
}

static void draw_legend(const struct report *report, const struct trimmed *page,
                        struct drawing *drawing)
{
    enum { LEGEND_LINES = 5 };
    const struct view *view = report->view;
    const char *unit = view->format.unit;
    const char **lines = arena_alloc(report->arena, LEGEND_LINES, sizeof *lines);
    char value[UNITS_TEXT];
    lines[0] = report->options->program ? report->options->program : "";
    lines[1] = arena_printf(report->arena, "Total %s: %s", unit,
                            view_value_text(view, view->total, value));
    lines[2] = arena_printf(report->arena, "Focusing on: %s",
                            view_value_text(view, page->flat_total, value));
    lines[3] = arena_printf(report->arena, "Dropped nodes with <= %s abs(%s)",
                            view_value_text(view, page->node_limit, value), unit);
    lines[4] = arena_printf(report->arena, "Dropped edges with <= %s %s",
                            view_value_text(view, page->edge_limit, value), unit);
    drawing->legend = lines;
    drawing->n_legend = LEGEND_LINES;
    drawing->title = arena_printf(report->arena, "%s; %s %s", lines[0],
                                  view_value_text(view, view->total, value), unit);
}

static bool emit_picture(const struct report *report, enum picture_kind kind, struct out *out,
                         struct error *err)
{
    struct trimmed page;
    if (!page_make(report, &page, err))
        return false;
    page_add_residual(report, &page);
    struct drawing drawing = {.n_nodes = page.n_nodes, .n_edges = page.n_edges};
    drawing.nodes = arena_alloc(report->arena, page.n_nodes, sizeof *drawing.nodes);
    drawing.edges = arena_alloc(report->arena, page.n_edges, sizeof *drawing.edges);
    for (node_ix i = 0; i < page.n_nodes; i++) {
        drawing.nodes[i] = draw_node(report, &page, &page.nodes[i]);
        tally_row(report, page.nodes[i].flat);
    }
    for (uint32_t i = 0; i < page.n_edges; i++)
        drawing.edges[i] = draw_edge(report, &page, &page.edges[i]);
    draw_legend(report, &page, &drawing);
    struct scene scene;
    return draw_layout(&drawing, report->arena, report->notes, &scene, err) &&
           draw_paint(&scene, kind, report->options->date, out, err);
}

static bool emit_pdf(const struct report *report, struct out *out, struct error *err)
{
    return emit_picture(report, PICTURE_PDF, out, err);
}

static bool emit_ps(const struct report *report, struct out *out, struct error *err)
{
    return emit_picture(report, PICTURE_PS, out, err);
}

static bool emit_svg(const struct report *report, struct out *out, struct error *err)
{
    return emit_picture(report, PICTURE_SVG, out, err);
}

static bool emit_gif(const struct report *report, struct out *out, struct error *err)
{
    return emit_picture(report, PICTURE_GIF, out, err);
}

static bool emit_png(const struct report *report, struct out *out, struct error *err)
{
    return emit_picture(report, PICTURE_PNG, out, err);
}

const struct emitter pdf_emitter = {
    .name = "pdf",
    .help = "call graph as a PDF page",
    .extension = "pdf",
    .form = OUTPUT_BYTES,
    .grain = GRANULARITY_FUNCTIONS,
    .is_classic = true,
    .is_single = true,
    .fold = page_fold,
    .emit = emit_pdf,
};

const struct emitter ps_emitter = {
    .name = "ps",
    .help = "call graph as PostScript",
    .extension = "ps",
    .form = OUTPUT_PAGE,
    .grain = GRANULARITY_FUNCTIONS,
    .is_classic = true,
    .fold = page_fold,
    .emit = emit_ps,
};

const struct emitter svg_emitter = {
    .name = "svg",
    .help = "call graph as SVG that pans and zooms in a browser",
    .extension = "svg",
    .form = OUTPUT_PAGE,
    .grain = GRANULARITY_FUNCTIONS,
    .is_classic = true,
    .is_single = true,
    .fold = page_fold,
    .emit = emit_svg,
};

const struct emitter gif_emitter = {
    .name = "gif",
    .help = "call graph as a GIF picture",
    .extension = "gif",
    .form = OUTPUT_BYTES,
    .grain = GRANULARITY_FUNCTIONS,
    .is_classic = true,
    .is_single = true,
    .fold = page_fold,
    .emit = emit_gif,
};

const struct emitter png_emitter = {
    .name = "png",
    .help = "call graph as a PNG picture",
    .extension = "png",
    .form = OUTPUT_BYTES,
    .grain = GRANULARITY_FUNCTIONS,
    .is_single = true,
    .fold = page_fold,
    .emit = emit_png,
};
