/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Heap and growth profiles as text: what is in use and what was allocated by stack
 * (docs/formats.md). */
#include "reader/internal.h"

#include <math.h>

bool heap_take_counts(struct span *rest, double values[HEAP_COLUMNS])
{
    struct span s = *rest;
    double v[HEAP_COLUMNS];
    if (!text_take_count(&s, &v[INUSE_OBJECTS]) || !span_take(&s, ":") || !text_take_space(&s) ||
        !text_take_count(&s, &v[INUSE_SPACE]) || !text_take_space(&s) || !span_take(&s, "["))
        return false;
    s = span_trim_left(s);
    if (!text_take_count(&s, &v[ALLOC_OBJECTS]) || !span_take(&s, ":") || !text_take_space(&s) ||
        !text_take_count(&s, &v[ALLOC_SPACE]) || !span_take(&s, "]"))
        return false;
    memcpy(values, v, sizeof v);
    *rest = s;
    return true;
}

static bool is_negative(const double values[HEAP_COLUMNS])
{
    for (int i = 0; i < HEAP_COLUMNS; i++) {
        if (signbit(values[i]))
            return true;
    }
    return false;
}

/* Of "N1: S1 [N2: S2] @ TYPE/PERIOD", which kind of sampling and its rate; 0: not said. */
static struct heap_sampling read_header(struct span header, const struct filling *filling)
{
    struct heap_sampling sampling = {.kind = SAMPLING_NONE};
    double totals[HEAP_COLUMNS];
    struct span rest = header;
    if (!span_take(&rest, "heap profile:"))
        return sampling;
    rest = span_trim_left(rest);
    if (!heap_take_counts(&rest, totals)) {
        notes_add(filling->job->notes,
                  "%s: the first line has no totals: counts are taken as they are",
                  filling->job->name);
        return sampling;
    }
    if (is_negative(totals)) /* a difference, which was scaled already */
        return sampling;
    rest = span_trim_left(rest);
    if (!span_take(&rest, "@")) {
        /* Very old profiles say nothing, but only sampled ones leave out what was freed. */
        if (totals[INUSE_OBJECTS] == totals[ALLOC_OBJECTS] &&
            totals[INUSE_SPACE] == totals[ALLOC_SPACE])
            sampling.kind = SAMPLING_BY_BYTES;
        return sampling;
    }
    const size_t slash = span_find(rest, '/');
    const struct span type = span_trim(span_first(rest, slash));
    double period = 0;
    if (slash != SIZE_MAX) {
        struct span number = span_skip(rest, slash + 1);
        if (!text_take_count(&number, &period) || period < 0)
            period = 0;
    }
    if (span_is(type, "heapprofile") || span_find_text(type, "heap") == SIZE_MAX)
        return sampling;
    if (span_find_text(type, "_v2") != SIZE_MAX)
        sampling = (struct heap_sampling){.kind = SAMPLING_BY_POISSON, .rate = period};
    else
        sampling = (struct heap_sampling){.kind = SAMPLING_BY_BYTES, .rate = period / 2};
    return sampling;
}

/* "# direct leaks, site ID", as our leak checker tells it of the samples that follow: the labels
 * of these. */
static str_id leak_labels(struct strings *strings, struct span line)
{
    struct span rest = line;
    if (!span_take(&rest, "# "))
        return 0;
    const struct span kind = span_first(rest, span_find(rest, ' '));
    if (!span_is(kind, "direct") && !span_is(kind, "indirect"))
        return 0;
    rest = span_skip(rest, kind.n);
    if (!span_take(&rest, " leaks, site "))
        return 0;
    const struct label labels[] = {
        {.key = strings_add(strings, span_of(PROFILE_LEAK_LABEL)),
         .text = strings_add(strings, kind)},
        {.key = strings_add(strings, span_of("site")),
         .text = strings_clean(strings, strings_add(strings, span_trim(rest)))},
    };
    return labels_make(strings, labels, 2);
}

/* "N1: S1 [N2: S2] @ ADDRESSES" */
static bool read_sample(struct filling *filling, const struct heap_sampling *sampling,
                        struct text_stack *stack, struct go_names *names, str_id labels,
                        struct span line)
{
    double values[HEAP_COLUMNS];
    struct span rest = span_trim(line);
    if (!heap_take_counts(&rest, values) || !text_take_space(&rest) || !span_take(&rest, "@") ||
        !text_take_space(&rest))
        return false;
    heap_unsample(sampling, values);
    text_stack_read(stack, rest, filling->job);
    const stack_ix id = builder_stack(filling->builder, stack->pcs, stack->n);
    builder_add(filling->builder, id, 0, values);
    if (labels)
        builder_part(filling->builder, id, labels, values);
    builder_record(filling->builder, id, stack->digits, values);
    go_names_begin(names, filling, stack);
    return true;
}

static bool heap_fill(struct filling *filling, struct span bytes, struct error *err)
{
    (void)err;
    struct builder *builder = filling->builder;
    struct text_lines lines = text_lines_over(text_after_profile_line(bytes));
    struct text_stack stack = {0};
    struct go_names names = {0};
    struct span line;
    struct heap_sampling sampling = {.kind = SAMPLING_NONE};

    heap_columns(builder);
    builder_kind(builder, PROFILE_HEAP);
    if (text_line(&lines, &line)) {
        sampling = read_header(line, filling);
        if (span_find_text(line, "growth") != SIZE_MAX)
            builder_kind(builder, PROFILE_GROWTH);
        heap_settle_rate(&sampling, filling->job->notes);
    }
    str_id labels = 0;
    while (text_line(&lines, &line) && !text_starts_maps(line)) {
        const str_id found = leak_labels(filling->job->strings, line);
        labels = found ? found : labels;
        if (found)
            continue;
        go_names_comment(&names, filling, line);
        if (!read_sample(filling, &sampling, &stack, &names, labels, line))
            text_skip(&lines, line);
    }
    while (text_line(&lines, &line))
        builder_maps(builder, line);
    text_tell_skipped(&lines, filling, "sample");
    go_names_end(&names, filling);
    text_stack_free(&stack);
    text_lines_free(&lines);
    return true;
}

static int sniff_bytes(struct span bytes)
{
    return span_starts(text_after_profile_line(bytes), "heap profile:") ? 100 : 0;
}

static int sniff(struct span bytes)
{
    return section_sniff(&heap_section, bytes);
}

static bool read_heap(struct span bytes, const struct read_job *job, struct profile *out,
                      struct error *err)
{
    return section_read(&heap_section, bytes, job, out, err);
}

const struct section heap_section = {.sniff = sniff_bytes, .fill = heap_fill};

const struct reader reader_heap = {
    .name = "heap",
    .help = "heap or growth profile as text, sampled or not",
    .sniff = sniff,
    .read = read_heap,
};
