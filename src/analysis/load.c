/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From names and bytes to loaded profiles and the program: what is taken for which, and what is
 * said where a name is none of a file. */
#include "analysis/internal.h"

#include <string.h>

#include "base/file.h"
#include "net/net.h"

static void set_clash(struct analysis *a, const char *name)
{
    base_free(a->clash);
    a->clash = base_copy(name);
}

static bool load_program(struct analysis *a, const char *path, struct error *err)
{
    if (a->program)
        return error_set(err, ERROR_USAGE, "%s: the program is %s already", path, a->program);
    if (a->is_ready)
        return error_set(err, ERROR_USAGE, "%s: the program comes before the first report", path);
    a->program = base_copy(path);
    return true;
}

/* What cannot be shown of profiles that come with their names. */
static bool check_without_program(const struct analysis *a, struct error *err)
{
    const struct emitter *emitter = settings_emitter(&a->settings);
    const char *what = NULL;
    if (emitter && emitter->needs_program)
        what = emitter->name;
    else if (emitter && settings_grain(&a->settings, emitter, NULL) == GRANULARITY_LINES)
        what = granularities[GRANULARITY_LINES].name;
    if (what)
        return error_set(err, ERROR_USAGE, "--%s cannot be used without a binary", what);
    return true;
}

/* The format that is forced, if one is; false where there is no such format. */
static bool find_forced(const struct analysis *a, const struct reader **forced, struct error *err)
{
    const char *name = a->settings.reader;
    *forced = name && *name ? reader_find(span_of(name)) : NULL;
    if (!*forced && name && *name)
        return error_set(err, ERROR_USAGE, "--reader=%s: no such format", name);
    return true;
}

/* The Perl tool added bytes to samples without a word. */
static void tell_mixture(struct analysis *a, const struct profile *profile, const char *name)
{
    const struct profile *first = a->n_loaded ? &a->loaded[0].profile : NULL;
    if (!first || !first->n_columns || !profile->n_columns)
        return;
    const struct column *was = &first->columns[first->default_column];
    const struct column *is = &profile->columns[profile->default_column];
    if (was->unit != is->unit)
        notes_add(&a->notes, "%s: its %s (%s) and the %s (%s) before make no sensible sum", name,
                  strings_text(a->strings, is->name), strings_text(a->strings, is->unit),
                  strings_text(a->strings, was->name), strings_text(a->strings, was->unit));
}

static bool load_profile(struct analysis *a, const struct file *file, const char *name,
                         enum load_as as, struct error *err)
{
    const struct reader *forced = NULL;
    if (!find_forced(a, &forced, err))
        return false;
    if (as == LOAD_INPUT) {
        const struct emitter *emitter = settings_emitter(&a->settings);
        forced = emitter && emitter->reader ? reader_find(span_of(emitter->reader)) : NULL;
        if (!forced)
            return error_set(err, ERROR_USAGE, "%s: the output reads no such input", name);
    } else if (!forced && reader_is_symbolized(file->bytes)) {
        if (a->program) {
            set_clash(a, name);
            return error_set(err, ERROR_USAGE,
                             "%s: a symbolized profile cannot be used with a program (%s)", name,
                             a->program);
        }
        if (as == LOAD_FIRST && !check_without_program(a, err))
            return false;
    }

    const struct read_job job = {
        .strings = a->strings,
        .limits = settings_limits(&a->settings),
        .name = name,
        .file = file,
        .notes = &a->notes,
    };
    struct profile profile = {0};
    if (!reader_read(file->bytes, forced, &job, &profile, err))
        return false;
    profile.is_cut_short |= file->is_cut_short;
    tell_mixture(a, &profile, name);
    analysis_forget(a);
    a->loaded = base_grow(a->loaded, &a->cap_loaded, (size_t)a->n_loaded + 1, sizeof *a->loaded);
    a->loaded[a->n_loaded++] = (struct loaded){
        .profile = profile,
        .sign = as == LOAD_BASE ? -1 : 1,
    };
    return true;
}

/* Whether the first name of a command line, or of a library's user, is a profile. */
static bool is_profile(const struct analysis *a, struct span bytes)
{
    const struct reader *forced;
    if (reader_is_profile(bytes))
        return true;
    return find_forced(a, &forced, NULL) && forced && forced->sniff(bytes) > 0;
}

bool analysis_load_file(struct analysis *a, struct file *file, const char *name, enum load_as as,
                        struct error *err)
{
    if (as == LOAD_PROGRAM)
        return load_program(a, name, err);
    if (!file_unpack(file, settings_limits(&a->settings).max_bytes, &a->notes, err))
        return false;
    if (as == LOAD_FIRST && !a->servers.program && !is_profile(a, file->bytes))
        return load_program(a, name, err);
    if (as != LOAD_INPUT && !remote_add_names(a, file, name, err))
        return false;
    return load_profile(a, file, name, as, err);
}

/* A file goes before a server of that name. */
static bool is_remote(const char *path)
{
    return strcmp(path, "-") != 0 && remote_is(span_of(path)) && !file_is_regular(path) &&
           !file_exists(path);
}

static bool has_remote(const struct analysis *a, const char *const *names, uint32_t n)
{
    const char *base = settings_base(&a->settings);
    bool has = base && is_remote(base);
    for (uint32_t i = 0; i < n && !has; i++)
        has = is_remote(names[i]);
    return has;
}

bool analysis_needs_network(const struct analysis *a, const char *const *names, uint32_t n)
{
    return a->settings.debuginfod || has_remote(a, names, n);
}

const char *remote_folder(struct analysis *a, const char *const *names, uint32_t n)
{
    struct error err;
    return has_remote(a, names, n) && remote_make_folder(a, &err) ? a->servers.folder : NULL;
}

bool analysis_load(struct analysis *a, const char *path, enum load_as as, struct error *err)
{
    set_clash(a, NULL);
    struct file file CLEANUP(file_close) = {0};
    if (is_remote(path))
        return remote_load(a, path, as, err);
    if (!file_open(&file, path, settings_limits(&a->settings).max_bytes, err))
        return false;
    if (as != LOAD_BASE && strcmp(path, "-") != 0)
        notes_add(&a->notes, "Using local file %s.", path);
    return analysis_load_file(a, &file, path, as, err);
}

bool analysis_load_bytes(struct analysis *a, struct span bytes, const char *name, enum load_as as,
                         struct error *err)
{
    set_clash(a, NULL);
    /* Not a file of base's own making: there is nothing to unmap until it unpacks something. */
    struct file file CLEANUP(file_close) = {.bytes = bytes.p ? bytes : span_make("", 0),
                                            .name = base_copy(name)};
    return analysis_load_file(a, &file, name, as, err);
}
