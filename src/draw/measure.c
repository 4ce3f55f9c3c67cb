/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How wide text is, asked of cairo. Measured once at one large size and scaled: without hinting
 * widths are proportional to the size, so that one font object serves all sizes. */
#include "draw/internal.h"

#define MEASURED_SIZE 64.0

void measure_set_font(const struct cairo_library *cairo, cairo_t *context)
{
    cairo_font_options_t *options = cairo->cairo_font_options_create();
    cairo->cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo->cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo->cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo->cairo_set_font_options(context, options);
    cairo->cairo_font_options_destroy(options);
    cairo->cairo_select_font_face(context, FONT_FAMILY, CAIRO_FONT_SLANT_NORMAL,
                                  CAIRO_FONT_WEIGHT_NORMAL);
}

bool measure_open(struct measure *measure, const struct cairo_library *cairo, struct error *err)
{
    struct measure m = {.cairo = cairo};
    m.surface = cairo->cairo_image_surface_create(CAIRO_FORMAT_RGB24, 1, 1);
    m.context = cairo->cairo_create(m.surface);
    measure_set_font(cairo, m.context);
    cairo->cairo_set_font_size(m.context, MEASURED_SIZE);
    cairo_font_extents_t extents;
    cairo->cairo_font_extents(m.context, &extents);
    m.is_outline = cairo->cairo_scaled_font_get_type(cairo->cairo_get_scaled_font(m.context)) !=
                   CAIRO_FONT_TYPE_USER;
    const cairo_status_t status = cairo->cairo_status(m.context);
    if (status != CAIRO_STATUS_SUCCESS) {
        measure_close(&m);
        return error_set(err, ERROR_MISSING, "measuring text: %s",
                         cairo->cairo_status_to_string(status));
    }
    *measure = m;
    return true;
}

void measure_close(struct measure *measure)
{
    measure->cairo->cairo_destroy(measure->context);
    measure->cairo->cairo_surface_destroy(measure->surface);
}

double measure_text(const struct measure *measure, const char *text, double size)
{
    cairo_text_extents_t extents = {0};
    measure->cairo->cairo_text_extents(measure->context, text, &extents);
    return extents.x_advance * size / MEASURED_SIZE;
}
