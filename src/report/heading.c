/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The lines above a report that the prompt shows for a person: how much there is in all, and how
 * much of it the command's own filters let through. */
#include "report/internal.h"

static void write_part(const struct view *view, const char *what, const char *regex, double part,
                       struct out *out)
{
    char value[UNITS_TEXT], total[UNITS_TEXT], share[UNITS_TEXT];
    out_printf(out, "After %s '%s': %s %s of %s (%s)\n", what, regex,
               view_value_text(view, part, value), view->format.unit,
               view_value_text(view, view->total, total), units_percent(share, part, view->total));
}

void report_heading(const struct report *report, struct out *out)
{
    const struct view *view = report->view;
    const struct report_options *options = report->options;
    char total[UNITS_TEXT];
    out_printf(out, "Total%s: %s %s\n", report_thread(report),
               view_value_text(view, view->total, total), view->format.unit);
    if (options->then_focus)
        write_part(view, "focusing on", options->then_focus, view->after_focus, out);
    if (options->then_ignore)
        write_part(view, "ignoring", options->then_ignore, view->after_ignore, out);
}
