/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Ink by cairo: PDF and PostScript pages of the scene's size, and pixels. Everything that would
 * differ between two runs (dates) is pinned. Cairo reports through the object's status, so each
 * function asks once, at its end. A write that failed is not told here: out_close knows why. */
#include "draw/internal.h"

#include <errno.h>
#include <math.h>
#include <time.h>

#define MOST_POINTS     14400.0 /* a PDF page's largest side: more is not shown by some viewers */
#define PIXELS_A_POINT  1.5
#define MOST_SIDE       30000.0 /* of an image; cairo ends at 32767 */
#define MOST_PIXELS     24e6
#define LARGEST_PICTURE ((size_t)1 << 30)

struct cairo_pen {
    struct pen pen;
    const struct cairo_library *lib;
    cairo_t *context;
};

static void set_colour(struct cairo_pen *p, uint32_t colour)
{
    p->lib->cairo_set_source_rgb(p->context, (colour >> 16 & 0xff) / 255.0,
                                 (colour >> 8 & 0xff) / 255.0, (colour & 0xff) / 255.0);
}

static void group(struct pen *self, const char *kind, const char *hint)
{
    (void)self, (void)kind, (void)hint;
}

static void end_group(struct pen *self)
{
    (void)self;
}

static void trace_frame(struct cairo_pen *p, double x, double y, double width, double height,
                        double radius)
{
    const struct cairo_library *lib = p->lib;
    const double r = fmin(radius, fmin(width, height) / 2), quarter = acos(0);
    lib->cairo_new_path(p->context);
    for (int corner = 0; corner < 4; corner++) { /* from the top right one, clockwise */
        const double cx = corner < 2 ? x + width - r : x + r;
        const double cy = corner == 1 || corner == 2 ? y + height - r : y + r;
        lib->cairo_arc(p->context, cx, cy, r, (corner - 1) * quarter, corner * quarter);
    }
    lib->cairo_close_path(p->context);
}

static void frame(struct pen *self, double x, double y, double width, double height, double radius,
                  double line_width, uint32_t line, uint32_t fill)
{
    struct cairo_pen *p = (struct cairo_pen *)self;
    trace_frame(p, x, y, width, height, radius);
    if (fill != NO_COLOUR) {
        set_colour(p, fill);
        p->lib->cairo_fill_preserve(p->context);
    }
    set_colour(p, line);
    p->lib->cairo_set_line_width(p->context, line_width);
    p->lib->cairo_stroke(p->context);
}

static void curve(struct pen *self, const struct scene_point *points, uint32_t n, double width,
                  uint32_t colour, double dash, double gap)
{
    struct cairo_pen *p = (struct cairo_pen *)self;
    const struct cairo_library *lib = p->lib;
    const double dashes[] = {dash, gap};
    lib->cairo_new_path(p->context);
    lib->cairo_move_to(p->context, points[0].x, points[0].y);
    for (uint32_t i = 1; i + 2 < n; i += 3) {
        const struct scene_point *q = points + i;
        lib->cairo_curve_to(p->context, q[0].x, q[0].y, q[1].x, q[1].y, q[2].x, q[2].y);
    }
    set_colour(p, colour);
    lib->cairo_set_line_width(p->context, width);
    lib->cairo_set_dash(p->context, dashes, dash > 0 ? 2 : 0, 0);
    lib->cairo_stroke(p->context);
    lib->cairo_set_dash(p->context, dashes, 0, 0);
}

static void triangle(struct pen *self, const struct scene_point corners[3], uint32_t colour)
{
    struct cairo_pen *p = (struct cairo_pen *)self;
    p->lib->cairo_new_path(p->context);
    p->lib->cairo_move_to(p->context, corners[0].x, corners[0].y);
    p->lib->cairo_line_to(p->context, corners[1].x, corners[1].y);
    p->lib->cairo_line_to(p->context, corners[2].x, corners[2].y);
    p->lib->cairo_close_path(p->context);
    set_colour(p, colour);
    p->lib->cairo_fill(p->context);
}

/* The halo is a white pad: PostScript knows no transparency, and outlines of letters would take
 * more room than all the rest of the page. */
