/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What readers fill: stacks of raw words, samples, records, names that came along. Apart from
 * sealing because this part runs once a sample and that one once a profile. The invariant: nothing
 * is allocated for a sample whose stack is known, and a limit that was reached is remembered. */
#include "profile/internal.h"

struct builder *builder_new(struct strings *strings, const struct limits *limits)
{
    struct builder *builder = base_alloc(1, sizeof *builder);
    builder->strings = strings;
    builder->limits = *limits;
    /* Ids and places in the pool are 32 bits wide, and the last one means "none". */
    if (builder->limits.max_stacks > UINT32_MAX - 2)
        builder->limits.max_stacks = UINT32_MAX - 2;
    if (builder->limits.max_frames > UINT32_MAX - 2)
        builder->limits.max_frames = UINT32_MAX - 2;
    builder->kind = PROFILE_OTHER;
    builder->address_digits = 16;
    return builder;
}

void builder_free(struct builder *builder)
{
    if (!builder)
        return;
    stack_table_free(&builder->stacks);
    base_free(builder->plain);
    idmap_free(&builder->labelled);
    base_free(builder->sample_stack);
    base_free(builder->sample_label);
    base_free(builder->values);
    part_table_free(&builder->parts);
    base_free(builder->comments);
    base_free(builder->records);
    base_free(builder->maps);
    base_free(builder->carried);
    base_free(builder->carried_frames);
    idmap_free(&builder->carried_ids);
    base_free(builder);
}

void builder_kind(struct builder *builder, enum profile_kind kind)
{
    builder->kind = kind;
}

column_ix builder_column(struct builder *builder, const char *name, const char *unit)
{
    if (builder->n_columns == COLUMNS_MAX)
        return COLUMNS_MAX - 1;
    builder->columns[builder->n_columns] = (struct column){
        .name = strings_clean(builder->strings, strings_add_text(builder->strings, name)),
        .unit = strings_clean(builder->strings, strings_add_text(builder->strings, unit)),
    };
    return builder->n_columns++;
}

void builder_default_column(struct builder *builder, column_ix column)
{
    builder->default_column = column;
}

void builder_digits(struct builder *builder, unsigned address_digits)
{
    builder->address_digits = address_digits;
}

void builder_program(struct builder *builder, struct span name)
{
    builder->program = strings_clean(builder->strings, strings_add(builder->strings, name));
}

void builder_cut_short(struct builder *builder)
{
    builder->is_cut_short = true;
}

void builder_allocator_is_innermost(struct builder *builder)
{
    builder->allocator_is_innermost = true;
}

void builder_signals_left_out(struct builder *builder)
{
    builder->signals_left_out = true;
}

void builder_period(struct builder *builder, int64_t period)
{
    builder->period = period;
}

void builder_time(struct builder *builder, int64_t time_ns)
{
    builder->time_ns = time_ns;
}

void builder_duration(struct builder *builder, int64_t duration_ns)
{
    builder->duration_ns = duration_ns;
}

void builder_symbolized(struct builder *builder)
{
    builder->is_symbolized = true;
}

/* Remembers the first limit that was reached. */
static void go_over(struct builder *builder, const char *what, uint64_t limit)
{
    if (builder->over)
        return;
    builder->over = what;
    builder->over_by = limit;
}

stack_ix builder_stack(struct builder *builder, const uint64_t *pcs, uint32_t depth)
{
    if (depth > builder->limits.max_depth) {
        go_over(builder, "frames in one stack", builder->limits.max_depth);
        return STACK_NONE;
    }
    struct stack_table *stacks = &builder->stacks;
    if (stacks->n >= builder->limits.max_stacks ||
        depth > builder->limits.max_frames - stacks->pool_n) {
        stack_ix known;
        if (stack_table_find(stacks, pcs, depth, &known))
            return known;
        if (stacks->n >= builder->limits.max_stacks)
            go_over(builder, "distinct stacks", builder->limits.max_stacks);
        else
            go_over(builder, "frames in distinct stacks", builder->limits.max_frames);
        return STACK_NONE;
    }
    return stack_table_add(stacks, pcs, depth);
}

/* The sample (stack, label), new or known; UINT32_MAX past the limit. */
static uint32_t find_sample(struct builder *builder, stack_ix stack, str_id label)
{
    const bool is_full = builder->n_samples >= builder->limits.max_stacks;
    uint32_t sample;
    if (label == 0) {
        if (stack >= builder->plain_n) {
            builder->plain = base_grow(builder->plain, &builder->plain_cap, (size_t)stack + 1,
                                       sizeof builder->plain[0]);
            memset(builder->plain + builder->plain_n, 0,
                   (stack + 1 - builder->plain_n) * sizeof builder->plain[0]);
            builder->plain_n = stack + 1;
        }
        if (builder->plain[stack])
            return builder->plain[stack] - 1;
        sample = builder->n_samples;
        if (!is_full)
            builder->plain[stack] = sample + 1;
    } else {
        const uint64_t key = (uint64_t)stack << 32 | label;
        if (idmap_find(&builder->labelled, key, &sample))
            return sample;
        sample = builder->n_samples;
        if (!is_full)
            (void)idmap_add(&builder->labelled, key, sample, NULL);
    }
    if (is_full) {
        go_over(builder, "distinct samples", builder->limits.max_stacks);
        return UINT32_MAX;
    }

    const size_t n = (size_t)sample + 1;
    builder->sample_stack = base_grow(builder->sample_stack, &builder->sample_stack_cap, n,
                                      sizeof builder->sample_stack[0]);
    builder->sample_label = base_grow(builder->sample_label, &builder->sample_label_cap, n,
                                      sizeof builder->sample_label[0]);
    builder->values = base_grow(builder->values, &builder->values_cap, n * builder->n_columns,
                                sizeof builder->values[0]);
    builder->sample_stack[sample] = stack;
    builder->sample_label[sample] = label;
    for (uint32_t c = 0; c < builder->n_columns; c++)
        builder->values[(size_t)sample * builder->n_columns + c] = 0;
    builder->n_samples++;
    return sample;
}

