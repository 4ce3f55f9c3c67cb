/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the steps of drawing share: the libraries that are loaded late, the plan that becomes a
 * scene, and the pen that hides which kind of picture is written. */
#pragma once

#include <cairo-pdf.h>
#include <cairo-ps.h>
#include <cairo.h>
#include <gif_lib.h>
#include <gvc.h>

#include "draw/draw.h"

/* --- libraries.c: graphviz, cairo and giflib without linking them --- */

#define CAIRO_FUNCTIONS(X)                                                                         \
    X(cairo_arc)                                                                                   \
    X(cairo_close_path)                                                                            \
    X(cairo_create)                                                                                \
    X(cairo_curve_to)                                                                              \
    X(cairo_destroy)                                                                               \
    X(cairo_fill)                                                                                  \
    X(cairo_fill_preserve)                                                                         \
    X(cairo_font_extents)                                                                          \
    X(cairo_font_options_create)                                                                   \
    X(cairo_font_options_destroy)                                                                  \
    X(cairo_font_options_set_antialias)                                                            \
    X(cairo_font_options_set_hint_metrics)                                                         \
    X(cairo_font_options_set_hint_style)                                                           \
    X(cairo_get_scaled_font)                                                                       \
    X(cairo_image_surface_create)                                                                  \
    X(cairo_image_surface_get_data)                                                                \
    X(cairo_image_surface_get_stride)                                                              \
    X(cairo_line_to)                                                                               \
    X(cairo_move_to)                                                                               \
    X(cairo_new_path)                                                                              \
    X(cairo_new_sub_path)                                                                          \
    X(cairo_paint)                                                                                 \
    X(cairo_pdf_surface_create_for_stream)                                                         \
    X(cairo_pdf_surface_set_metadata)                                                              \
    X(cairo_ps_surface_create_for_stream)                                                          \
    X(cairo_ps_surface_dsc_comment)                                                                \
    X(cairo_ps_surface_restrict_to_level)                                                          \
    X(cairo_scale)                                                                                 \
    X(cairo_scaled_font_get_type)                                                                  \
    X(cairo_select_font_face)                                                                      \
    X(cairo_set_dash)                                                                              \
    X(cairo_set_font_options)                                                                      \
    X(cairo_set_font_size)                                                                         \
    X(cairo_set_line_cap)                                                                          \
    X(cairo_set_line_join)                                                                         \
    X(cairo_set_line_width)                                                                        \
    X(cairo_set_source_rgb)                                                                        \
    X(cairo_show_page)                                                                             \
    X(cairo_show_text)                                                                             \
    X(cairo_status)                                                                                \
    X(cairo_status_to_string)                                                                      \
    X(cairo_stroke)                                                                                \
    X(cairo_surface_destroy)                                                                       \
    X(cairo_surface_finish)                                                                        \
    X(cairo_surface_flush)                                                                         \
    X(cairo_surface_status)                                                                        \
    X(cairo_surface_write_to_png_stream)                                                           \
    X(cairo_text_extents)

#define CGRAPH_FUNCTIONS(X)                                                                        \
    X(agattr)                                                                                      \
    X(agclose)                                                                                     \
    X(agedge)                                                                                      \
    X(agnode)                                                                                      \
    X(agopen)                                                                                      \
    X(agseterrf)                                                                                   \
    X(agstrdup_html)                                                                               \
    X(agstrfree)                                                                                   \
    X(agxset)

#define GVC_FUNCTIONS(X)                                                                           \
    X(gvContextPlugins)                                                                            \
    X(gvFreeContext)                                                                               \
    X(gvFreeLayout)                                                                                \
    X(gvLayout)

#define GIF_FUNCTIONS(X)                                                                           \
    X(EGifCloseFile)                                                                               \
    X(EGifOpen)                                                                                    \
    X(EGifPutImageDesc)                                                                            \
    X(EGifPutLine)                                                                                 \
    X(EGifPutScreenDesc)                                                                           \
    X(GifErrorString)                                                                              \
    X(GifFreeMapObject)                                                                            \
    X(GifMakeMapObject)

#define LIBRARY_MEMBER(name) __typeof__(name) *name;

struct cairo_library {
    CAIRO_FUNCTIONS(LIBRARY_MEMBER)
};

struct graph_library {
    CGRAPH_FUNCTIONS(LIBRARY_MEMBER)
    GVC_FUNCTIONS(LIBRARY_MEMBER)
    __typeof__(Agdirected) *Agdirected;
    gvplugin_library_t
        *dot_layout; /* the layout alone: no plugin search, no config file, no PATH */
};

struct gif_library {
    GIF_FUNCTIONS(LIBRARY_MEMBER)
};

/* "pictures need LIBRARY: reason" where one is missing. A library that was loaded stays loaded. */
bool load_cairo(struct cairo_library *out, struct error *err) CHECKED;
bool load_graphviz(struct graph_library *out, struct error *err) CHECKED;
bool load_gif(struct gif_library *out, struct error *err) CHECKED;

/* --- text.c: what may be shown of a stranger's text --- */

#define ANY_COLUMNS UINT32_MAX

