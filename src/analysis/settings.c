/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the settings mean together: defaults, contradictions, and what was chosen in the end. The
 * invariant: texts in settings are their own, from strdup, so that any door may put them there. */
#include "analysis/internal.h"

#include <stdlib.h>
#include <string.h>

char *text_copy(const char *text)
{
    if (!text)
        return NULL;
    const size_t n = strlen(text) + 1;
    char *copy = base_alloc(n, 1);
    memcpy(copy, text, n);
    return copy;
}

bool text_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

void settings_init(struct settings *settings)
{
    *settings = (struct settings){
        .seconds = 30,
        .nodecount = 80,
        .maxdegree = 8,
        .nodefraction = 0.005,
        .edgefraction = 0.001,
    };
}

void settings_free(struct settings *settings)
{
    char *const texts[] = {
        settings->expression, settings->focus,      settings->ignore, settings->base,
        settings->add_lib,    settings->lib_prefix, settings->tools,  settings->reader,
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        free(texts[i]);
    settings_init(settings);
}

/* An output with a granularity of its own conflicts with no other. */
static const struct emitter *find_fixed(const struct settings *settings)
{
    for (uint32_t i = 0; emitters[i]; i++) {
        if ((settings->outputs >> i & 1) && emitters[i]->has_fixed_grain)
            return emitters[i];
    }
    return NULL;
}

bool settings_check(const struct settings *settings, struct error *err)
{
    const int heap = settings->inuse_space + settings->inuse_objects + settings->alloc_space +
                     settings->alloc_objects;
    if (heap > 1)
        return error_set(err, ERROR_USAGE, "Specify at most on of --inuse/--alloc options");
    if (__builtin_popcountll(settings->grains) > 1 && !find_fixed(settings))
        return error_set(err, ERROR_USAGE, "Only specify one output granularity option");
    if (__builtin_popcountll(settings->outputs) > 1)
        return error_set(err, ERROR_USAGE, "Only specify one output mode");
    if (settings->threads < 0 || settings->threads > 1024)
        return error_set(err, ERROR_USAGE, "--threads is a number from 0 to 1024");
    if (settings->reader && *settings->reader && !reader_find(span_of(settings->reader)))
        return error_set(err, ERROR_USAGE, "--reader=%s: no such format", settings->reader);
    return true;
}

const struct emitter *settings_emitter(const struct settings *settings)
{
    for (uint32_t i = 0; emitters[i]; i++) {
        if (settings->outputs >> i & 1)
            return emitters[i];
    }
    return emitter_find(span_of("text"));
}

enum granularity_kind settings_grain(const struct settings *settings, const struct emitter *emitter,
                                     bool *is_set)
{
    const bool said = settings->grains && !emitter->has_fixed_grain;
    if (is_set)
        *is_set = said;
    return said ? (enum granularity_kind)__builtin_ctzll(settings->grains) : emitter->grain;
}