static void text(struct pen *self, const struct scene_line *line, uint32_t colour, bool is_centred,
                 bool has_halo)
{
    struct cairo_pen *p = (struct cairo_pen *)self;
    (void)is_centred;
    if (has_halo) {
        trace_frame(p, line->x - 1, line->y - 0.86 * line->size, line->width + 2, 1.06 * line->size,
                    2);
        set_colour(p, 0xffffff);
        p->lib->cairo_fill(p->context);
    }
    set_colour(p, colour);
    p->lib->cairo_set_font_size(p->context, line->size);
    p->lib->cairo_move_to(p->context, line->x, line->y);
    p->lib->cairo_show_text(p->context, line->text);
}

static bool ink(const struct cairo_library *lib, cairo_surface_t *surface,
                const struct scene *scene, double scale, struct error *err)
{
    cairo_t *context = lib->cairo_create(surface);
    struct cairo_pen pen = {
        .pen = {.group = group,
                .end_group = end_group,
                .frame = frame,
                .curve = curve,
                .triangle = triangle,
                .text = text},
        .lib = lib,
        .context = context,
    };
    lib->cairo_scale(context, scale, scale);
    measure_set_font(lib, context);
    lib->cairo_set_line_join(context, CAIRO_LINE_JOIN_MITER);
    lib->cairo_set_line_cap(context, CAIRO_LINE_CAP_BUTT);
    set_colour(&pen, 0xffffff);
    lib->cairo_paint(context);
    ink_scene(scene, &pen.pen);
    lib->cairo_show_page(context);
    const cairo_status_t status = lib->cairo_status(context);
    lib->cairo_destroy(context);
    if (status != CAIRO_STATUS_SUCCESS && status != CAIRO_STATUS_WRITE_ERROR)
        return error_set(err, ERROR_SYSTEM, "painting: %s", lib->cairo_status_to_string(status));
    return true;
}

static cairo_status_t write_out(void *to, const unsigned char *bytes, unsigned int n)
{
    out_bytes(to, span_make(bytes, n));
    return out_failed(to) ? CAIRO_STATUS_WRITE_ERROR : CAIRO_STATUS_SUCCESS;
}

static cairo_status_t write_buf(void *to, const unsigned char *bytes, unsigned int n)
{
    buf_add(to, span_make(bytes, n));
    return ((struct buf *)to)->is_full ? CAIRO_STATUS_WRITE_ERROR : CAIRO_STATUS_SUCCESS;
}

/* Cairo's PostScript always carries the time of the day. */
static void pin_date(struct span page, const char *date, struct out *out)
{
    const size_t at = span_find_text(span_first(page, 4096), "%%CreationDate:");
    if (at != SIZE_MAX) {
        const struct span rest = span_skip(page, at);
        out_bytes(out, span_first(page, at));
        out_printf(out, "%%%%CreationDate: %s", date);
        page = span_skip(rest, span_find(span_first(rest, 200), '\n'));
    }
    out_bytes(out, page);
}

/* A comment line of at most 255 bytes, plain ASCII. */
static void set_ps_title(const struct cairo_library *lib, cairo_surface_t *surface,
                         const char *title)
{
    struct buf line = BUF_MAX(200);
    buf_text(&line, "%%Title: ");
    for (; *title; title++)
        buf_byte(&line, *title >= 0x20 && *title < 0x7f ? *title : '?');
    lib->cairo_ps_surface_dsc_comment(surface, buf_c(&line));
    buf_free(&line);
}

bool paint_pages(const struct scene *scene, bool is_pdf, int64_t date, struct out *out,
                 struct error *err)
{
    struct cairo_library lib;
    if (!load_cairo(&lib, err))
        return false;
    const time_t seconds = (time_t)date;
    struct tm tm;
    char day[64] = "1970-01-01T00:00:00Z";
    if (gmtime_r(&seconds, &tm) && tm.tm_year >= 0 && tm.tm_year < 8100)
        (void)strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%SZ", &tm);

