/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Java's heap and contention profiles as text, and the list of locations that ends them and Java's
 * CPU profiles: what stands for addresses are numbers with names (docs/formats.md). */
#include "reader/internal.h"

/* "NAME (FILE:LINE)", "NAME (LIBRARY)" or "NAME" */
static struct carried_frame read_location(struct span text, struct strings *strings)
{
    struct carried_frame frame = {.file = strings_add_text(strings, "??")};
    struct span name = span_trim(text);
    const size_t open = span_find_last(name, '(');
    if (open != SIZE_MAX && open > 0 && span_is_space(name.p[open - 1]) && span_ends(name, ")")) {
        const struct span inside = span_first(span_skip(name, open + 1), name.n - open - 2);
        const size_t colon = span_find_last(inside, ':');
        int64_t line;
        if (colon != SIZE_MAX && span_i64(span_skip(inside, colon + 1), &line)) {
            frame.file = strings_add(strings, span_first(inside, colon));
            frame.line = line > 0 && line < LINE_NONE ? (uint32_t)line : 0;
        } else {
            frame.file = strings_add(strings, inside);
        }
        name = span_trim(span_first(name, open));
    }
    frame.name = strings_add(strings, name);
    return frame;
}

bool java_location(struct filling *filling, struct span line)
{
    struct span rest = span_trim(line);
    uint64_t pc;
    if (!span_take(&rest, "0x") || !span_take_hex(&rest, &pc) || !text_take_space(&rest) ||
        rest.n == 0)
        return false;
    const struct carried_frame frame = read_location(rest, filling->job->strings);
    builder_carried(filling->builder, pc, &frame, 1);
    return true;
}

struct java {
    bool is_heap;
    double to_ns, period;
    struct heap_sampling sampling;
    struct text_stack stack;
};

static const struct {
    const char *name;
    double to_ns;
} resolutions[] = {
    {"nanoseconds", 1}, {"microseconds", 1e3}, {"milliseconds", 1e6},
    {"seconds", 1e9},   {"bytes", 1}, /* of heaps */
};

static bool set_resolution(struct java *java, struct span value)
{
    for (size_t i = 0; i < COUNT_OF(resolutions); i++) {
        if (span_is(value, resolutions[i].name)) {
            java->to_ns = resolutions[i].to_ns;
            return true;
        }
    }
    return false;
}

/* False: the line is none. One that is not known may have scaled what follows. */
static bool read_variable(struct java *java, const struct filling *filling, struct span line)
{
    const size_t at = span_find(line, '=');
    if (at == SIZE_MAX)
        return false;
    const struct span name = span_trim(span_first(line, at));
    const struct span value = span_trim(span_skip(line, at + 1));
    double number;
    bool is_known = span_is(name, "format") || span_is(name, "ms since reset") ||
                    span_is(name, "discarded samples");
    if (span_is(name, "resolution")) {
        is_known = set_resolution(java, value);
    } else if (span_is(name, "sampling period") && span_double(value, &number) && number > 0) {
        java->period = number;
        is_known = true;
    }
    if (!is_known)
        notes_add(filling->job->notes, "%s: nobody knows what '%.*s' = '%.*s' means",
                  filling->job->name, TEXT_ARGS(name), TEXT_ARGS(value));
    return true;
}

/* "COUNT BYTES @ LOCATIONS", or "COUNT DELAY @ LOCATIONS" of contention. */
static bool read_sample(struct java *java, struct filling *filling, struct span line)
{
    struct span rest = span_trim(line);
    double first, second;
    if (!text_take_count(&rest, &first) || !text_take_space(&rest) ||
        !text_take_count(&rest, &second) || !text_take_space(&rest) || !span_take(&rest, "@"))
        return false;
    text_stack_read(&java->stack, rest, filling->job);
    const stack_ix id = builder_stack(filling->builder, java->stack.pcs, java->stack.n);
    if (java->is_heap) {
        double values[HEAP_COLUMNS] = {[INUSE_OBJECTS] = first, [INUSE_SPACE] = second};
        heap_unsample(&java->sampling, values);
        builder_add(filling->builder, id, 0, values);
        return true;
    }
    const double count = first * java->period, delay = second * java->period * java->to_ns;
    builder_add(filling->builder, id, 0,
                (const double[]){count, delay, count != 0 ? delay / count : 0});
    return true;
}

static bool java_fill(struct filling *filling, struct span bytes, struct error *err)
{
    (void)err;
    struct text_lines lines = text_lines_over(text_after_profile_line(bytes));
    struct java java = {
        .to_ns = 1, .period = 1, .sampling = {.kind = SAMPLING_BY_POISSON, .rate = 524288}};
    struct span line;
    builder_symbolized(filling->builder);
    if (text_line(&lines, &line))
        java.is_heap = text_is_header(line, "heapz");
    builder_kind(filling->builder, java.is_heap ? PROFILE_HEAP : PROFILE_CONTENTION);
    if (java.is_heap)
        heap_columns(filling->builder);
    else
        contention_columns(filling->builder);
    while (text_line(&lines, &line)) {
        if (!read_sample(&java, filling, line) && !java_location(filling, line) &&
            !read_variable(&java, filling, line))
            text_skip(&lines, line);
    }
    text_tell_skipped(&lines, filling, "sample and no location");
    text_stack_free(&java.stack);
    text_lines_free(&lines);
    return true;
}

static int sniff_bytes(struct span bytes)
{
    const struct span head = span_first(text_after_profile_line(bytes), 64);
    return text_is_header(head, "heapz ") || text_is_header(head, "contentionz ") ? 95 : 0;
}

static int sniff(struct span bytes)
{
    return section_sniff(&java_section, bytes);
}

static bool read_java(struct span bytes, const struct read_job *job, struct profile *out,
                      struct error *err)
{
    return section_read(&java_section, bytes, job, out, err);
}

const struct section java_section = {.sniff = sniff_bytes, .fill = java_fill};

const struct reader reader_java = {
    .name = "java",
    .help = "Java heap or contention profile as text",
    .sniff = sniff,
    .read = read_java,
};
