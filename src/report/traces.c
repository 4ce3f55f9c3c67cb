/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Every stack with its value, innermost frame first, as google/pprof prints them, in the order in
 * which they were read; samples with labels each for themselves, the labels on top. */
#include "report/internal.h"

#include <stdlib.h>

#include "base/scale.h"

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

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A line a key, with all its values: texts first, then numbers, both by their words. */
static void write_labels(const struct report *report, str_id labels, struct out *out)
{
    const struct strings *strings = report->view->profile->strings;
    const uint32_t n = labels_count(strings, labels);
    char **lines = arena_alloc(report->arena, n, sizeof *lines);
    struct buf made = BUF_MAX(WORDS_MAX);
    for (uint32_t is_number = 0; is_number < 2; is_number++) {
        uint32_t n_lines = 0;
        for (uint32_t i = 0; i < n; i++) {
            const struct label first = labels_at(strings, labels, i);
            bool is_first = first.is_number == is_number;
            for (uint32_t k = 0; is_first && k < i; k++) {
                const struct label earlier = labels_at(strings, labels, k);
                is_first = earlier.key != first.key || earlier.is_number != is_number;
            }
            if (!is_first)
                continue;
            buf_clear(&made);
            buf_printf(&made, "%10s: ", strings_text(strings, first.key));
            for (uint32_t k = i; k < n; k++) {
                const struct label label = labels_at(strings, labels, k);
                if (label.key != first.key || label.is_number != is_number)
                    continue;
                char text[UNITS_TEXT];
                const char *unit = strings_text(strings, label.unit);
                const char *key = strings_text(strings, label.key);
                if (!*unit) /* what it is called says what it is */
                    unit = strcmp(key, "alignment") == 0 || strcmp(key, "request") == 0 ? "bytes"
                                                                                        : key;
                buf_printf(&made, " %s",
                           is_number ? scale_text(text, (double)label.number, unit, "auto")
                                     : strings_text(strings, label.text));
            }
            lines[n_lines++] = arena_text(report->arena, buf_span(&made));
        }
        qsort(lines, n_lines, sizeof *lines, compare_lines);
        for (uint32_t i = 0; i < n_lines; i++)
            out_printf(out, "%s\n", lines[i]);
    }
    buf_free(&made);
}

struct traces {
    const struct report *report;
    struct entries entries;
    const char *unit;
    struct out *out;
};

static void write_stack(const struct traces *t, uint32_t s, double of, str_id labels)
{
    const struct view *view = t->report->view;
    const struct entries *entries = &t->entries;
    char value[UNITS_TEXT];
    report_measure(view, of, t->unit, value);
    tally_row(t->report, of);
    out_text(t->out, separator);
    write_labels(t->report, labels, t->out);
    for (uint32_t k = view->stack_at[s]; k < view->stack_at[s + 1]; k++) {
        const addr_ix addr = view->stack_addr[k];
        for (uint32_t e = entries->at[addr]; e < entries->at[addr + 1]; e++) {
            out_printf(t->out, "%10s   ", value);
            out_text(t->out, strings_text(view->profile->strings, entries->labels[e]));
            out_text(t->out, e + 1 < entries->at[addr + 1] ? " (inline)\n" : "\n");
            value[0] = '\0';
        }
    }
}

/* What samples with labels have of it, each for itself, and the rest. */
static void write_parts(const struct traces *t, const struct view_parts *split, uint32_t s)
{
    const struct view *view = t->report->view;
    const struct parts *parts = &view->profile->parts;
    double rest = view->stack_value[s];
    for (uint32_t k = split->at[s]; k < split->at[s + 1]; k++) {
        const uint32_t i = split->part[k];
        const double value = parts->value[(size_t)i * view->profile->n_columns + view->column];
        write_stack(t, s, value, parts->labels[i]);
        rest -= value;
    }
    if (split->at[s] == split->at[s + 1] || rest != 0)
        write_stack(t, s, rest, 0);
}

static bool emit(const struct report *report, struct out *out, struct error *err)
{
    (void)err;
    const struct view *view = report->view;
    const struct traces traces = {
        .report = report,
        .entries = find_entries(report),
        .unit = report->options->unit ? report->options->unit : "auto",
        .out = out,
    };
    const struct view_parts split = view_parts(view);
    const uint8_t *is_there = view_nonzero(view, view_columns(view), &split);
    report_labels(report, traces.unit, out);
    for (uint32_t s = 0; s < view->n_stacks && !out_failed(out); s++) {
        if (is_there[s] && view->stack_at[s] != view->stack_at[s + 1])
            write_parts(&traces, &split, s);
    }
    out_text(out, separator);
    tally_unattributed(report, true);
    return true;
}

const struct emitter traces_emitter = {
    .name = "traces",
    .help = "all stacks with their values",
    .extension = "txt",
    .more = "Innermost frame first, a value in front of it, with the frames that were inlined; "
            "above it "
            "the labels of its samples, if the profile has any.",
    .grain = GRANULARITY_FUNCTIONS,
    .emit = emit,
};