void builder_add(struct builder *builder, stack_ix stack, str_id label, const double *values)
{
    if (stack == STACK_NONE)
        return;
    const uint32_t sample = find_sample(builder, stack, label);
    if (sample == UINT32_MAX)
        return;
    double *row = builder->values + (size_t)sample * builder->n_columns;
    for (uint32_t c = 0; c < builder->n_columns; c++)
        row[c] += values[c];
}

void builder_part(struct builder *builder, stack_ix stack, str_id labels, const double *values)
{
    if (stack == STACK_NONE)
        return;
    if (builder->parts.parts.n >= builder->limits.max_stacks) {
        go_over(builder, "distinct labels of samples", builder->limits.max_stacks);
        return;
    }
    double *row = part_table_row(&builder->parts, stack, labels, builder->n_columns);
    for (uint32_t c = 0; c < builder->n_columns; c++)
        row[c] += values[c];
}

void builder_comment(struct builder *builder, str_id text)
{
    if (builder->n_comments >= builder->limits.max_stacks)
        return;
    builder->comments = base_grow(builder->comments, &builder->comments_cap,
                                  (size_t)builder->n_comments + 1, sizeof builder->comments[0]);
    builder->comments[builder->n_comments++] = strings_clean(builder->strings, text);
}

/* Whether so many more stacks and frames stay within all limits, whatever they are. */
static bool has_room(const struct builder *builder, const struct raw_sample *samples, uint32_t n)
{
    uint64_t frames = builder->stacks.pool_n;
    for (uint32_t i = 0; i < n; i++) {
        if (samples[i].depth > builder->limits.max_depth)
            return false;
        frames += samples[i].depth;
    }
    return frames <= builder->limits.max_frames &&
           builder->limits.max_stacks - builder->stacks.n >= n;
}

/* Without labels a sample mostly has the number of its stack, so both can be fetched at once. */
static void fetch_samples(const struct builder *builder, const stack_ix *guesses, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (guesses[i] >= builder->plain_n || guesses[i] >= builder->n_samples)
            continue;
        __builtin_prefetch(&builder->plain[guesses[i]]);
        __builtin_prefetch(&builder->values[(size_t)guesses[i] * builder->n_columns], 1);
    }
}

void builder_add_raw(struct builder *builder, const struct raw_sample *samples, uint32_t n)
{
    enum { AT_ONCE = 16 }; /* as many misses as a processor has under way */
    while (n) {
        const uint32_t some = n < AT_ONCE ? n : AT_ONCE;
        uint64_t hashes[AT_ONCE];
        stack_ix guesses[AT_ONCE];
        const bool is_roomy = has_room(builder, samples, some);
        if (is_roomy) {
            stack_table_fetch(&builder->stacks, samples, some, hashes, guesses);
            fetch_samples(builder, guesses, some);
        }
        for (uint32_t i = 0; i < some; i++) {
            const struct raw_sample *sample = &samples[i];
            const stack_ix stack = is_roomy ? stack_table_add_hashed(&builder->stacks, sample->pcs,
                                                                     sample->depth, hashes[i])
                                            : builder_stack(builder, sample->pcs, sample->depth);
            /* A known stack and one value: as builder_add does it, without the calls. */
            if (stack < builder->plain_n && builder->plain[stack] && builder->n_columns == 1)
                builder->values[builder->plain[stack] - 1] += sample->value;
            else
                builder_add(builder, stack, 0, &sample->value);
        }
        samples += some;
        n -= some;
    }
}

void builder_record(struct builder *builder, stack_ix stack, uint32_t digits,
                    const double values[4])
{
    if (stack == STACK_NONE)
        return;
    builder->records = base_grow(builder->records, &builder->records_cap,
                                 (size_t)builder->n_records + 1, sizeof builder->records[0]);
    builder->records[builder->n_records++] = (struct record){
        .stack = stack,
        .digits = digits,
        .values = {values[0], values[1], values[2], values[3]},
    };
}

void builder_carried(struct builder *builder, uint64_t pc, const struct carried_frame *frames,
                     uint32_t n)
{
    builder->is_symbolized = true;
    builder_names(builder, pc, frames, n);
}

void builder_names(struct builder *builder, uint64_t pc, const struct carried_frame *frames,
                   uint32_t n)
{
    builder->carried_frames =
        base_grow(builder->carried_frames, &builder->frames_cap, (size_t)builder->n_frames + n,
                  sizeof builder->carried_frames[0]);
    if (n)
        memcpy(builder->carried_frames + builder->n_frames, frames, n * sizeof frames[0]);
    const struct carried_range range = {.pc = pc, .at = builder->n_frames, .n = n};
    builder->n_frames += n;

    bool is_new;
    const uint32_t i = idmap_add(&builder->carried_ids, pc, builder->n_carried, &is_new);
    if (is_new) {
        builder->carried = base_grow(builder->carried, &builder->carried_cap,
                                     (size_t)builder->n_carried + 1, sizeof builder->carried[0]);
        builder->n_carried++;
    }
    builder->carried[i] = range;
}
