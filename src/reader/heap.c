/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Heap and growth profiles as text: what is in use and what was allocated by stack, and how to undo
 * sampling (docs/formats.md). The arithmetic is written as it is on purpose: reports of bytes agree
 * with older tools to the last digit. */
#include "reader/internal.h"

#include <math.h>

enum { INUSE_OBJECTS, INUSE_SPACE, ALLOC_OBJECTS, ALLOC_SPACE, HEAP_COLUMNS };

enum sampling {
    SAMPLING_NONE,
    SAMPLING_BY_BYTES,   /* version 1: each bucket scaled by its mean size over the rate */
    SAMPLING_BY_POISSON, /* version 2: by the chance that an object of its mean size was seen */
};

struct heap {
    enum sampling sampling;
    double rate;
};

/* "N1: S1 [N2: S2]" */
static bool take_counts(struct span *rest, double values[HEAP_COLUMNS])
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
static struct heap read_header(struct span header)
{
    struct heap heap = {.sampling = SAMPLING_NONE};
    double totals[HEAP_COLUMNS];
    struct span rest = header;
    if (!span_take(&rest, "heap profile:"))
        return heap;
    rest = span_trim_left(rest);
    if (!take_counts(&rest, totals) || is_negative(totals))
        return heap;
    rest = span_trim_left(rest);
    if (!span_take(&rest, "@")) {
        /* Very old profiles say nothing, but only sampled ones leave out what was freed. */
        if (totals[INUSE_OBJECTS] == totals[ALLOC_OBJECTS] &&
            totals[INUSE_SPACE] == totals[ALLOC_SPACE])
            heap.sampling = SAMPLING_BY_BYTES;
        return heap;
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
        return heap;
    if (span_find_text(type, "_v2") != SIZE_MAX)
        heap = (struct heap){.sampling = SAMPLING_BY_POISSON, .rate = period};
    else
        heap = (struct heap){.sampling = SAMPLING_BY_BYTES, .rate = period / 2};
    return heap;
}

static void settle_rate(struct heap *heap, struct notes *notes)
{
    if (heap->sampling == SAMPLING_NONE)
        return;
    if (heap->rate == 0) {
        heap->rate = 131072;
        notes_add(notes, "Adjusting heap profiles for 1-in-128KB sampling rate");
    } else {
        notes_add(notes, "Adjusting heap profiles for 1-in-%.0f sampling rate", trunc(heap->rate));
    }
    if (heap->sampling == SAMPLING_BY_POISSON)
        notes_add(notes, "Heap version 2");
}

/* A pair that the formula divides by zero for stays as it is. */
static void unsample(const struct heap *heap, double *objects, double *bytes)
{
    if (*objects == 0 || *bytes == 0)
        return;
    if (heap->sampling == SAMPLING_BY_POISSON) {
        const double ratio = (*bytes / *objects) / heap->rate;
        const double scale = 1 / (1 - exp(-ratio));
        if (!isfinite(scale))
            return;
        *objects *= scale;
        *bytes *= scale;
    } else if (heap->sampling == SAMPLING_BY_BYTES) {
        const double ratio = (*bytes / *objects) / heap->rate;
        if (ratio <= 0 || ratio >= 1)
            return;
        *objects /= ratio;
        *bytes /= ratio;
    }
}

/* "N1: S1 [N2: S2] @ ADDRESSES"; anything else is skipped. */
static void read_sample(struct filling *filling, const struct heap *heap, struct text_stack *stack,
                        struct span line)
{
    double values[HEAP_COLUMNS];
    struct span rest = span_trim(line);
    if (!take_counts(&rest, values) || !text_take_space(&rest) || !span_take(&rest, "@") ||
        !text_take_space(&rest))
        return;
    unsample(heap, &values[INUSE_OBJECTS], &values[INUSE_SPACE]);
    unsample(heap, &values[ALLOC_OBJECTS], &values[ALLOC_SPACE]);
    text_stack_read(stack, rest, filling->job->notes);
    const stack_ix id = builder_stack(filling->builder, stack->pcs, stack->n);
    builder_add(filling->builder, id, 0, values);
    builder_record(filling->builder, id, stack->digits, values);
}

static bool starts_maps(struct span line)
{
    return span_starts(line, "MAPPED_LIBRARIES:") || span_starts(line, "--- Memory map:");
}

static bool heap_fill(struct filling *filling, struct span bytes, struct error *err)
{
    (void)err;
    struct builder *builder = filling->builder;
    struct text_lines lines = text_lines_over(text_after_profile_line(bytes));
    struct text_stack stack = {0};
    struct span line;
    struct heap heap = {.sampling = SAMPLING_NONE};

    builder_column(builder, "inuse_objects", "count");
    builder_default_column(builder, builder_column(builder, "inuse_space", "bytes"));
    builder_column(builder, "alloc_objects", "count");
    builder_column(builder, "alloc_space", "bytes");
    builder_kind(builder, PROFILE_HEAP);
    if (text_line(&lines, &line)) {
        heap = read_header(line);
        if (span_find_text(line, "growth") != SIZE_MAX)
            builder_kind(builder, PROFILE_GROWTH);
        settle_rate(&heap, filling->job->notes);
    }
    while (text_line(&lines, &line) && !starts_maps(line))
        read_sample(filling, &heap, &stack, line);
    while (text_line(&lines, &line))
        builder_maps(builder, line);
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
