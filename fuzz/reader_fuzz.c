/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Any bytes, given to whichever reader wants them and to the one that never asks; what comes of
 * them is looked up, added to itself and subtracted from it. */
#include "fuzz.h"

#include "reader/reader.h"

static bool read_with(const struct reader *forced, struct span bytes, struct strings *strings,
                      struct profile *out)
{
    struct notes notes = {0};
    struct error err = {0};
    struct read_job job = {
        .strings = strings, .limits = limits_default(), .name = "input", .notes = &notes};
    job.limits.max_stacks = 4096;
    job.limits.max_frames = 1 << 20;
    const bool is_read = reader_read(bytes, forced, &job, out, &err);
    notes_free(&notes);
    return is_read;
}

static void merge_with_itself(const struct profile *profile)
{
    const struct profile *const in[] = {profile, profile};
    for (int sign = -1; sign <= 1; sign += 2) {
        struct profile sum;
        if (profile_merge(in, (const int[]){1, sign}, 2, sign < 0, &sum, NULL))
            profile_free(&sum);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct span bytes = span_make(data, size);
    struct strings *strings = strings_new();
    struct profile profile;
    (void)reader_is_profile(bytes);
    (void)reader_is_symbolized(bytes);
    if (read_with(NULL, bytes, strings, &profile)) {
        const struct program program = {.path = "/bin/demo", .is_movable = size % 2};
        profile_find_program(&profile, &program);
        merge_with_itself(&profile);
        profile_free(&profile);
    }
    if (read_with(reader_find(span_of("addresses")), bytes, strings, &profile))
        profile_free(&profile);
    strings_free(strings);
    return 0;
}
