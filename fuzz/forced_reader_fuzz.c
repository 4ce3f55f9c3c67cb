/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Any bytes, given to a reader that did not ask for them: the first byte says which, the next one
 * how little it may take. What a reader is forced to read need not look like its format at all. The
 * invariant: a failure says why, and what is read stays within the limits. */
#include "fuzz.h"

#include <stdlib.h>

#include "reader/reader.h"

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* Everything a profile promises to whoever reads it. */
static void check(const struct profile *profile, const struct limits *limits)
{
    require(profile->n_stacks <= limits->max_stacks && profile->n_samples <= limits->max_stacks);
    require(profile->n_columns <= COLUMNS_MAX);
    require(profile->n_columns == 0 || profile->default_column < profile->n_columns);
    for (stack_ix s = 0; s < profile->n_stacks; s++) {
        require(profile->stack_at[s] <= profile->stack_at[s + 1]);
        require(profile->stack_at[s + 1] - profile->stack_at[s] <= limits->max_depth);
    }
    const uint32_t n_frames = profile->n_stacks ? profile->stack_at[profile->n_stacks] : 0;
    require(n_frames <= limits->max_frames);
    for (uint32_t i = 0; i < n_frames; i++)
        require(profile->stack_addr[i] < profile->n_addrs);
    for (uint32_t i = 0; i < profile->n_samples; i++)
        require(profile->sample_stack[i] < profile->n_stacks);
    for (addr_ix a = 0; a < profile->n_addrs; a++)
        require(profile->addr_map[a] == MAP_NONE || profile->addr_map[a] < profile->n_maps);
    for (uint32_t i = 1; i < profile->n_carried; i++)
        require(profile->carried_pc[i - 1] < profile->carried_pc[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t n_readers = 0;
    while (readers[n_readers])
        n_readers++;
    if (size < 2)
        return 0;
    const struct reader *reader = readers[data[0] % n_readers];
    struct strings *strings = strings_new();
    struct notes notes = {0};
    struct error err = {0};
    struct profile profile;
    struct read_job job = {
        .strings = strings, .limits = limits_default(), .name = "input", .notes = &notes};
    job.limits.max_stacks = data[1] % 2 ? 4096 : 3;
    job.limits.max_frames = data[1] & 2 ? 1 << 16 : 7;
    job.limits.max_depth = data[1] & 4 ? 1 << 16 : 4;
    if (reader_read(span_make(data + 2, size - 2), reader, &job, &profile, &err)) {
        check(&profile, &job.limits);
        profile_free(&profile);
    } else {
        require(err.text[0] != '\0');
    }
    notes_free(&notes);
    strings_free(strings);
    return 0;
}
