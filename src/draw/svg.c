/* SPDX-License-Identifier: BSD-3-Clause
 *
 * SVG is written by ourselves: real text, tooltips, and a page that pans and zooms. The only script
 * in it is the constant below; every text of the drawing passes put_text, which leaves no byte with
 * a meaning in XML. */
#include "draw/internal.h"

#include <math.h>

struct svg_pen {
    struct pen pen;
    struct out *out;
    struct arena *arena; /* for cleaned hints */
};

static const char style[] =
    "#viewport text{font-family:'" FONT_FAMILY "',Verdana,Geneva,sans-serif;white-space:pre}\n"
    "#viewport .halo{stroke:#fff;stroke-width:3;stroke-linejoin:round;paint-order:stroke}\n"
    "#viewport .node:hover rect{stroke:#22252a}\n"
    "#viewport .edge:hover path{stroke:#22252a}\n"
    "#viewport .edge:hover polygon{fill:#22252a}\n";

/* The wheel zooms at the pointer, dragging pans, two fingers do both, a double click shows all.
 * With the shift key down, dragging selects text instead. */
static const char script[] =
    "(function () {\n"
    "  var g = document.getElementById('viewport'), svg = g.ownerSVGElement;\n"
    "  var w = +g.getAttribute('data-width'), h = +g.getAttribute('data-height');\n"
    "  var s = 1, x = 0, y = 0, touched = false, down = {};\n"
    "  function show() {\n"
    "    g.setAttribute('transform', 'translate(' + x + ',' + y + ') scale(' + s + ')');\n"
    "  }\n"
    "  function fit() {\n"
    "    var r = svg.getBoundingClientRect();\n"
    "    s = Math.min(r.width / w, r.height / h, 1.5);\n"
    "    if (!(s > 0)) s = 1;\n"
    "    x = (r.width - w * s) / 2;\n"
    "    y = (r.height - h * s) / 2;\n"
    "    touched = false;\n"
    "    show();\n"
    "  }\n"
    "  function zoom(k, cx, cy) {\n"
    "    var r = svg.getBoundingClientRect(), to = Math.min(40, Math.max(0.01, s * k));\n"
    "    cx -= r.left;\n"
    "    cy -= r.top;\n"
    "    x = cx - (cx - x) * to / s;\n"
    "    y = cy - (cy - y) * to / s;\n"
    "    s = to;\n"
    "    touched = true;\n"
    "    show();\n"
    "  }\n"
    "  svg.addEventListener('wheel', function (e) {\n"
    "    e.preventDefault();\n"
    "    var d = e.deltaY * (e.deltaMode === 1 ? 20 : e.deltaMode === 2 ? 400 : 1);\n"
    "    zoom(Math.pow(1.0016, -Math.max(-300, Math.min(300, d))), e.clientX, e.clientY);\n"
    "  }, { passive: false });\n"
    "  svg.addEventListener('pointerdown', function (e) {\n"
    "    if (e.shiftKey || e.button) return;\n"
    "    e.preventDefault();\n"
    "    down[e.pointerId] = [e.clientX, e.clientY];\n"
    "    svg.setPointerCapture(e.pointerId);\n"
    "    svg.style.cursor = 'grabbing';\n"
    "  });\n"
    "  svg.addEventListener('pointermove', function (e) {\n"
    "    var p = down[e.pointerId], ids = Object.keys(down);\n"
    "    if (!p) return;\n"
    "    var n = [e.clientX, e.clientY];\n"
    "    if (ids.length === 2) {\n"
    "      var o = down[ids[0] === String(e.pointerId) ? ids[1] : ids[0]];\n"
    "      var was = Math.hypot(p[0] - o[0], p[1] - o[1]);\n"
    "      if (was > 0)\n"
    "        zoom(Math.hypot(n[0] - o[0], n[1] - o[1]) / was, (n[0] + o[0]) / 2, (n[1] + o[1]) / "
    "2);\n"
    "    }\n"
    "    x += (n[0] - p[0]) / ids.length;\n"
    "    y += (n[1] - p[1]) / ids.length;\n"
    "    down[e.pointerId] = n;\n"
    "    touched = true;\n"
    "    show();\n"
    "  });\n"
    "  function up(e) {\n"
    "    delete down[e.pointerId];\n"
    "    svg.style.cursor = 'grab';\n"
    "  }\n"
    "  svg.addEventListener('pointerup', up);\n"
    "  svg.addEventListener('pointercancel', up);\n"
    "  svg.addEventListener('dblclick', fit);\n"
    "  window.addEventListener('resize', function () { if (!touched) fit(); });\n"
    "  svg.style.cursor = 'grab';\n"
    "  svg.style.touchAction = 'none';\n"
    "  fit();\n"
    "})();\n";

/* Cleaned text: what is left to quote is XML's own. */
static void put_text(struct out *out, const char *text)
{
    const char *from = text;
    for (; *text; text++) {
        const char *quoted = *text == '&'    ? "&amp;"
                             : *text == '<'  ? "&lt;"
                             : *text == '>'  ? "&gt;"
                             : *text == '"'  ? "&quot;"
                             : *text == '\'' ? "&#39;"
                                             : NULL;
        if (!quoted)
            continue;
        out_bytes(out, span_make(from, (size_t)(text - from)));
        out_text(out, quoted);
        from = text + 1;
    }
    out_bytes(out, span_make(from, (size_t)(text - from)));
}

