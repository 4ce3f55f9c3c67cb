/* SPDX-License-Identifier: BSD-3-Clause
 *
 * profile.proto, whatever the bytes look like; what comes of it is added to itself, since names
 * move there. */
#include "fuzz.h"

#include <stdlib.h>

#include "reader/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strings *strings = strings_new();
    struct notes notes = {0};
    struct error err = {0};
    struct profile profile, twice;
    struct read_job job = {
        .strings = strings, .limits = limits_default(), .name = "input", .notes = &notes};
    job.limits.max_stacks = 4096;
    job.limits.max_frames = 1 << 20;
    const struct reader *reader = reader_find(span_of("proto"));
    const struct span bytes = span_make(data, size);
    (void)reader->sniff(bytes);
    if (reader_read(bytes, reader, &job, &profile, &err)) {
        const struct profile *const in[] = {&profile, &profile};
        if (profile_merge(in, (const int[]){1, -1}, 2, false, &twice, &err)) {
            /* Each name has one place, before and after. */
            if (twice.n_carried > profile.n_carried)
                abort();
            profile_free(&twice);
        }
        profile_free(&profile);
    } else if (!err.text[0]) {
        abort();
    }
    notes_free(&notes);
    strings_free(strings);
    return 0;
}
