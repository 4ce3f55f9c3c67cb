/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Every stack with its value, innermost frame first, as google/pprof prints them, in the order in
 * which they were read. */
#include "report/internal.h"

static const char separator[] =
    "-----------+-------------------------------------------------------\n";

/* The entries of an address in words, looked up once. */
struct entries {
    uint32_t *at;
    str_id *labels;
};

static struct entries find_entries(const struct report *report)
{
    const struct view *view = report->view;
    const uint32_t n = view->profile->n_addrs;
    struct entries entries = {.at = arena_alloc(report->arena, (size_t)n + 1, sizeof(uint32_t))};
    for (addr_ix a = 0; a < n; a++)
        entries.at[a + 1] = entries.at[a] + view_n_frames(view, a);
    entries.labels = arena_alloc(report->arena, entries.at[n], sizeof entries.labels[0]);
    struct buf scratch = BUF_MAX(WORDS_MAX);
    for (addr_ix a = 0; a < n; a++) {
        for (uint32_t i = 0; i < view_n_frames(view, a); i++)
            entries.labels[entries.at[a] + i] =
                view_plain_label(view, report->options->granularity, a, i, &scratch);
    }
    buf_free(&scratch);
    return entries;
}

static void write_stack(const struct report *report, const struct entries *entries, uint32_t s,
                        const char *unit, struct out *out)
{
    const struct view *view = report->view;
    char value[UNITS_TEXT];
    report_measure(view, view->stack_value[s], unit, value);
    for (uint32_t k = view->stack_at[s]; k < view->stack_at[s + 1]; k++) {
        const addr_ix addr = view->stack_addr[k];
        for (uint32_t e = entries->at[addr]; e < entries->at[addr + 1]; e++) {
            out_printf(out, "%10s   ", value);
            out_text(out, strings_text(view->profile->strings, entries->labels[e]));
            out_text(out, e + 1 < entries->at[addr + 1] ? " (inline)\n" : "\n");
            value[0] = '\0';
        }
    }
}

static bool emit(const struct report *report, struct out *out, struct error *err)
{
    (void)err;
    const struct view *view = report->view;
    const char *unit = report->options->unit ? report->options->unit : "auto";
    const struct entries entries = find_entries(report);
    report_labels(report, unit, out);
    for (uint32_t s = 0; s < view->n_stacks && !out_failed(out); s++) {
        if (view->stack_at[s] == view->stack_at[s + 1])
            continue;
        out_text(out, separator);
        write_stack(report, &entries, s, unit, out);
    }
    out_text(out, separator);
    return true;
}

const struct emitter traces_emitter = {
    .name = "traces",
    .help = "all stacks with their values",
    .extension = "txt",
    .more = "Innermost frame first, a value in front of it, with the frames that were inlined.",
    .grain = GRANULARITY_FUNCTIONS,
    .emit = emit,
};
