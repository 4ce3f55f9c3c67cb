/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Lock contention profiles as text: cycles and counts by stack, with variables between them
 * (docs/formats.md). Variables count from where they stand on, so lines are read in order. */
#include "reader/internal.h"

struct contention {
    double cycles_per_ns, period;
    bool has_clock;
    struct text_stack stack;
    struct go_names names;
};

static void add_sample(struct filling *filling, struct contention *contention, struct span words,
                       const double values[CONTENTION_COLUMNS])
{
    text_stack_read(&contention->stack, words, filling->job);
    const stack_ix id = builder_stack(filling->builder, contention->stack.pcs, contention->stack.n);
    builder_add(filling->builder, id, 0, values);
    go_names_begin(&contention->names, filling, &contention->stack);
}

/* "CYCLES COUNT @ ADDRESSES", or without a count in old profiles: there the delay is all that is
 * known, and stands for whatever is asked for. */
static bool read_sample(struct filling *filling, struct contention *contention, struct span line)
{
    double cycles, count;
    struct span rest = span_trim_left(line);
    if (!text_take_count(&rest, &cycles))
        return false;
    const double delay = cycles / contention->cycles_per_ns * contention->period;
    struct span old = rest;
    if (span_take(&old, " @")) {
        add_sample(filling, contention, old, (const double[]){delay, delay, delay});
        return true;
    }
    if (!text_take_space(&rest) || !text_take_count(&rest, &count) || !span_take(&rest, " @"))
        return false;
    count *= contention->period;
    add_sample(filling, contention, rest,
               (const double[]){
                   [CONTENTIONS] = count,
                   [DELAY] = delay,
                   [MEAN_DELAY] = count != 0 ? delay / count : 0,
               });
    return true;
}

/* "slow release ... thread N  @ ...": how long the release of a lock took, which is no delay. */
static bool is_slow_release(struct span line)
{
    if (!span_starts(line, "slow release"))
        return false;
    const size_t at = span_find_text(line, "thread ");
    if (at == SIZE_MAX)
        return false;
    struct span rest = span_skip(line, at + strlen("thread "));
    uint64_t thread;
    return span_take_u64(&rest, &thread) && span_starts(rest, "  @");
}

/* "START-LIMIT ...", behind a log's prefix perhaps: may begin with a letter and hold a "=", as
 * variables do. */
static bool is_map(struct span line)
{
    uint64_t number;
    const size_t prefix = span_find_text(line, "] ");
    struct span rest = span_trim_left(prefix == SIZE_MAX ? line : span_skip(line, prefix + 2));
    (void)span_take(&rest, "0x");
    if (!span_take_hex(&rest, &number) || !span_take(&rest, "-"))
        return false;
    (void)span_take(&rest, "0x");
    return span_take_hex(&rest, &number);
}

/* "NAME=VALUE" among mappings: see builder_maps. */
static bool is_setting(struct span line)
{
    struct span rest = span_trim_left(line);
    const size_t before = rest.n;
    while (rest.n && text_is_word(rest.p[0]))
        rest = span_skip(rest, 1);
    return rest.n < before && rest.n && rest.p[0] == '=';
}

static void note_value(const struct filling *filling, struct span name, struct span text)
{
    notes_add(filling->job->notes, "%s: '%.*s' is no number for '%.*s'", filling->job->name,
              TEXT_ARGS(text), TEXT_ARGS(name));
}

static bool read_variable(struct filling *filling, struct contention *contention, struct span line)
{
    const size_t at = span_find(line, '=');
    if (at == SIZE_MAX || line.p[0] < 'a' || line.p[0] > 'z' || is_map(line))
        return false;
    const struct span name = span_trim(span_first(line, at));
    const struct span text = span_trim(span_skip(line, at + 1));
    double value;
    if (span_is(name, "cycles/second")) {
        if (span_double(text, &value) && value > 0) {
            contention->cycles_per_ns = value / 1e9;
            contention->has_clock = true;
        } else {
            note_value(filling, name, text);
        }
    } else if (span_is(name, "sampling period")) {
        if (span_double(text, &value))
            contention->period = value;
        else
            note_value(filling, name, text);
    } else if (!span_is(name, "ms since reset") && !span_is(name, "discarded samples")) {
        notes_add(filling->job->notes,
                  "Ignoring unnknown variable in /contention output: '%.*s' = '%.*s'",
                  TEXT_ARGS(name), TEXT_ARGS(text));
    }
    return true;
}

void contention_columns(struct builder *builder)
{
    builder_column(builder, "contentions", "count");
    builder_default_column(builder, builder_column(builder, "delay", "nanoseconds"));
    builder_column(builder, "mean_delay", "nanoseconds");
}

static bool contention_fill(struct filling *filling, struct span bytes, struct error *err)
{
    (void)err;
    struct builder *builder = filling->builder;
    struct text_lines lines = text_lines_over(text_after_profile_line(bytes));
    struct contention contention = {.cycles_per_ns = 2.8, .period = 1};
    struct span line;

    builder_kind(builder, PROFILE_CONTENTION);
    contention_columns(builder);
    if (text_line(&lines, &line) && text_is_header(line, "Stacks:"))
        notes_add(filling->job->notes,
                  "Old format contention profile: mistakenly reports condition "
                  "variable signals as lock contentions.");
    while (text_line(&lines, &line) && !text_starts_maps(line)) {
        go_names_comment(&contention.names, filling, line);
        if (!read_sample(filling, &contention, line) && !is_slow_release(line) &&
            !read_variable(filling, &contention, line)) {
            builder_maps(builder, line);
            if (!is_map(line) && !is_setting(line))
                text_skip(&lines, line);
        }
    }
    while (text_line(&lines, &line))
        builder_maps(builder, line);
    text_tell_skipped(&lines, filling, "sample");
    if (!contention.has_clock)
        notes_add(filling->job->notes, "No cycles/second entry in profile; Guessing 2.8 GHz");
    builder_period(builder, contention.period >= 1 && contention.period < 1e15
                                ? (int64_t)contention.period
                                : 0);
    go_names_end(&contention.names, filling);
    text_stack_free(&contention.stack);
    text_lines_free(&lines);
    return true;
}

/* "mutex" is what Go calls it. */
static int sniff_bytes(struct span bytes)
{
    const struct span head = span_first(text_after_profile_line(bytes), 64);
    const bool is_mine = text_is_header(head, "contention") || text_is_header(head, "Stacks:") ||
                         text_is_header(head, "mutex:");
    return !is_mine ? 0 : text_is_header(head, "contentionz ") ? 60 : 100; /* Java's, mostly */
}

static int sniff(struct span bytes)
{
    return section_sniff(&contention_section, bytes);
}

static bool read_contention(struct span bytes, const struct read_job *job, struct profile *out,
                            struct error *err)
{
    return section_read(&contention_section, bytes, job, out, err);
}

const struct section contention_section = {.sniff = sniff_bytes, .fill = contention_fill};

const struct reader reader_contention = {
    .name = "contention",
    .help = "lock contention profile as text",
    .sniff = sniff,
    .read = read_contention,
};
