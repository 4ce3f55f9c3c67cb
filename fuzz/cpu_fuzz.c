/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary CPU profiles, whatever the bytes look like. */
#include "fuzz.h"

#include "reader/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strings *strings = strings_new();
    struct notes notes = {0};
    struct error err = {0};
    struct profile profile;
    struct read_job job = {
        .strings = strings, .limits = limits_default(), .name = "input", .notes = &notes};
    job.limits.max_stacks = 4096;
    job.limits.max_frames = 1 << 20;
    if (reader_read(span_make(data, size), reader_find(span_of("cpu")), &job, &profile, &err))
        profile_free(&profile);
    notes_free(&notes);
    strings_free(strings);
    return 0;
}
