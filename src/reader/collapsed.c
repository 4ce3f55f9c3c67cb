/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Collapsed stacks, what flame graph tools exchange: "main;work;leaf 12" a line, the leaf last.
 * There are no addresses; each distinct name gets a number that stands for one. */
#include "reader/internal.h"

/* "NAMES COUNT" */
static bool split_line(struct span line, struct span *names, double *count)
{
    const struct span text = span_trim(line);
    const size_t space = span_find_last(text, ' ');
    if (space == SIZE_MAX || space == 0)
        return false;
    *names = span_trim(span_first(text, space));
    return names->n && span_double(span_skip(text, space + 1), count) && *count == *count;
}

struct names {
    struct idmap numbers; /* name to number */
    uint64_t *stack;
    uint32_t n, cap;
};

/* Numbers look like addresses of no file, with room between for what reports do to them. */
static uint64_t number_of(struct names *names, struct filling *filling, struct span name)
{
    enum { STEP = 16 };
    const str_id id = strings_add(filling->job->strings, name);
    bool is_new;
    const uint32_t n = idmap_add(&names->numbers, id, names->numbers.n, &is_new);
    const uint64_t pc = ((uint64_t)n + 1) * STEP;
    if (is_new) {
        const struct carried_frame frame = {
            .name = id,
            .file = strings_add_text(filling->job->strings, "?"),
            .line = LINE_NONE,
        };
        builder_carried(filling->builder, pc, &frame, 1);
    }
    return pc;
}

/* Turned around: the leaf comes first in a profile. */
static void read_stack(struct names *names, struct filling *filling, struct span text, double count)
{
    names->n = 0;
    while (text.n && names->n <= filling->job->limits.max_depth) { /* the builder tells */
        const size_t at = span_find_last(text, ';');
        const struct span name = at == SIZE_MAX ? text : span_skip(text, at + 1);
        names->stack =
            base_grow(names->stack, &names->cap, (size_t)names->n + 1, sizeof names->stack[0]);
        if (name.n)
            names->stack[names->n++] = number_of(names, filling, name);
        text = at == SIZE_MAX ? (struct span){0} : span_first(text, at);
    }
    builder_add(filling->builder, builder_stack(filling->builder, names->stack, names->n), 0,
                &count);
}

static bool collapsed_fill(struct filling *filling, struct span bytes, struct error *err)
{
    struct text_lines lines = text_lines_over(bytes);
    struct names names = {0};
    struct span line, stack;
    double count;
    builder_kind(filling->builder, PROFILE_OTHER);
    builder_symbolized(filling->builder);
    builder_default_column(filling->builder, builder_column(filling->builder, "samples", "count"));
    bool is_any = false;
    while (text_line(&lines, &line)) {
        if (split_line(line, &stack, &count)) {
            read_stack(&names, filling, stack, count);
            is_any = true;
        } else {
            text_skip(&lines, line);
        }
    }
    text_tell_skipped(&lines, filling, "stack with a count");
    text_lines_free(&lines);
    base_free(names.stack);
    idmap_free(&names.numbers);
    return is_any ||
           error_set(err, ERROR_FORMAT, "%s: no stack with a count at byte 0", filling->job->name);
}

/* Any text may end in a number: all of the first lines must, and some must have frames. */
static int sniff_bytes(struct span bytes)
{
    enum { LINES = 8 };
    struct span rest = span_first(bytes, 65536), line, names;
    const bool is_cut = rest.n < bytes.n;
    bool has_frames = false;
    double count;
    int n = 0;
    while (n < LINES && span_line(&rest, &line)) {
        if (rest.n == 0 && is_cut)
            break;
        if (span_trim(line).n == 0)
            continue;
        if (line.p[0] == '-' || line.p[0] == '%' || span_is_space(line.p[0]) ||
            span_find(line, '\0') != SIZE_MAX || !split_line(line, &names, &count))
            return 0;
        has_frames |= span_find(names, ';') != SIZE_MAX;
        n++;
    }
    return n && has_frames ? 55 : 0;
}

static int sniff(struct span bytes)
{
    return sniff_bytes(bytes);
}

static bool read_collapsed(struct span bytes, const struct read_job *job, struct profile *out,
                           struct error *err)
{
    static const struct section section = {.sniff = sniff_bytes, .fill = collapsed_fill};
    return section_read(&section, bytes, job, out, err);
}

const struct reader reader_collapsed = {
    .name = "collapsed",
    .help = "collapsed stacks: names by semicolons and a count, a line each",
    .sniff = sniff,
    .read = read_collapsed,
};
