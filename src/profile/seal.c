/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From builder to profile: callers are moved into their call instructions, each distinct address
 * gets its id and mapping, rows become columns. Once a profile, in time that follows the distinct
 * stacks. The invariant: on failure nothing has moved. */
#include "profile/internal.h"

#include <assert.h>
#include <stdlib.h>

/* A caller's address is where the call returns to; one less lies in the call. It wraps as the
 * profiled machine's addresses do. */
static uint64_t step_back(const struct builder *builder, uint64_t pc)
{
    const uint64_t mask =
        builder->address_digits == 8 && pc <= UINT32_MAX ? UINT32_MAX : UINT64_MAX;
    return (pc - 1) & mask;
}

/* Names that were asked of a server are those of decreased addresses, while the addresses in the
 * file may be as they were fetched. */
static bool is_named_one_less(const struct builder *builder, uint64_t pc)
{
    uint32_t at;
    return !idmap_find(&builder->carried_ids, pc, &at) &&
           idmap_find(&builder->carried_ids, pc - 1, &at);
}

/* Moves the callers; true where stacks that were distinct may have become equal. */
static bool move_callers(struct builder *builder)
{
    struct stack_table *stacks = &builder->stacks;
    bool may_meet = false;
    for (uint32_t s = 0; s < stacks->n; s++) {
        for (uint32_t i = stacks->at[s] + 1; i < stacks->at[s + 1]; i++) {
            uint64_t *pc = &stacks->pool[i];
            if (!builder->is_symbolized) {
                *pc = step_back(builder, *pc);
            } else if (is_named_one_less(builder, *pc)) {
                *pc -= 1;
                may_meet = true;
            }
        }
    }
    return may_meet;
}

/* Interns all stacks anew and adds up the samples of those that are equal now. */
static void join_equal(struct builder *builder)
{
    struct stack_table old = builder->stacks;
    builder->stacks = (struct stack_table){0};
    stack_ix *new_of = base_alloc(old.n, sizeof *new_of);
    for (uint32_t s = 0; s < old.n; s++)
        new_of[s] =
            stack_table_add(&builder->stacks, old.pool + old.at[s], old.at[s + 1] - old.at[s]);
    stack_table_free(&old);

    struct parts parts = part_table_take(&builder->parts);
    for (uint32_t i = 0; i < parts.n; i++)
        builder_part(builder, new_of[parts.stack[i]], parts.labels[i],
                     parts.value + (size_t)i * builder->n_columns);
    parts_free(&parts);
    for (uint32_t i = 0; i < builder->n_records; i++)
        builder->records[i].stack = new_of[builder->records[i].stack];

    stack_ix *sample_stack = builder->sample_stack;
    str_id *sample_label = builder->sample_label;
    double *values = builder->values;
    const uint32_t n_samples = builder->n_samples;
    base_free(builder->plain);
    idmap_free(&builder->labelled);
    builder->labelled = (struct idmap){0};
    builder->plain = NULL;
    builder->sample_stack = NULL;
    builder->sample_label = NULL;
    builder->values = NULL;
    builder->plain_n = builder->plain_cap = builder->n_samples = builder->sample_stack_cap =
        builder->sample_label_cap = builder->values_cap = 0;
    for (uint32_t i = 0; i < n_samples; i++)
        builder_add(builder, new_of[sample_stack[i]], sample_label[i],
                    values + (size_t)i * builder->n_columns);
    base_free(sample_stack);
    base_free(sample_label);
    base_free(values);
    base_free(new_of);
}

static int compare_maps(const void *a, const void *b)
{
    const struct mapping *x = a, *y = b;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    if (x->limit != y->limit)
        return x->limit < y->limit ? -1 : 1;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return (x->path > y->path) - (x->path < y->path);
}

/* Sorted by start, each once: some producers write their maps twice. */
static void sort_maps(struct builder *builder)
{
    builder_close_gap(builder);
    if (builder->n_maps == 0)
        return;
    qsort(builder->maps, builder->n_maps, sizeof builder->maps[0], compare_maps);
    uint32_t n = 1;
    for (uint32_t i = 1; i < builder->n_maps; i++) {
        if (compare_maps(&builder->maps[n - 1], &builder->maps[i]) != 0)
            builder->maps[n++] = builder->maps[i];
    }
    builder->n_maps = n;
}

/* The mapping with the greatest start at or below pc, where pc is not beyond its limit. */
static map_ix find_map(const struct mapping *maps, uint32_t n, uint64_t pc)
{
    uint32_t low = 0, high = n; /* maps before low start at or below pc, those from high on above */
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (maps[middle].start <= pc)
            low = middle + 1;
        else
            high = middle;
    }
    return low && pc <= maps[low - 1].limit ? low - 1 : MAP_NONE;
}

