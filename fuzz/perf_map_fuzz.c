/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Names of code that was made at run time, as virtual machines write them for perf. */
#include "fuzz.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "symbolize/symbolize.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    const int fd = memfd_create("perf.map", MFD_CLOEXEC);
    if (fd < 0 || !fd_write(fd, span_make(data, size)))
        return 0;
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);

    const struct limits limits = limits_default();
    struct strings *strings = strings_new();
    struct builder *builder = builder_new(strings, &limits);
    const uint64_t pcs[] = {0x1000, 0x1001, 0x10ff, 0x2000, 0x7f0000000000, UINT64_MAX};
    const double value = 1;
    builder_column(builder, "samples", "count");
    builder_add(builder, builder_stack(builder, pcs, COUNT_OF(pcs)), 0, &value);
    struct profile profile;
    if (builder_seal(builder, CALLERS_AS_GIVEN, &profile, NULL)) {
        const char *const maps[] = {path, NULL};
        const struct symbolize_options options = {.perf_maps = maps, .threads = 1};
        struct object_set *objects = object_set_new();
        struct symbols symbols;
        struct notes notes = {0};
        if (symbolize(&profile, &options, NULL, objects, &symbols, &notes, NULL))
            symbols_free(&symbols);
        notes_free(&notes);
        object_set_free(objects);
        profile_free(&profile);
    }
    builder_free(builder);
    strings_free(strings);
    (void)close(fd);
    return 0;
}
