/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The table as google/pprof prints it: values with their units, names alone, small rows left out.
 * The layout is read by scripts and known to eyes; text.c has the other one. */
#include "report/internal.h"

enum { CALLED_INLINE = 1, CALLED = 2 };

/* What those who call a node say of it. */
static const char *const marks[] = {
    [0] = "",
    [CALLED_INLINE] = " (inline)",
    [CALLED] = "",
    [CALLED | CALLED_INLINE] = " (partial-inline)",
};

static bool emit(const struct report *report, struct out *out, struct error *err)
{
    (void)err;
    struct rows rows;
    rows_make(report, 0, false, &rows);
    uint8_t *called = arena_alloc(report->arena, rows.n_nodes, 1);
    for (uint32_t i = 0; i < rows.n_edges; i++)
        called[rows.edges[i].to] |= rows.edges[i].is_inlined ? CALLED_INLINE : CALLED;

    rows_labels(report, &rows, out);
    out_text(out, "      flat  flat%   sum%        cum   cum%\n");
    double sum = 0;
    const int64_t max_rows = report->options->max_rows;
    for (node_ix i = 0; i < rows.n_nodes && !out_failed(out); i++) {
        const struct node *node = &rows.nodes[i];
        if (max_rows > 0 && i >= max_rows) {
            tally_trimmed(report, node->flat);
            continue;
        }
        tally_row(report, node->flat);
        rows_numbers(&rows, node, &sum, out);
        out_text(out, "  ");
        out_text(out, strings_text(report->view->profile->strings, node->label));
        out_text(out, marks[called[i]]);
        out_byte(out, '\n');
    }
    return true;
}

const struct emitter top_emitter = {
    .name = "top",
    .help = "table of entries, as google/pprof prints it",
    .extension = "txt",
    .more = "Values have units, shares are of the total before any filter, and rows whose "
            "cumulative value is below *--nodefraction* of it are left out. *--nodecount* shows "
            "the first rows only, *--cum* sorts by cumulative value.",
    .grain = GRANULARITY_FUNCTIONS,
    .fold = rows_fold,
    .emit = emit,
};
