/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The call graph as DOT text, for graphviz and for whoever reads it by script: statements, their
 * order and every number are a contract (docs/reports.md). */
#include "report/internal.h"

/* What DOT would read as the end of a string or as an escape of its own is escaped. */
static void dot_text(struct buf *out, const char *text)
{
    for (const char *p = text; *p; p++) {
        if (*p == '"' || *p == '\\')
            buf_byte(out, '\\');
        buf_byte(out, *p == '\n' || *p == '\r' ? ' ' : *p);
    }
}

/* A line break for each run of white space and for each "::". */
static void dot_name(struct buf *out, const char *name)
{
    for (const char *p = name; *p;) {
        if (span_is_space(*p)) {
            while (span_is_space(*p))
                p++;
            buf_text(out, "\\n");
        } else if (p[0] == ':' && p[1] == ':') {
            p += 2;
            buf_text(out, "\\n");
        } else {
            if (*p == '"' || *p == '\\')
                buf_byte(out, '\\');
            buf_byte(out, *p++);
        }
    }
}

static void write_head(const struct report *report, const struct trimmed *page, struct buf *scratch,
                       struct out *out)
{
    const struct view *view = report->view;
    const char *unit = view->format.unit;
    char total[UNITS_TEXT], focus[UNITS_TEXT], node[UNITS_TEXT], edge[UNITS_TEXT];
    view_value_text(view, view->total, total);
    buf_clear(scratch);
    dot_text(scratch, report->options->program ? report->options->program : "");
    const char *program = buf_c(scratch);
    out_printf(out, "digraph \"%s; %s %s\" {\n", program, total, unit);
    out_text(out, "node [width=0.375,height=0.25];\n");
    out_printf(out,
               "Legend [shape=box,fontsize=24,shape=plaintext,label=\"%s\\lTotal %s: %s\\l"
               "Focusing on: %s\\lDropped nodes with <= %s abs(%s)\\l"
               "Dropped edges with <= %s %s\\l\"];\n",
               program, unit, total, view_value_text(view, page->flat_total, focus),
               view_value_text(view, page->node_limit, node), unit,
               view_value_text(view, page->edge_limit, edge), unit);
}

static void write_node(const struct report *report, const struct trimmed *page, node_ix i,
                       struct buf *scratch, struct out *out)
{
    const struct view *view = report->view;
    const struct node *node = &page->nodes[i];
    char size[UNITS_TEXT];
    buf_clear(scratch);
    dot_name(scratch, strings_text(view->profile->strings, node->label));
    buf_text(scratch, "\\n");
    page_node_numbers(view, page, node, "\\r", scratch);
    out_printf(out, "N%u [label=\"", i + 1);
    out_bytes(out, buf_span(scratch));
    out_printf(out, "\\r\",shape=box,fontsize=%s",
               units_fixed(size, page_font_size(page, node), 1));
    if (report->options->heapcheck && node->flat > 0)
        out_text(out, ",style=filled,fillcolor=gray");
    if (report->options->heapcheck && node->flat < 0)
        out_text(out, ",peripheries=3");
    out_text(out, "];\n");
}

static void write_edge(const struct view *view, const struct trimmed *page, const struct edge *edge,
                       struct out *out)
{
    char value[UNITS_TEXT], width[UNITS_TEXT];
    out_printf(out, "N%u -> N%u [label=%s, weight=%d, style=\"setlinewidth(%s)%s\"];\n",
               edge->from + 1, edge->to + 1, view_value_text(view, edge->weight, value),
               page_edge_weight(edge), units_fixed(width, page_edge_width(page, edge), 6),
               page_edge_is_dashed(view, page, edge) ? ",dashed" : "");
}

static bool emit(const struct report *report, struct out *out, struct error *err)
{
    struct trimmed page;
    if (!page_make(report, &page, err))
        return false;
    struct buf scratch = BUF_MAX(WORDS_MAX);
    write_head(report, &page, &scratch, out);
    for (node_ix i = 0; i < page.n_nodes; i++) {
        write_node(report, &page, i, &scratch, out);
        tally_row(report, page.nodes[i].flat);
    }
    for (uint32_t i = 0; i < page.n_edges; i++)
        write_edge(report->view, &page, &page.edges[i], out);
    out_text(out, "}\n");
    buf_free(&scratch);
    return true;
}

const struct emitter dot_emitter = {
    .name = "dot",
    .help = "call graph as DOT text",
    .extension = "dot",
    .grain = GRANULARITY_FUNCTIONS,
    .is_classic = true,
    .fold = page_fold,
    .emit = emit,
};