static void number_addresses(struct builder *builder, struct profile *out)
{
    const struct stack_table *stacks = &builder->stacks;
    out->stack_addr = base_alloc(stacks->pool_n, sizeof out->stack_addr[0]);
    struct idmap ids = {0};
    uint32_t cap = 0;
    for (uint32_t i = 0; i < stacks->pool_n; i++) {
        bool is_new;
        const uint64_t pc = stacks->pool[i];
        out->stack_addr[i] = idmap_add(&ids, pc, out->n_addrs, &is_new);
        if (!is_new)
            continue;
        out->addr_pc =
            base_grow(out->addr_pc, &cap, (size_t)out->n_addrs + 1, sizeof out->addr_pc[0]);
        out->addr_pc[out->n_addrs++] = pc;
    }
    idmap_free(&ids);
    out->addr_map = base_alloc(out->n_addrs, sizeof out->addr_map[0]);
    for (uint32_t a = 0; a < out->n_addrs; a++)
        out->addr_map[a] = find_map(builder->maps, builder->n_maps, out->addr_pc[a]);
}

static int compare_carried(const void *a, const void *b)
{
    const struct carried_range *x = a, *y = b;
    return (x->pc > y->pc) - (x->pc < y->pc);
}

static void sort_carried(struct builder *builder, struct profile *out)
{
    const uint32_t n = builder->n_carried;
    if (n == 0)
        return;
    qsort(builder->carried, n, sizeof builder->carried[0], compare_carried);
    out->carried_pc = base_alloc(n, sizeof out->carried_pc[0]);
    out->carried_at = base_alloc((size_t)n + 1, sizeof out->carried_at[0]);
    out->carried_frames = base_alloc(builder->n_frames, sizeof out->carried_frames[0]);
    uint32_t at = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct carried_range *range = &builder->carried[i];
        out->carried_pc[i] = range->pc;
        out->carried_at[i] = at;
        for (uint32_t f = 0; f < range->n; f++)
            out->carried_frames[at++] = builder->carried_frames[range->at + f];
    }
    out->carried_at[n] = at;
    out->n_carried = n;
}

/* One row a sample becomes one run a column. */
static void turn_values(struct builder *builder, struct profile *out)
{
    const size_t n = builder->n_samples, columns = builder->n_columns;
    if (columns <= 1) {
        out->sample_value = builder->values;
        builder->values = NULL;
        return;
    }
    out->sample_value = base_alloc(n * columns, sizeof out->sample_value[0]);
    for (size_t i = 0; i < n; i++) {
        for (size_t c = 0; c < columns; c++)
            out->sample_value[c * n + i] = builder->values[i * columns + c];
    }
}

/* Far above every number that means something, and low enough that no sum, square or scale of such
 * values is infinite: shares of infinity are no numbers. */
#define VALUE_MAX 1e120

static bool are_finite(const double *values, size_t n)
{
    bool is_fine = true;
    for (size_t i = 0; i < n; i++)
        is_fine &= values[i] < VALUE_MAX && values[i] > -VALUE_MAX;
    return is_fine;
}

static bool check_values(const struct builder *builder, struct error *err)
{
    const size_t n = (size_t)builder->n_samples * builder->n_columns;
    bool is_fine = are_finite(builder->values, n);
    for (uint32_t i = 0; i < builder->n_records; i++)
        is_fine &= are_finite(builder->records[i].values, COUNT_OF(builder->records[i].values));
    return is_fine || error_set(err, ERROR_FORMAT, "a value is too large to be one");
}

bool builder_seal(struct builder *builder, enum caller_fix fix, struct profile *out,
                  struct error *err)
{
    if (!check_values(builder, err))
        return false;
    if (builder->over)
        return error_set(err, ERROR_LIMIT, "more than %llu %s",
                         (unsigned long long)builder->over_by, builder->over);
    if (fix == CALLERS_LESS_ONE && move_callers(builder))
        join_equal(builder);
    sort_maps(builder);

    struct profile made = {
        .strings = builder->strings,
        .kind = builder->kind,
        .address_digits = builder->address_digits,
        .program = builder->program,
        .is_symbolized = builder->is_symbolized,
        .allocator_is_innermost = builder->allocator_is_innermost,
        .signals_left_out = builder->signals_left_out,
        .is_cut_short = builder->is_cut_short,
        .period = builder->period,
        .time_ns = builder->time_ns,
        .duration_ns = builder->duration_ns,
        .n_columns = builder->n_columns,
        .default_column = builder->default_column,
        .n_stacks = builder->stacks.n,
        .n_samples = builder->n_samples,
        .n_records = builder->n_records,
        .n_maps = builder->n_maps,
        .parts = part_table_take(&builder->parts),
        .comments = builder->comments,
        .n_comments = builder->n_comments,
    };
    memcpy(made.columns, builder->columns, sizeof made.columns);
    number_addresses(builder, &made);
    sort_carried(builder, &made);
    turn_values(builder, &made);

    made.stack_at =
        builder->stacks.at ? builder->stacks.at : base_alloc(1, sizeof made.stack_at[0]);
    builder->stacks.at = NULL;
    made.sample_stack = builder->sample_stack;
    builder->sample_stack = NULL;
    made.sample_label = builder->sample_label;
    builder->sample_label = NULL;
    builder->comments = NULL;
    made.records = builder->records;
    builder->records = NULL;
    made.maps = builder->maps;
    builder->maps = NULL;

    /* Empty, and ready to be filled again with the same strings and limits. */
    struct builder *fresh = builder_new(builder->strings, &builder->limits);
    const struct builder swap = *fresh;
    *fresh = *builder;
    *builder = swap;
    builder_free(fresh);

    profile_check(&made);
    *out = made;
    return true;
}
