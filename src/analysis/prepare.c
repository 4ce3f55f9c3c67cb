/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Profiles to one, addresses to names: what is expensive and does not depend on the report. It is
 * kept until a profile is added or a setting that it depends on changes. The invariant: `is_ready`
 * means that `merged` and `symbols` belong to the loaded profiles and to `made_with`. */
#include "analysis/internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

void analysis_forget(struct analysis *a)
{
    if (!a->is_ready)
        return;
    analysis_drop_view(a);
    symbols_free(&a->symbols);
    object_set_free(a->objects);
    if (a->profile == &a->merged)
        profile_free(&a->merged);
    a->merged = (struct profile){0};
    a->symbols = (struct symbols){0};
    a->objects = NULL;
    a->profile = NULL;
    a->is_ready = false;
    base_free(a->made_with.base);
    base_free(a->made_with.add_lib);
    base_free(a->made_with.places);
    a->made_with = (struct made_with){0};
}

static void drop_loaded(struct analysis *a, uint32_t i)
{
    analysis_forget(a);
    profile_free(&a->loaded[i].profile);
    memmove(a->loaded + i, a->loaded + i + 1, (a->n_loaded - i - 1) * sizeof *a->loaded);
    a->n_loaded--;
}

/* Brings the profile of --base in line with the setting. */
static bool load_base(struct analysis *a, const struct settings *s, struct error *err)
{
    const char *base = settings_base(s);
    if (a->is_ready && text_same(base, a->made_with.base))
        return true;
    for (uint32_t i = a->n_loaded; i-- > 0;) {
        if (a->loaded[i].is_of_setting)
            drop_loaded(a, i);
    }
    if (!base)
        return true;
    if (!analysis_load(a, base, LOAD_BASE, err))
        return false;
    a->loaded[a->n_loaded - 1].is_of_setting = true;
    return true;
}

/* The path of the program: as named, else what the first profile's own maps say, if that is a file.
 */
static const char *find_path(const struct analysis *a, const struct settings *s,
                             struct arena *arena)
{
    if (a->program)
        return a->program;
    const struct profile *first = &a->loaded[0].profile;
    const map_ix map = first->is_symbolized ? MAP_NONE : profile_guess_program(first);
    if (map == MAP_NONE)
        return NULL;
    struct symbolize_options options = {0};
    places_options(arena, s, &options);
    const char *path =
        symbolize_locate(&options, arena, strings_text(a->strings, first->maps[map].path),
                         strings_span(a->strings, first->maps[map].build_id), NULL, NULL);
    return file_exists(path) ? path : NULL;
}

/* Marks the program in the maps of each profile that was loaded since the last time. */
static void mark_program(struct analysis *a, const struct settings *s, const char *path)
{
    uint8_t id[64];
    size_t n_id = 0;
    struct object *object = NULL;
    const struct object_options options = {.threads = 1};
    if (s->force || !object_read_build_id(path, id, sizeof id, &n_id))
        n_id = 0; /* by its name, then */
    const bool is_open = object_open(path, &options, NULL, &object, NULL);
    char *resolved = realpath(path, NULL);
    const struct program program = {
        .path = path,
        .resolved = resolved,
        .build_id = span_make(id, n_id),
        .is_movable = is_open && object_is_movable(object),
    };
    for (uint32_t i = 0; i < a->n_loaded; i++) {
        if (a->loaded[i].has_program || a->loaded[i].profile.is_symbolized)
            continue;
        profile_find_program(&a->loaded[i].profile, &program);
        a->loaded[i].has_program = true;
    }
    free(resolved);
    object_close(object);
}

/* The same profile with values as --normalize wants them; column by column, since what a column
 * counts has a total of its own. The values are the copy's. */
static struct profile copy_scaled(const struct analysis *a, const struct settings *s,
                                  const struct profile *base)
{
    struct profile copy = *base;
    copy.parts = (struct parts){0}; /* their values are not scaled */
    copy.sample_value =
        base_alloc((size_t)base->n_columns * base->n_samples, sizeof copy.sample_value[0]);
    for (column_ix c = 0; c < base->n_columns; c++) {
        const double factor = analysis_base_factor(a, s, base->columns[c].name);
        for (uint32_t i = 0; i < base->n_samples; i++) {
            const size_t at = (size_t)c * base->n_samples + i;
            copy.sample_value[at] = base->sample_value[at] * factor;
        }
    }
    return copy;
}

/* Added profiles in the order they were loaded, then the subtracted ones. */
static bool merge(struct analysis *a, const struct settings *s, struct error *err)
{
    if (a->n_loaded == 1) {
        a->profile = &a->loaded[0].profile;
        return true;
    }
    const struct profile **in = base_alloc(a->n_loaded, sizeof *in);
    struct profile *scaled = base_alloc(a->n_loaded, sizeof *scaled);
    int *sign = base_alloc(a->n_loaded, sizeof *sign);
    uint32_t n = 0;
    for (int wanted = 1; wanted >= -1; wanted -= 2) {
        for (uint32_t i = 0; i < a->n_loaded; i++) {
            if (a->loaded[i].sign != wanted)
                continue;
            in[n] = &a->loaded[i].profile;
            if (wanted < 0 && s->normalize) {
                scaled[n] = copy_scaled(a, s, in[n]);
                in[n] = &scaled[n];
            }
            sign[n++] = wanted;
        }
    }
    progress_step(&a->progress, "adding up profiles", 0);
    const bool is_merged = profile_merge(in, sign, n, s->drop_negative, &a->merged, err);
    for (uint32_t i = 0; i < a->n_loaded; i++)
        base_free(scaled[i].sample_value);
    base_free(scaled);
    base_free(in);
    base_free(sign);
    a->profile = is_merged ? &a->merged : NULL;
    return is_merged;
}

