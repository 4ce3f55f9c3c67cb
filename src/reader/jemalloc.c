/* SPDX-License-Identifier: BSD-3-Clause
 *
 * jemalloc's heap profiles: stacks each with a total over all threads and, beneath, the share of
 * each thread (docs/formats.md). A thread's share is the sample of the same stack with the thread's
 * name as its label, so that the default view, of samples without a label, adds nothing twice. */
#include "reader/internal.h"

#include "base/error.h"

/* "heap_v2/RATE", and RATE */
static bool take_header(struct span line, double *rate)
{
    struct span rest = line;
    return span_take(&rest, "heap_v2/") && text_take_count(&rest, rate) && *rate >= 0;
}

struct jemalloc {
    struct filling *filling;
    struct heap_sampling sampling;
    struct text_stack stack; /* that the lines below "@" are about */
    stack_ix id;
    bool has_stack;
};

/* "t*: N1: S1 [N2: S2] ..." or "tN: ...". Lines before the first stack are totals. */
static bool read_share(struct jemalloc *jemalloc, struct span line)
{
    struct span rest = line;
    uint64_t thread;
    if (!jemalloc->has_stack)
        return true;
    if (!span_take(&rest, "t"))
        return false;
    const bool is_total = span_take(&rest, "*");
    if (!is_total && !span_take_u64(&rest, &thread))
        return false;
    const struct span label = span_first(line, line.n - rest.n);
    double values[HEAP_COLUMNS];
    if (!span_take(&rest, ":") || !text_take_space(&rest) || !heap_take_counts(&rest, values))
        return false;
    heap_unsample(&jemalloc->sampling, values);
    const struct filling *filling = jemalloc->filling;
    if (is_total)
        builder_record(filling->builder, jemalloc->id, jemalloc->stack.digits, values);
    builder_add(filling->builder, jemalloc->id,
                is_total ? 0 : strings_add(filling->job->strings, label), values);
    return true;
}

static bool read_line(struct jemalloc *jemalloc, struct span line)
{
    struct span rest = span_trim(line);
    if (!span_take(&rest, "@"))
        return read_share(jemalloc, rest);
    text_stack_read(&jemalloc->stack, rest, jemalloc->filling->job);
    jemalloc->id =
        builder_stack(jemalloc->filling->builder, jemalloc->stack.pcs, jemalloc->stack.n);
    jemalloc->has_stack = true;
    return true;
}

static bool jemalloc_fill(struct filling *filling, struct span bytes, struct error *err)
{
    struct jemalloc jemalloc = {.filling = filling};
    struct text_lines lines = text_lines_over(text_after_profile_line(bytes));
    struct span line;
    if (!text_line(&lines, &line) || !take_header(line, &jemalloc.sampling.rate)) {
        text_lines_free(&lines);
        return error_set(err, ERROR_FORMAT, "%s: no \"heap_v2/RATE\" at byte %zu",
                         filling->job->name, filling_offset(filling, bytes));
    }
    jemalloc.sampling.kind = SAMPLING_BY_POISSON;
    heap_settle_rate(&jemalloc.sampling, filling->job->notes);
    builder_kind(filling->builder, PROFILE_HEAP);
    builder_allocator_is_innermost(filling->builder);
    heap_columns(filling->builder);
    while (text_line(&lines, &line) && !text_starts_maps(line)) {
        if (!read_line(&jemalloc, line))
            text_skip(&lines, line);
    }
    while (text_line(&lines, &line))
        builder_maps(filling->builder, line);
    text_tell_skipped(&lines, filling, "stack and no share of one");
    text_stack_free(&jemalloc.stack);
    text_lines_free(&lines);
    return true;
}

static int sniff_bytes(struct span bytes)
{
    double rate;
    return take_header(text_after_profile_line(bytes), &rate) ? 100 : 0;
}

static int sniff(struct span bytes)
{
    return section_sniff(&jemalloc_section, bytes);
}

static bool read_jemalloc(struct span bytes, const struct read_job *job, struct profile *out,
                          struct error *err)
{
    return section_read(&jemalloc_section, bytes, job, out, err);
}

const struct section jemalloc_section = {.sniff = sniff_bytes, .fill = jemalloc_fill};

const struct reader reader_jemalloc = {
    .name = "jemalloc",
    .help = "jemalloc's heap profile, with the shares of its threads",
    .sniff = sniff,
    .read = read_jemalloc,
};
