/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From sample types to columns. A profile says what each value of its samples means; those that say
 * what an older format says become profiles of that kind. The invariant: a value whose type has no
 * column is read over. */
#include "reader/proto_internal.h"

enum { VALUE_TYPE_TYPE = 1, VALUE_TYPE_UNIT = 2 };

bool proto_types(struct proto *proto, struct columns *columns, struct error *err)
{
    struct wire_field field;
    struct cursor c = cursor_over(proto->filling->whole, CURSOR_LITTLE);
    while (proto_next(&c, MESSAGE_PROFILE, &field)) {
        if (field.number != FIELD_SAMPLE_TYPE)
            continue;
        if (columns->n_types == TYPES_MAX)
            return error_set(err, ERROR_LIMIT, "%s: more than %d sample types",
                             proto->filling->job->name, TYPES_MAX);
        uint64_t type = 0, unit = 0;
        struct wire_field part;
        struct cursor in = cursor_over(field.bytes, CURSOR_LITTLE);
        while (proto_next(&in, MESSAGE_VALUE_TYPE, &part)) {
            if (part.number == VALUE_TYPE_TYPE)
                type = part.value;
            else if (part.number == VALUE_TYPE_UNIT)
                unit = part.value;
        }
        if (cursor_failed(&in))
            return proto_refuse(proto, &in, MESSAGE_VALUE_TYPE, err);
        const uint32_t n = columns->n_types++;
        if (!proto_text(proto, type, "value_type.type", field.bytes, &columns->type[n], err) ||
            !proto_text(proto, unit, "value_type.unit", field.bytes, &columns->unit[n], err))
            return false;
    }
    if (columns->n_types)
        return true;
    return error_set(err, ERROR_FORMAT, "%s: the profile has no sample type",
                     proto->filling->job->name);
}

/* Whether the types are these, each once, in any order; their places among the types. */
static bool find_types(const struct proto *proto, const struct columns *columns,
                       const char *const names[], uint32_t n, uint32_t at[])
{
    if (columns->n_types != n)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        for (at[i] = 0; at[i] < n; at[i]++) {
            const struct span type =
                strings_span(proto->filling->job->strings, columns->type[at[i]]);
            if (span_is(type, names[i]))
                break;
        }
        if (at[i] == n)
            return false;
    }
    return true;
}

static void add_column(const struct proto *proto, struct columns *columns, uint32_t type)
{
    const struct strings *strings = proto->filling->job->strings;
    columns->column[type] =
        builder_column(proto->filling->builder, strings_text(strings, columns->type[type]),
                       strings_text(strings, columns->unit[type]));
}

/* Whether each sample's time is what its count at that period takes. */
static bool is_time_of_samples(const struct proto *proto, const uint32_t at[2])
{
    struct wire_field field, part;
    struct cursor c = cursor_over(proto->filling->whole, CURSOR_LITTLE);
    while (proto_next(&c, MESSAGE_PROFILE, &field)) {
        if (field.number != FIELD_SAMPLE)
            continue;
        uint64_t values[2] = {0}, value;
        uint32_t n = 0;
        struct cursor in = cursor_over(field.bytes, CURSOR_LITTLE);
        while (proto_next(&in, MESSAGE_SAMPLE, &part)) {
            struct wire_numbers numbers = wire_numbers_of(&part);
            while (part.number == SAMPLE_VALUE && wire_take(&numbers, &value)) {
                if (n < 2)
                    values[n++] = value;
            }
        }
        if (values[at[0]] * (uint64_t)proto->period != values[at[1]])
            return false;
    }
    return true;
}

/* Samples of processor time and that time, as --proto, Go and google/pprof write them: one column
 * as in a CPU profile, which measures the time too. */
static bool is_cpu(const struct proto *proto, const struct columns *columns, uint32_t shown,
                   uint32_t at[])
{
    static const char *const cpu[] = {"samples", "cpu"};
    if (!find_types(proto, columns, cpu, COUNT_OF(cpu), at) || shown != at[1])
        return false;
    const struct span unit = strings_span(proto->filling->job->strings, columns->unit[at[1]]);
    return span_is(unit, "nanoseconds") && proto->period > 0 && proto->period % 1000 == 0 &&
           is_time_of_samples(proto, at);
}

/* Profiles of the kinds that other formats have get the columns of those, so that the same options
 * choose among them; in the order of the file, for those who choose by number. */
bool proto_columns(struct proto *proto, struct columns *columns, struct error *err)
{
    static const char *const heap[] = {"inuse_objects", "inuse_space", "alloc_objects",
                                       "alloc_space"};
    static const char *const contention[] = {"contentions", "delay"};
    struct builder *builder = proto->filling->builder;
    const uint32_t n = columns->n_types;
    str_id wanted;
    if (!proto_text(proto, proto->default_type, "default_sample_type", proto->filling->whole,
                    &wanted, err))
        return false;
    uint32_t shown = n - 1;
    for (uint32_t i = n; wanted && i-- > 0;)
        shown = columns->type[i] == wanted ? i : shown;

    uint32_t at[COLUMNS_MAX];
    for (uint32_t i = 0; i < n; i++)
        columns->column[i] = COLUMNS_MAX;
    if (find_types(proto, columns, heap, COUNT_OF(heap), at)) {
        builder_kind(builder, PROFILE_HEAP);
        for (uint32_t i = 0; i < n; i++)
            add_column(proto, columns, i);
    } else if (is_cpu(proto, columns, shown, at)) {
        builder_kind(builder, PROFILE_CPU);
        builder_signals_left_out(builder);
        builder_period(builder, proto->period / 1000);
        add_column(proto, columns, at[0]);
        shown = at[0];
    } else if (find_types(proto, columns, contention, COUNT_OF(contention), at)) {
        builder_kind(builder, PROFILE_CONTENTION);
        for (uint32_t i = 0; i < n; i++)
            add_column(proto, columns, at[i]);
        columns->has_mean = true;
        builder_column(builder, "mean_delay", "nanoseconds");
    } else {
        builder_kind(builder, PROFILE_OTHER);
        /* The one that is shown is always among those that there is room for. */
        for (uint32_t i = 0, left = COLUMNS_MAX; i < n && left; i++) {
            if (left == 1 && shown > i)
                i = shown;
            add_column(proto, columns, i);
            left--;
        }
        if (n > COLUMNS_MAX)
            notes_add(proto->filling->job->notes, "%s: only %d of %u sample types are kept",
                      proto->filling->job->name, COLUMNS_MAX, n);
    }
    builder_default_column(builder, columns->column[shown]);
    return true;
}