static bool is_up_to_date(const struct analysis *a, const struct settings *now)
{
    const struct made_with *then = &a->made_with;
    const struct naming naming = settings_naming(now);
    char *places = places_key(now);
    const bool is_there = text_same(places, then->places);
    base_free(places);
    return a->is_ready && is_there && now->drop_negative == then->drop_negative &&
           now->normalize == then->normalize && naming.style == then->naming.style &&
           naming.keep_templates == then->naming.keep_templates &&
           text_same(settings_base(now), then->base) && text_same(now->add_lib, then->add_lib);
}

static void note_made_with(struct analysis *a, const struct settings *s)
{
    a->made_with = (struct made_with){
        .drop_negative = s->drop_negative,
        .normalize = s->normalize,
        .naming = settings_naming(s),
        .base = base_copy(settings_base(s)),
        .add_lib = base_copy(s->add_lib),
        .places = places_key(s),
    };
}

static const char *find_cache(struct arena *arena, const struct settings *s)
{
    return s->cache ? places_cache(arena, "cprof") : NULL;
}

static struct span folder_of(struct span path)
{
    return span_first(path, span_find_last(path, '/'));
}

/* NULL: there is none. */
static const char *make_cache(struct analysis *a)
{
    const char *folder = find_cache(a->arena, &a->settings);
    if (!folder || access(folder, F_OK) == 0)
        return folder;
    /* Where a person keeps all caches may be made, but not a home for somebody who has none. */
    const char *home = arena_text(a->arena, folder_of(folder_of(span_of(folder))));
    if (access(home, F_OK) == 0)
        file_make_folders(folder);
    return folder;
}

const char *const *analysis_folders(struct analysis *a, const char *const *names, uint32_t n)
{
    const char *folders[4];
    uint32_t n_folders = 0;
    struct symbolize_options places = {0};
    places_options(a->arena, &a->settings, &places);
    if ((folders[n_folders] = make_cache(a)))
        n_folders++;
    if (n && places.debuginfod) {
        file_make_folders(places.debuginfod->folder);
        folders[n_folders++] = places.debuginfod->folder;
    }
    if (n && (folders[n_folders] = remote_folder(a, names, n)))
        n_folders++;
    folders[n_folders++] = NULL;
    const char **list = arena_alloc(a->arena, n_folders, sizeof *list);
    memcpy(list, folders, n_folders * sizeof *list);
    return list;
}

static bool name_addresses(struct analysis *a, const struct settings *s, const char *program,
                           struct error *err)
{
    struct arena *arena = arena_new();
    struct symbolize_options options = {
        .program = program,
        .add_lib = s->add_lib && *s->add_lib ? s->add_lib : NULL,
        .naming = settings_naming(s),
        .threads = (unsigned)s->threads,
        .object = {.threads = (unsigned)s->threads, .cache = find_cache(arena, s)},
    };
    places_options(arena, s, &options);
    if (s->debuginfod && !options.debuginfod)
        notes_add(&a->notes, "--debuginfod: %s, so that nobody is asked",
                  places_has_servers() ? "there is no folder for what is fetched"
                                       : "DEBUGINFOD_URLS names no server");
    a->objects = object_set_new();
    const bool is_named =
        symbolize(a->profile, &options, &a->progress, a->objects, &a->symbols, &a->notes, err);
    arena_free(arena);
    return is_named;
}

bool analysis_merge(struct analysis *a, const struct settings *s, struct error *err)
{
    if (is_up_to_date(a, s))
        return true;
    if (!load_base(a, s, err))
        return false;
    analysis_forget(a);
    uint32_t n_added = 0;
    for (uint32_t i = 0; i < a->n_loaded; i++)
        n_added += a->loaded[i].sign > 0;
    if (n_added == 0)
        return error_set(err, ERROR_USAGE, "Did not specify profile file");

    const char *program = find_path(a, s, a->arena);
    if (program)
        mark_program(a, s, program);
    if (!merge(a, s, err))
        return false;
    if (!name_addresses(a, s, program, err)) {
        object_set_free(a->objects);
        a->objects = NULL;
        if (a->profile == &a->merged)
            profile_free(&a->merged);
        a->merged = (struct profile){0};
        a->profile = NULL;
        return false;
    }
    a->shown_program = a->profile->program ? strings_text(a->strings, a->profile->program)
                       : program           ? program
                                           : "(unknown)";
    note_made_with(a, s);
    a->is_ready = true;
    return true;
}
