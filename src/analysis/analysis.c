/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The pipeline: bytes to profiles, profiles to one, addresses to names, and from there one report
 * at a time. What is expensive and does not depend on the report (merging, symbolizing) is kept
 * until a profile is added or a setting that it depends on changes. The invariant: `is_ready` means
 * that `merged` and `symbols` belong to the loaded profiles and to `made_with`. */
#include "analysis/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

struct loaded {
    struct profile profile;
    int sign;
    bool is_of_setting; /* --base, and not loaded by somebody */
    bool has_program;   /* profile_find_program has been there */
};

/* The settings that merged profile and symbols depend on. */
struct made_with {
    bool drop_negative, no_strip_temp;
    char *base, *add_lib, *lib_prefix;
};

struct analysis {
    struct arena *arena; /* lives as long as the analysis */
    struct options options;
    struct settings settings;
    struct strings *strings;
    struct limits limits;
    struct notes notes;
    struct progress progress;

    char *program; /* as given; NULL: none */
    char *clash;   /* see analysis_clash */
    struct loaded *loaded;
    uint32_t n_loaded, cap_loaded;

    struct regex *focus, *ignore;
    char *focus_text, *ignore_text; /* what they were made of */

    bool is_ready;
    struct made_with made_with;
    const char *shown_program; /* for titles */
    struct profile merged;     /* unless `profile` is a loaded one */
    const struct profile *profile;
    struct object_set *objects;
    struct symbols symbols;
};

/* ---- one analysis -------------------------------------------------------------------------------
 */

