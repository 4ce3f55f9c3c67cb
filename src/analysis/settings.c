/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the settings mean together: defaults, contradictions, and what was chosen in the end. The
 * invariant: texts in settings are their own, from strdup, so that any door may put them there. */
#include "analysis/internal.h"

#include <stdlib.h>
#include <string.h>

void key_add(struct buf *key, const char *text)
{
    buf_printf(key, "%zu:%s", text ? strlen(text) + 1 : 0, text ? text : "");
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
        .trim = true,
        .max_memory = LIMIT_MEGABYTES,
        .max_samples = LIMIT_SAMPLES,
        .max_depth = LIMIT_DEPTH,
    };
}

/* The texts that settings own: whoever adds one adds a line, and it is freed and copied. */
static char **text_at(struct settings *settings, size_t i)
{
    char **const texts[] = {
        &settings->expression,   &settings->focus,       &settings->ignore,
        &settings->base,         &settings->add_lib,     &settings->lib_prefix,
        &settings->tools,        &settings->reader,      &settings->source_path,
        &settings->trim_path,    &settings->then_focus,  &settings->then_ignore,
        &settings->retain,       &settings->exclude,     &settings->hide,
        &settings->show,         &settings->show_from,   &settings->prune_from,
        &settings->thread,       &settings->diff_base,   &settings->granularity,
        &settings->sample_index, &settings->unit,        &settings->events,
        &settings->names,        &settings->debug_dir,   &settings->sysroot,
        &settings->map,          &settings->binary_path, &settings->cacert,
        &settings->perf_map,
    };
    return i < COUNT_OF(texts) ? texts[i] : NULL;
}

void texts_add(struct texts *texts, struct span text)
{
    uint32_t cap = texts->list ? texts->n + 1 : 0;
    texts->list = base_grow(texts->list, &cap, (size_t)texts->n + 2, sizeof *texts->list);
    texts->list[texts->n++] = span_copy(text);
    texts->list[texts->n] = NULL;
}

void texts_free(struct texts *texts)
{
    for (uint32_t i = 0; i < texts->n; i++)
        base_free(texts->list[i]);
    base_free(texts->list);
    *texts = (struct texts){0};
}

void settings_free(struct settings *settings)
{
    char **text;
    for (size_t i = 0; (text = text_at(settings, i)); i++)
        free(*text);
    texts_free(&settings->output);
    settings_init(settings);
}

void settings_copy(struct settings *to, const struct settings *from)
{
    char **text;
    *to = *from;
    for (size_t i = 0; (text = text_at(to, i)); i++)
        *text = base_copy(*text);
    to->output = (struct texts){0};
    for (uint32_t i = 0; i < from->output.n; i++)
        texts_add(&to->output, span_of(from->output.list[i]));
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

/* The granularity that is said by name; false where there is none of that name. */
static bool find_grain(const char *name, enum granularity_kind *kind)
{
    for (uint32_t i = 0; i < GRANULARITY_COUNT; i++) {
        if (strcmp(granularities[i].name, name) == 0) {
            *kind = (enum granularity_kind)i;
            return true;
        }
    }
    return false;
}

static bool is_said(const char *text)
{
    return text && *text;
}

/* What is said by name. */
static bool check_names(const struct settings *s, struct error *err)
{
    enum granularity_kind kind;
    struct span thread = span_of(s->thread ? s->thread : "");
    uint64_t number;
    if (is_said(s->granularity) && !find_grain(s->granularity, &kind))
        return error_set(err, ERROR_USAGE, "--granularity=%s: no such granularity", s->granularity);
    if (is_said(s->unit) && !scale_is_auto(s->unit) && !scale_is_known(s->unit))
        return error_set(err, ERROR_USAGE, "--unit=%s: no such unit", s->unit);
    enum name_style style;
    if (is_said(s->names) && !name_style_find(span_of(s->names), &style))
        return error_set(err, ERROR_USAGE, "--names=%s: names are short, class, full or mangled",
                         s->names);
    if (thread.n && !span_is(thread, "*") && !span_u64(thread, &number))
        return error_set(err, ERROR_USAGE, "--thread=%s: neither a number nor *", s->thread);
    if (!places_check(s, err))
        return false;
    if (is_said(s->base) && is_said(s->diff_base))
        return error_set(err, ERROR_USAGE, "Specify at most one of --base and --diff_base");
    return true;
}

bool settings_check(const struct settings *settings, struct error *err)
{
    const int heap = settings->inuse_space + settings->inuse_objects + settings->alloc_space +
                     settings->alloc_objects;
    if (heap > 1)
        return error_set(err, ERROR_USAGE, "Specify at most on of --inuse/--alloc options");
    const int grains = __builtin_popcountll(settings->grains) + is_said(settings->granularity);
    if (grains > 1 && !find_fixed(settings))
        return error_set(err, ERROR_USAGE, "Only specify one output granularity option");
    if (__builtin_popcountll(settings->outputs) + __builtin_popcountll(settings->modes) > 1)
        return error_set(err, ERROR_USAGE, "Only specify one output mode");
    if (settings->threads < 0 || settings->threads > 1024)
        return error_set(err, ERROR_USAGE, "--threads is a number from 0 to 1024");
    if (settings->max_memory < 0 || settings->max_samples < 0 || settings->max_depth < 0)
        return error_set(err, ERROR_USAGE, "--max-%s: no limit is below 0",
                         settings->max_memory < 0    ? "memory"
                         : settings->max_samples < 0 ? "samples"
                                                     : "depth");
    if (settings->reader && *settings->reader && !reader_find(span_of(settings->reader)))
        return error_set(err, ERROR_USAGE, "--reader=%s: no such format", settings->reader);
    return check_names(settings, err);
}

struct limits settings_limits(const struct settings *settings)
{
    return limits_of((uint64_t)settings->max_memory, (uint64_t)settings->max_samples,
                     (uint64_t)settings->max_depth);
}

struct naming settings_naming(const struct settings *settings)
{
    struct naming naming = {.keep_templates = settings->no_strip_temp};
    if (is_said(settings->names) && !name_style_find(span_of(settings->names), &naming.style))
        naming.style = NAMES_SHORT; /* settings_check has said so */
    return naming;
}

const char *settings_base(const struct settings *settings)
{
    return is_said(settings->diff_base) ? settings->diff_base
           : is_said(settings->base)    ? settings->base
                                        : NULL;
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
    enum granularity_kind kind = emitter->grain;
    bool said = settings->grains != 0;
    if (said)
        kind = (enum granularity_kind)__builtin_ctzll(settings->grains);
    else
        said = is_said(settings->granularity) && find_grain(settings->granularity, &kind);
    said = said && !emitter->has_fixed_grain;
    if (is_set)
        *is_set = said;
    return said ? kind : emitter->grain;
}
