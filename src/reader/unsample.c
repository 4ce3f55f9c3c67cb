/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What heap formats share beyond their grammar: the four columns, and how sampling is undone
 * (docs/formats.md). The arithmetic is written as it is on purpose: reports of bytes agree with
 * older tools to the last digit. */
#include "reader/internal.h"

#include <math.h>

void heap_columns(struct builder *builder)
{
    builder_column(builder, "inuse_objects", "count");
    builder_default_column(builder, builder_column(builder, "inuse_space", "bytes"));
    builder_column(builder, "alloc_objects", "count");
    builder_column(builder, "alloc_space", "bytes");
}

void heap_settle_rate(struct heap_sampling *sampling, struct notes *notes)
{
    if (sampling->kind == SAMPLING_NONE)
        return;
    if (sampling->rate == 0) {
        sampling->rate = 131072;
        notes_add(notes, "Adjusting heap profiles for 1-in-128KB sampling rate");
    } else {
        notes_add(notes, "Adjusting heap profiles for 1-in-%.0f sampling rate",
                  trunc(sampling->rate));
    }
    if (sampling->kind == SAMPLING_BY_POISSON)
        notes_add(notes, "Heap version 2");
}

/* A pair stays as it is where the formula divides by zero, or by infinity: nothing would be left.
 */
static void unsample(const struct heap_sampling *sampling, double *objects, double *bytes)
{
    if (*objects == 0 || *bytes == 0)
        return;
    if (sampling->kind == SAMPLING_BY_POISSON) {
        const double ratio = (*bytes / *objects) / sampling->rate;
        const double scale = 1 / (1 - exp(-ratio));
        if (!isfinite(scale) || scale == 0)
            return;
        *objects *= scale;
        *bytes *= scale;
    } else if (sampling->kind == SAMPLING_BY_BYTES) {
        const double ratio = (*bytes / *objects) / sampling->rate;
        if (ratio <= 0 || ratio >= 1)
            return;
        *objects /= ratio;
        *bytes /= ratio;
    }
}

void heap_unsample(const struct heap_sampling *sampling, double values[HEAP_COLUMNS])
{
    unsample(sampling, &values[INUSE_OBJECTS], &values[INUSE_SPACE]);
    unsample(sampling, &values[ALLOC_OBJECTS], &values[ALLOC_SPACE]);
}
