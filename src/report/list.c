/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Source with values: each routine that matches, with what each of its lines is worth. Lines are
 * those of the function itself; what was inlined counts for the line of the call. */
#include "report/internal.h"

struct writer {
    const struct report *report;
    struct out *out;
    struct sources *sources;
};

static void write_line(struct writer *w, const struct excerpt *e, uint32_t n)
{
    const struct view *view = w->report->view;
    char flat[UNITS_TEXT], cum[UNITS_TEXT];
    const bool is_inside = n >= e->first && n <= e->last;
    out_printf(w->out,
               "%6s %6s %4u: ", report_cell(view, is_inside ? e->flat[n - e->first] : 0, flat),
               report_cell(view, is_inside ? e->cum[n - e->first] : 0, cum), n);
    out_bytes(w->out, source_line(e->source, n));
    out_byte(w->out, '\n');
}

static bool write_routine(void *to, const struct routine *routine, double flat_total)
{
    (void)flat_total;
    struct writer *w = to;
    const struct view *view = w->report->view;
    char flat[UNITS_TEXT], cum[UNITS_TEXT];
    struct arena *arena = arena_new();
    struct excerpt e;
    if (excerpt_make(routine, w->sources, w->report, arena, &e)) {
        out_text(w->out, "ROUTINE ====================== ");
        out_text(w->out, routine->name);
        out_text(w->out, " in ");
        out_text(w->out, source_shown(e.file));
        out_printf(w->out, "\n%6s %6s Total %s (flat / cumulative)\n",
                   view_value_text(view, routine->flat, flat),
                   view_value_text(view, routine->cum, cum), view->format.unit);
        for (uint32_t n = e.from; n <= e.to && !out_failed(w->out); n++) {
            if (n == e.first)
                out_text(w->out, "---\n");
            write_line(w, &e, n);
            if (n == e.last)
                out_text(w->out, "---\n");
        }
    }
    arena_free(arena);
    return !out_failed(w->out);
}

static bool emit(const struct report *report, struct out *out, struct error *err)
{
    struct writer w = {.report = report, .out = out, .sources = sources_new(report)};
    const bool is_written = routines_each(report, "--list", write_routine, &w, err);
    sources_free(w.sources);
    return is_written;
}

const struct emitter list_emitter = {
    .name = "list",
    .help = "source of the routines that match, with values",
    .extension = "txt",
    .more =
        "Each routine whose full or short name matches the expression and that samples fell in: "
        "its lines with their flat and cumulative values, and some around it. What was inlined "
        "counts for the line of the call. Sources are read from where the compiler found them; "
        "see --source_path for others.",
    .arg = "regex",
    .grain = GRANULARITY_ADDRESSES,
    .has_fixed_grain = true,
    .wants_heading = true,
    .is_classic = true,
    .emit = emit,
};