/* Valid UTF-8 that is safe in every kind of picture: bad bytes and control characters become
 * U+FFFD. Longer than `max_columns` characters it is cut in the middle, with an ellipsis. */
const char *draw_text_clean(struct span text, uint32_t max_columns, struct arena *arena) CHECKED;
/* The cleaned lines of `text`, at most `max_lines` of them (the middle ones go). Returns how many.
 */
uint32_t draw_text_lines(const char *text, uint32_t max_lines, uint32_t max_columns,
                         struct arena *arena, struct scene_line **lines) CHECKED;

/* --- measure.c --- */

#define FONT_FAMILY "DejaVu Sans" /* other families stand in where it is not installed */

struct measure {
    const struct cairo_library *cairo;
    cairo_surface_t *surface;
    cairo_t *context;
    bool is_outline; /* false: no font is installed, cairo draws letters of its own */
};

bool measure_open(struct measure *measure, const struct cairo_library *cairo,
                  struct error *err) CHECKED;
void measure_close(struct measure *measure);
double measure_text(const struct measure *measure, const char *text, double size) CHECKED;
/* Fonts scale without rounding to pixels, so that what was measured is what is painted. */
void measure_set_font(const struct cairo_library *cairo, cairo_t *context);

/* --- layout.c, and the two engines that place --- */

/* Before placing: sizes and lines are known, lines lie relative to their box's centre. An engine
 * sets the boxes' centres and the curves' points, anywhere in the plane. */
struct plan {
    const struct drawing *drawing;
    struct arena *arena;
    struct scene_box *boxes;
    struct scene_curve *curves;
    const uint32_t *nodes; /* those that have edges; engines leave the others alone */
    uint32_t n_nodes;
    bool has_labels_placed; /* by the engine */
};

enum dot_care { DOT_CURVES_AND_LABELS, DOT_CURVES, DOT_COUNT };

/* graphviz's dot. */
bool dot_place(struct plan *plan, enum dot_care care, const struct graph_library *graphviz,
               struct error *err) CHECKED;

/* Our own: boxes in tiers. Not as pretty, but its time is bounded: a few passes over the edges. */
struct tiers;
struct tiers *tiers_new(struct plan *plan) CHECKED; /* the arena's */
/* How many points dot would have to place: nodes, and each edge where it crosses a tier. */
double tiers_work(const struct tiers *tiers, bool with_labels) CHECKED;
double tiers_widest(const struct tiers *tiers) CHECKED; /* points, were there no limit */
void tiers_place(struct tiers *tiers);

/* labels.c: finds room beside the curves for labels that no engine has placed. */
void labels_place(struct plan *plan);

/* What a drawing may say and ink can do, whatever number stands in it. */
double edge_width(const struct drawing_edge *edge) CHECKED;
double arrow_length(const struct drawing_edge *edge) CHECKED;
int frames_of(const struct drawing_node *node) CHECKED;
#define FRAME_GAP 3.0 /* between the lines of a box with several */

/* --- ink.c: what is drawn, in which order and colour, for every kind of picture --- */

#define NO_COLOUR UINT32_MAX

struct pen { /* colours are 0xRRGGBB; an object begins with `self` as its first member */
    void (*group)(struct pen *self, const char *kind, const char *hint); /* until end_group */
    void (*end_group)(struct pen *self);
    /* Top left corner. */
    void (*frame)(struct pen *self, double x, double y, double width, double height, double radius,
                  double line_width, uint32_t line, uint32_t fill);
    /* `dash` points of line, then `gap` of none; dash 0: a line without gaps. */
    void (*curve)(struct pen *self, const struct scene_point *points, uint32_t n, double width,
                  uint32_t colour, double dash, double gap);
    void (*triangle)(struct pen *self, const struct scene_point corners[3], uint32_t colour);
    void (*text)(struct pen *self, const struct scene_line *line, uint32_t colour, bool is_centred,
                 bool has_halo);
};

void ink_scene(const struct scene *scene, struct pen *pen);

/* --- the kinds of picture --- */

bool paint_pages(const struct scene *scene, bool is_pdf, int64_t date, struct out *out,
                 struct error *err) CHECKED;
bool paint_png(const struct scene *scene, struct out *out, struct error *err) CHECKED;
bool paint_svg(const struct scene *scene, struct out *out, struct error *err) CHECKED;
bool paint_gif(const struct scene *scene, struct out *out, struct error *err) CHECKED;

/* Rows of 0x00RRGGBB words, `stride` bytes apart. */
struct pixels {
    const unsigned char *p;
    size_t stride;
    uint32_t width, height;
};

static inline uint32_t pixel_at(const struct pixels *pixels, uint32_t x, uint32_t y)
{
    uint32_t pixel;
    memcpy(&pixel, pixels->p + y * pixels->stride + (size_t)x * sizeof pixel, sizeof pixel);
    return pixel & 0xffffffu;
}

/* Paints and lets `use` have the pixels while they last. */
typedef bool pixels_fn(const struct pixels *pixels, void *to, struct error *err);
bool paint_pixels(const struct scene *scene, pixels_fn *use, void *to, struct error *err) CHECKED;
