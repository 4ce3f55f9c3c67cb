/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Mapping lines, and the search for the program among them. */
#include "fuzz.h"

#include "profile/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct limits limits = limits_default();
    struct strings *strings = strings_new();
    struct builder *builder = builder_new(strings, &limits);
    const uint64_t pcs[] = {0x401000, 0x1000, UINT64_MAX, 0};
    const double value = 1;
    builder_column(builder, "samples", "count");
    builder_add(builder, builder_stack(builder, pcs, 4), 0, &value);
    builder_maps(builder, span_make(data, size));
    struct profile profile;
    if (builder_seal(builder, CALLERS_AS_GIVEN, &profile, NULL)) {
        const struct program program = {
            .path = "/bin/demo", .build_id = span_of("\1\2"), .is_movable = size % 2};
        profile_find_program(&profile, &program);
        profile_free(&profile);
    }
    builder_free(builder);
    strings_free(strings);
    return 0;
}