/* Hundredths of a point, without zeros at the end. */
static void put_number(struct out *out, double value)
{
    const long long hundredths = isfinite(value) && fabs(value) < 1e12 ? llround(value * 100) : 0;
    const unsigned long long n = (unsigned long long)(hundredths < 0 ? -hundredths : hundredths);
    if (hundredths < 0)
        out_byte(out, '-');
    out_u64(out, n / 100);
    if (n % 100) {
        out_byte(out, '.');
        out_byte(out, (char)('0' + n % 100 / 10));
        if (n % 10)
            out_byte(out, (char)('0' + n % 10));
    }
}

static void put_attribute(struct out *out, const char *name, double value)
{
    out_byte(out, ' ');
    out_text(out, name);
    out_text(out, "=\"");
    put_number(out, value);
    out_byte(out, '"');
}

static void put_point(struct out *out, struct scene_point point)
{
    put_number(out, point.x);
    out_byte(out, ',');
    put_number(out, point.y);
}

static void group(struct pen *self, const char *kind, const char *hint)
{
    const struct svg_pen *p = (struct svg_pen *)self;
    out_printf(p->out, "<g class=\"%s\">", kind);
    if (!hint)
        return;
    out_text(p->out, "<title>");
    put_text(p->out, draw_text_clean(span_of(hint), ANY_COLUMNS, p->arena));
    out_text(p->out, "</title>\n");
}

static void end_group(struct pen *self)
{
    out_text(((struct svg_pen *)self)->out, "</g>\n");
}

static void frame(struct pen *self, double x, double y, double width, double height, double radius,
                  double line_width, uint32_t line, uint32_t fill)
{
    struct out *out = ((struct svg_pen *)self)->out;
    out_text(out, "<rect");
    put_attribute(out, "x", x);
    put_attribute(out, "y", y);
    put_attribute(out, "width", width);
    put_attribute(out, "height", height);
    put_attribute(out, "rx", radius);
    if (fill == NO_COLOUR)
        out_text(out, " fill=\"none\"");
    else
        out_printf(out, " fill=\"#%06x\"", (unsigned)fill);
    out_printf(out, " stroke=\"#%06x\"", (unsigned)line);
    put_attribute(out, "stroke-width", line_width);
    out_text(out, "/>\n");
}

static void curve(struct pen *self, const struct scene_point *points, uint32_t n, double width,
                  uint32_t colour, double dash, double gap)
{
    struct out *out = ((struct svg_pen *)self)->out;
    out_text(out, "<path d=\"M");
    put_point(out, points[0]);
    for (uint32_t i = 1; i + 2 < n; i += 3) {
        for (uint32_t k = i; k < i + 3; k++) {
            out_byte(out, k == i ? 'C' : ' ');
            put_point(out, points[k]);
        }
    }
    out_printf(out, "\" fill=\"none\" stroke=\"#%06x\"", (unsigned)colour);
    put_attribute(out, "stroke-width", width);
    if (dash > 0 && dash == gap) {
        put_attribute(out, "stroke-dasharray", dash);
    } else if (dash > 0) {
        out_text(out, " stroke-dasharray=\"");
        put_number(out, dash);
        out_byte(out, ' ');
        put_number(out, gap);
        out_byte(out, '"');
    }
    out_text(out, "/>\n");
}

static void triangle(struct pen *self, const struct scene_point corners[3], uint32_t colour)
{
    struct out *out = ((struct svg_pen *)self)->out;
    out_text(out, "<polygon points=\"");
    for (int i = 0; i < 3; i++) {
        if (i)
            out_byte(out, ' ');
        put_point(out, corners[i]);
    }
    out_printf(out, "\" fill=\"#%06x\"/>\n", (unsigned)colour);
}

/* The viewer's font may be another than the one that was measured: textLength keeps it in its box.
 */
static void text(struct pen *self, const struct scene_line *line, uint32_t colour, bool is_centred,
                 bool has_halo)
{
    struct out *out = ((struct svg_pen *)self)->out;
    if (!*line->text)
        return;
    out_text(out, "<text");
    put_attribute(out, "x", is_centred ? line->x + line->width / 2 : line->x);
    put_attribute(out, "y", line->y);
    put_attribute(out, "font-size", line->size);
    out_printf(out, " fill=\"#%06x\"", (unsigned)colour);
    if (is_centred)
        out_text(out, " text-anchor=\"middle\"");
    if (has_halo)
        out_text(out, " class=\"halo\"");
    if (line->width > 0) {
        put_attribute(out, "textLength", line->width);
        out_text(out, " lengthAdjust=\"spacingAndGlyphs\"");
    }
    out_byte(out, '>');
    put_text(out, line->text);
    out_text(out, "</text>\n");
}

bool paint_svg(const struct scene *scene, struct out *out, struct error *err)
{
    (void)err;
    struct svg_pen pen = {
        .pen = {.group = group,
                .end_group = end_group,
                .frame = frame,
                .curve = curve,
                .triangle = triangle,
                .text = text},
        .out = out,
        .arena = arena_new(),
    };
    const char *title = scene->drawing->title ? scene->drawing->title : "";
    out_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"100%\" height=\"100%\">\n"
                  "<title>");
    put_text(out, draw_text_clean(span_of(title), ANY_COLUMNS, pen.arena));
    out_printf(out, "</title>\n<style>\n%s</style>\n", style);
    out_text(out, "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
                  "<g id=\"viewport\" transform=\"translate(0,0)\"");
    put_attribute(out, "data-width", scene->width);
    put_attribute(out, "data-height", scene->height);
    out_text(out, ">\n");
    ink_scene(scene, &pen.pen);
    out_printf(out, "</g>\n<script><![CDATA[\n%s]]></script>\n</svg>\n", script);
    arena_free(pen.arena);
    return true;
}
