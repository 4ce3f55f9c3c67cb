/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of this module share: the table that makes sequences of words distinct, and the
 * builder's inside. Nobody else includes this. */
#pragma once

#include "profile/profile.h"

/* Distinct sequences of words and their ids, 0 .. n - 1 in order of coming. Zero is a valid empty
 * table.
 *
 *     sequence i: pool[at[i]] .. pool[at[i + 1] - 1]
 *
 * A slot holds half of the hash beside the id, so that a look-up seldom leaves the slots but for
 * the sequence that it finds. */
struct stack_slot {
    uint32_t check;
    uint32_t id; /* + 1; 0 is a free slot */
};

struct stack_table {
    struct stack_slot *slots;
    size_t n_slots; /* a power of two or 0 */
    uint32_t *at;
    uint64_t *pool;
    uint32_t n, at_cap, pool_n, pool_cap;
};

/* The id of the sequence, new or known. The caller sees to it that neither the number of sequences
 * nor that of all words reaches UINT32_MAX. */
uint32_t stack_table_add(struct stack_table *table, const uint64_t *words, uint32_t n);
/* The same in two steps, for several at a time: what the look-ups need is fetched while others are
 * at work, and then each is added with its hash. guesses[i]: which sequence it most likely is, or
 * STACK_NONE. */
void stack_table_fetch(const struct stack_table *table, const struct raw_sample *samples,
                       uint32_t n, uint64_t *hashes, uint32_t *guesses);
uint32_t stack_table_add_hashed(struct stack_table *table, const uint64_t *words, uint32_t n,
                                uint64_t hash);
bool stack_table_find(const struct stack_table *table, const uint64_t *words, uint32_t n,
                      uint32_t *id);
void stack_table_free(struct stack_table *table);

/* The frames of one address: frames[at] .. frames[at + n - 1]. */
struct carried_range {
    uint64_t pc;
    uint32_t at, n;
};

struct part_table {
    struct parts parts;
    struct idmap ids; /* (stack, labels) to part */
    uint32_t stack_cap, labels_cap, value_cap;
};

/* The values of a part, new ones are 0. Valid until the next call. */
double *part_table_row(struct part_table *table, stack_ix stack, str_id labels, uint32_t n_columns);
struct parts part_table_take(struct part_table *table); /* the table is empty afterwards */
void part_table_free(struct part_table *table);
void parts_free(struct parts *parts);

/* What stands for $name in the paths of mapping lines. */
struct map_variable {
    str_id name, value;
};
enum { MAP_VARIABLES_MAX = 32 };

/* Memory without a file right behind a file's, as long as nobody knows what it is: the last of the
 * maps. `limit` 0: there is none. */
struct maps_gap {
    uint64_t limit;       /* so far */
    uint64_t file_offset; /* in the file before it, behind what was mapped */
    str_id path;          /* of that file */
    uint32_t n_maps;      /* pieces of code in it */
};

struct builder {
    struct strings *strings;
    struct limits limits;
    enum profile_kind kind;
    unsigned address_digits;
    str_id program;
    int64_t period, time_ns, duration_ns;
    bool is_symbolized, allocator_is_innermost, signals_left_out, is_cut_short;

    struct column columns[COLUMNS_MAX];
    uint32_t n_columns;
    column_ix default_column;

    struct stack_table stacks;
    uint32_t *plain; /* the sample (stack, no label) of each stack, + 1; 0: none yet */
    uint32_t plain_n, plain_cap;
    struct idmap labelled; /* (stack, label) to sample, for those with a label */
    stack_ix *sample_stack;
    str_id *sample_label;
    double *values; /* one row a sample; sealing turns them into columns */
    uint32_t n_samples, sample_stack_cap, sample_label_cap, values_cap;

    struct part_table parts;
    str_id *comments;
    uint32_t n_comments, comments_cap;

    struct record *records;
    uint32_t n_records, records_cap;

    struct mapping *maps;
    uint32_t n_maps, maps_cap;
    struct map_variable variables[MAP_VARIABLES_MAX];
    uint32_t n_variables;
    struct maps_gap gap; /* see maps.c */

    struct carried_range *carried;
    struct carried_frame *carried_frames;
    uint32_t n_carried, carried_cap, n_frames, frames_cap;
    struct idmap carried_ids; /* pc to place in `carried` */

    const char *over; /* the limit that was reached, in words; NULL: none */
    uint64_t over_by; /* its value */
};

/* Takes back what turned out to be no file's. */
void builder_close_gap(struct builder *builder);

/* Asserts every invariant of a sealed profile. */
void profile_check(const struct profile *profile);