    struct arena *arena = arena_new();
    const char *given = scene->drawing->title ? scene->drawing->title : "";
    const char *title = draw_text_clean(span_of(given), 200, arena);
    const double scale = fmin(1, MOST_POINTS / fmax(scene->width, scene->height));
    const double width = scene->width * scale, height = scene->height * scale;
    struct buf page = BUF_MAX(LARGEST_PICTURE);
    cairo_surface_t *surface;
    if (is_pdf) {
        surface = lib.cairo_pdf_surface_create_for_stream(write_out, out, width, height);
        lib.cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, title);
        lib.cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATOR, "cprof");
        lib.cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, day);
    } else {
        surface = lib.cairo_ps_surface_create_for_stream(write_buf, &page, width, height);
        lib.cairo_ps_surface_restrict_to_level(surface, CAIRO_PS_LEVEL_3);
        set_ps_title(&lib, surface, title);
    }
    bool is_done = ink(&lib, surface, scene, scale, err);
    lib.cairo_surface_finish(surface);
    const cairo_status_t status = lib.cairo_surface_status(surface);
    if (is_done && status != CAIRO_STATUS_SUCCESS && !out_failed(out))
        is_done = error_set(err, ERROR_SYSTEM, "painting: %s", lib.cairo_status_to_string(status));
    lib.cairo_surface_destroy(surface);
    if (is_done && !is_pdf)
        pin_date(buf_span(&page), day, out);
    buf_free(&page);
    arena_free(arena);
    return is_done;
}

static cairo_surface_t *paint_image(const struct cairo_library *lib, const struct scene *scene,
                                    uint32_t *width, uint32_t *height, struct error *err)
{
    const double w = fmax(1, scene->width), h = fmax(1, scene->height);
    double scale = fmin(PIXELS_A_POINT, sqrt(MOST_PIXELS / (w * h)));
    scale = fmin(scale, MOST_SIDE / fmax(w, h));
    *width = (uint32_t)fmax(1, ceil(w * scale - 1e-6));
    *height = (uint32_t)fmax(1, ceil(h * scale - 1e-6));
    cairo_surface_t *surface =
        lib->cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)*width, (int)*height);
    if (ink(lib, surface, scene, scale, err)) {
        lib->cairo_surface_flush(surface);
        return surface;
    }
    lib->cairo_surface_destroy(surface);
    return NULL;
}

bool paint_png(const struct scene *scene, struct out *out, struct error *err)
{
    struct cairo_library lib;
    uint32_t width, height;
    if (!load_cairo(&lib, err))
        return false;
    cairo_surface_t *surface = paint_image(&lib, scene, &width, &height, err);
    if (!surface)
        return false;
    const cairo_status_t status = lib.cairo_surface_write_to_png_stream(surface, write_out, out);
    lib.cairo_surface_destroy(surface);
    if (status != CAIRO_STATUS_SUCCESS && !out_failed(out))
        return error_set(err, ERROR_SYSTEM, "painting: %s", lib.cairo_status_to_string(status));
    return true;
}

bool paint_pixels(const struct scene *scene, pixels_fn *use, void *to, struct error *err)
{
    struct cairo_library lib;
    struct pixels pixels;
    if (!load_cairo(&lib, err))
        return false;
    cairo_surface_t *surface = paint_image(&lib, scene, &pixels.width, &pixels.height, err);
    if (!surface)
        return false;
    pixels.p = lib.cairo_image_surface_get_data(surface);
    pixels.stride = (size_t)lib.cairo_image_surface_get_stride(surface);
    const bool is_used = use(&pixels, to, err);
    lib.cairo_surface_destroy(surface);
    return is_used;
}

bool draw_paint(const struct scene *scene, enum picture_kind kind, int64_t date, struct out *out,
                struct error *err)
{
    switch (kind) {
    case PICTURE_PDF:
    case PICTURE_PS:
        return paint_pages(scene, kind == PICTURE_PDF, date, out, err);
    case PICTURE_SVG:
        return paint_svg(scene, out, err);
    case PICTURE_PNG:
        return paint_png(scene, out, err);
    case PICTURE_GIF:
        return paint_gif(scene, out, err);
    case PICTURE_COUNT:
        break;
    }
    return error_set(err, ERROR_USAGE, "no such kind of picture");
}