static char *copy_text(const char *text)
{
    if (!text)
        return NULL;
    const size_t n = strlen(text) + 1;
    char *copy = base_alloc(n, 1);
    memcpy(copy, text, n);
    return copy;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

struct analysis *analysis_new(void)
{
    struct analysis *a = base_alloc(1, sizeof *a);
    a->arena = arena_new();
    a->options = options_all(a->arena);
    a->strings = strings_new();
    a->limits = limits_default();
    settings_init(&a->settings);
    return a;
}

static void forget_results(struct analysis *a)
{
    if (!a->is_ready)
        return;
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
    base_free(a->made_with.lib_prefix);
    a->made_with = (struct made_with){0};
}

void analysis_free(struct analysis *a)
{
    if (!a)
        return;
    forget_results(a);
    for (uint32_t i = 0; i < a->n_loaded; i++)
        profile_free(&a->loaded[i].profile);
    base_free(a->loaded);
    regex_free(a->focus);
    regex_free(a->ignore);
    base_free(a->focus_text);
    base_free(a->ignore_text);
    base_free(a->program);
    base_free(a->clash);
    settings_free(&a->settings);
    notes_free(&a->notes);
    strings_free(a->strings);
    arena_free(a->arena);
    base_free(a);
}

const struct options *analysis_options(const struct analysis *a)
{
    return &a->options;
}

struct settings *analysis_settings(struct analysis *a)
{
    return &a->settings;
}

struct notes *analysis_notes(struct analysis *a)
{
    return &a->notes;
}

void analysis_watch(struct analysis *a, struct progress progress)
{
    a->progress = progress;
}

uint32_t analysis_count(const struct analysis *a)
{
    return a->n_loaded;
}

const char *analysis_program(const struct analysis *a)
{
    return a->program;
}

const char *analysis_clash(const struct analysis *a)
{
    return a->clash;
}

static void set_clash(struct analysis *a, const char *name)
{
    base_free(a->clash);
    a->clash = copy_text(name);
}

/* ---- filters ------------------------------------------------------------------------------------
 */

static bool compile(const char *option, const char *text, struct regex **regex, char **made_of,
                    struct error *err)
{
    if (same_text(text, *made_of))
        return true;
    struct regex *compiled = NULL;
    if (text && *text) { /* an empty expression is none */
        compiled = regex_new(option, span_of(text), err);
        if (!compiled)
            return false;
    }
    regex_free(*regex);
    base_free(*made_of);
    *regex = compiled;
    *made_of = copy_text(text);
    return true;
}

bool analysis_filters(struct analysis *a, struct error *err)
{
    return compile("--focus", a->settings.focus, &a->focus, &a->focus_text, err) &&
           compile("--ignore", a->settings.ignore, &a->ignore, &a->ignore_text, err);
}

/* ---- loading ------------------------------------------------------------------------------------
 */

static bool load_program(struct analysis *a, const char *path, struct error *err)
{
    if (a->program)
        return error_set(err, ERROR_USAGE, "%s: the program is %s already", path, a->program);
    if (a->is_ready)
        return error_set(err, ERROR_USAGE, "%s: the program comes before the first report", path);
    a->program = copy_text(path);
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
        .limits = a->limits,
        .name = name,
        .file = file,
        .notes = &a->notes,
    };
    struct profile profile = {0};
    if (!reader_read(file->bytes, forced, &job, &profile, err))
        return false;
    forget_results(a);
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

static bool load_file(struct analysis *a, struct file *file, const char *name, enum load_as as,
                      struct error *err)
{
    if (as == LOAD_PROGRAM)
        return load_program(a, name, err);
    if (!file_unpack(file, a->limits.max_bytes, &a->notes, err))
        return false;
    if (as == LOAD_FIRST && !is_profile(a, file->bytes))
        return load_program(a, name, err);
    return load_profile(a, file, name, as, err);
}

/* ":" and a number, which ends the name or is followed by "/". */
static bool has_port(struct span name)
{
    const size_t colon = span_find(name, ':');
    struct span rest = colon == SIZE_MAX ? span_make("", 0) : span_skip(name, colon + 1);
    uint64_t port;
    return colon > 0 && span_take_u64(&rest, &port) && (rest.n == 0 || rest.p[0] == '/');
}

/* "NAME@N" and "NAME@N/PATH": N servers of a numbered family. */
static bool has_count(struct span name)
{
    const size_t at = span_find(name, '@');
    struct span rest = at == SIZE_MAX ? span_make("", 0) : span_skip(name, at + 1);
    uint64_t count;
    return at > 0 && span_take_u64(&rest, &count) && (rest.n == 0 || rest.p[0] == '/');
}

/* Names that are spelled as servers are, for a message that says what is the matter. */
static bool is_remote(const char *path)
{
    static const char *const services[] = {
        "/pprof/heap", "/pprof/profile",         "/pprof/growth",        "/pprof/contention",
        "/pprof/wall", "/pprof/filteredprofile", "/pprof/censusprofile", "/pprof/pmuprofile",
    };
    const struct span name = span_of(path);
    const size_t scheme = span_find_text(name, "://");
    if ((scheme != SIZE_MAX && scheme > 0 && span_find(name, '/') == scheme + 1) ||
        has_port(name) || has_count(name))
        return true;
    const struct span without_query = span_first(name, span_find(name, '?'));
    for (size_t i = 0; i < COUNT_OF(services); i++) {
        if (span_ends(without_query, services[i]))
            return true;
    }
    return false;
}

bool analysis_load(struct analysis *a, const char *path, enum load_as as, struct error *err)
{
    set_clash(a, NULL);
    struct file file CLEANUP(file_close) = {0};
    if (!file_open(&file, path, a->limits.max_bytes, err)) {
        if (!file_is_regular(path) && strcmp(path, "-") != 0 && is_remote(path) &&
            !file_exists(path))
            return error_set(err, ERROR_MISSING,
                             "%s: reading profiles from servers is not built in", path);
        return false;
    }
    if (as != LOAD_BASE && strcmp(path, "-") != 0)
        notes_add(&a->notes, "Using local file %s.", path);
    return load_file(a, &file, path, as, err);
}

bool analysis_load_bytes(struct analysis *a, struct span bytes, const char *name, enum load_as as,
                         struct error *err)
{
    set_clash(a, NULL);
    /* Not a file of base's own making: there is nothing to unmap until it unpacks something. */
    struct file file CLEANUP(file_close) = {.bytes = bytes.p ? bytes : span_make("", 0),
                                            .name = copy_text(name)};
    return load_file(a, &file, name, as, err);
}

/* ---- merging and symbolizing --------------------------------------------------------------------
 */

static void drop_loaded(struct analysis *a, uint32_t i)
{
    forget_results(a);
    profile_free(&a->loaded[i].profile);
    memmove(a->loaded + i, a->loaded + i + 1, (a->n_loaded - i - 1) * sizeof *a->loaded);
    a->n_loaded--;
}

/* Brings the profile of --base in line with the setting. */
static bool load_base(struct analysis *a, struct error *err)
{
    if (a->is_ready && same_text(a->settings.base, a->made_with.base))
        return true;
    for (uint32_t i = a->n_loaded; i-- > 0;) {
        if (a->loaded[i].is_of_setting)
            drop_loaded(a, i);
    }
    if (!a->settings.base || !*a->settings.base)
        return true;
    if (!analysis_load(a, a->settings.base, LOAD_BASE, err))
        return false;
    a->loaded[a->n_loaded - 1].is_of_setting = true;
    return true;
}

/* The path of the program: as named, else what the first profile's own maps say, if that is a file.
 */
static const char *find_path(const struct analysis *a)
{
    if (a->program)
        return a->program;
    const struct profile *first = &a->loaded[0].profile;
    const map_ix map = first->is_symbolized ? MAP_NONE : profile_guess_program(first);
    if (map == MAP_NONE)
        return NULL;
    const char *path = strings_text(a->strings, first->maps[map].path);
    return file_exists(path) ? path : NULL;
}

/* Marks the program in the maps of each profile that was loaded since the last time. */
static void mark_program(struct analysis *a, const char *path)
{
    uint8_t id[64];
    size_t n_id = 0;
    struct object *object = NULL;
    const struct object_options options = {.threads = 1};
    if (!object_read_build_id(path, id, sizeof id, &n_id))
        n_id = 0;
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

/* Added profiles in the order they were loaded, then the subtracted ones. */
static bool merge(struct analysis *a, struct error *err)
{
    if (a->n_loaded == 1) {
        a->profile = &a->loaded[0].profile;
        return true;
    }
    const struct profile **in = base_alloc(a->n_loaded, sizeof *in);
    int *sign = base_alloc(a->n_loaded, sizeof *sign);
    uint32_t n = 0;
    for (int wanted = 1; wanted >= -1; wanted -= 2) {
        for (uint32_t i = 0; i < a->n_loaded; i++) {
            if (a->loaded[i].sign == wanted) {
                in[n] = &a->loaded[i].profile;
                sign[n++] = wanted;
            }
        }
    }
    progress_step(&a->progress, "adding up profiles", 0);
    const bool is_merged = profile_merge(in, sign, n, a->settings.drop_negative, &a->merged, err);
    base_free(in);
    base_free(sign);
    a->profile = is_merged ? &a->merged : NULL;
    return is_merged;
}

/* "a,b/" as a NULL-terminated list of "a", "b"; NULL where it is empty. */
static const char *const *split_prefixes(struct arena *arena, const char *list)
{
    if (!list || !*list)
        return NULL;
    struct span rest = span_of(list);
    size_t n = 1;
    for (size_t i = 0; i < rest.n; i++)
        n += rest.p[i] == ',';
    const char **prefixes = arena_alloc(arena, n + 1, sizeof *prefixes);
    for (size_t i = 0; i < n; i++) {
        const size_t comma = span_find(rest, ',');
        struct span prefix = span_first(rest, comma);
        while (prefix.n && prefix.p[prefix.n - 1] == '/')
            prefix.n--;
        prefixes[i] = arena_text(arena, prefix);
        rest = comma == SIZE_MAX ? span_make("", 0) : span_skip(rest, comma + 1);
    }
    return prefixes;
}

static bool is_up_to_date(const struct analysis *a)
{
    const struct settings *now = &a->settings;
    const struct made_with *then = &a->made_with;
    return a->is_ready && now->drop_negative == then->drop_negative &&
           now->no_strip_temp == then->no_strip_temp && same_text(now->base, then->base) &&
           same_text(now->add_lib, then->add_lib) && same_text(now->lib_prefix, then->lib_prefix);
}

static void note_made_with(struct analysis *a)
{
    a->made_with = (struct made_with){
        .drop_negative = a->settings.drop_negative,
        .no_strip_temp = a->settings.no_strip_temp,
        .base = copy_text(a->settings.base),
        .add_lib = copy_text(a->settings.add_lib),
        .lib_prefix = copy_text(a->settings.lib_prefix),
    };
}

static bool name_addresses(struct analysis *a, const char *program, struct error *err)
{
    struct arena *arena = arena_new();
    const struct settings *s = &a->settings;
    const struct symbolize_options options = {
        .program = program,
        .prefixes = split_prefixes(arena, s->lib_prefix),
        .add_lib = s->add_lib && *s->add_lib ? s->add_lib : NULL,
        .keep_templates = s->no_strip_temp,
        .threads = (unsigned)s->threads,
        .object = {.threads = (unsigned)s->threads},
    };
    a->objects = object_set_new();
    const bool is_named =
        symbolize(a->profile, &options, &a->progress, a->objects, &a->symbols, &a->notes, err);
    arena_free(arena);
    return is_named;
}

static bool prepare(struct analysis *a, struct error *err)
{
    if (is_up_to_date(a))
        return true;
    if (!load_base(a, err))
        return false;
    forget_results(a);
    uint32_t n_added = 0;
    for (uint32_t i = 0; i < a->n_loaded; i++)
        n_added += a->loaded[i].sign > 0;
    if (n_added == 0)
        return error_set(err, ERROR_USAGE, "Did not specify profile file");

    const char *program = find_path(a);
    if (program)
        mark_program(a, program);
    if (!merge(a, err))
        return false;
    if (!name_addresses(a, program, err)) {
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
    note_made_with(a);
    a->is_ready = true;
    return true;
}

/* ---- reports ------------------------------------------------------------------------------------
 */

/* The column that the options ask for, if the profile has it; the order decides where several do.
 */
static const char *choose_column(const struct analysis *a)
{
    const struct settings *s = &a->settings;
    const struct {
        bool is_asked;
        const char *column;
    } wishes[] = {
        {s->inuse_space, "inuse_space"}, {s->inuse_objects, "inuse_objects"},
        {s->alloc_space, "alloc_space"}, {s->alloc_objects, "alloc_objects"},
        {s->total_delay, "delay"},       {s->contentions, "contentions"},
        {s->mean_delay, "mean_delay"},
    };
    for (size_t i = 0; i < COUNT_OF(wishes); i++) {
        if (!wishes[i].is_asked)
            continue;
        for (uint32_t c = 0; c < a->profile->n_columns; c++) {
            if (strcmp(strings_text(a->strings, a->profile->columns[c].name), wishes[i].column) ==
                0)
                return wishes[i].column;
        }
    }
    return NULL;
}

bool analysis_report(struct analysis *a, const struct emitter *emitter, struct out *out,
                     struct error *err)
{
    if (!settings_check(&a->settings, err) || !analysis_filters(a, err))
        return false;
    if (!emitter)
        emitter = settings_emitter(&a->settings);
    if (!emitter)
        return error_set(err, ERROR_MISSING, "no output was chosen");
    if (!prepare(a, err))
        return false;

    const struct settings *s = &a->settings;
    struct arena *arena = arena_new();
    const struct view_options view_options = {
        .column = choose_column(a),
        .show_bytes = s->show_bytes,
        .keep_signal_frames = s->no_auto_signal_frm,
        .focus = a->focus,
        .ignore = a->ignore,
    };
    struct report_options options = {
        .show_addresses = s->show_addresses,
        .cum = s->cum,
        .stacks = s->stacks,
        .debug = s->debug,
        .heapcheck = s->heapcheck,
        .trim = {.max_nodes = s->nodecount,
                 .node_fraction = s->nodefraction,
                 .edge_fraction = s->edgefraction,
                 .max_degree = s->maxdegree},
        .date = s->date,
        .program = a->shown_program,
        .expression = emitter->arg ? s->expression : NULL,
    };
    options.granularity = settings_grain(s, emitter, &options.is_granularity_set);

    struct view view;
    progress_step(&a->progress, "choosing stacks", 0);
    bool is_written =
        view_make(a->profile, &a->symbols, &view_options, arena, &a->notes, &view, err);
    progress_step(&a->progress, NULL, 1);
    if (is_written) {
        const struct report report = {
            .view = &view,
            .options = &options,
            .objects = a->objects,
            .notes = &a->notes,
            .arena = arena,
        };
        is_written = emitter->emit(&report, out, err);
    }
    arena_free(arena);
    return is_written;
}
