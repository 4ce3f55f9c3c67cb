/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One analysis: what it owns, what it is asked, and one report at a time from what load.c read and
 * prepare.c made of it. */
#include "analysis/internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- one analysis -------------------------------------------------------------------------------
 */

struct analysis *analysis_new(void)
{
    return analysis_new_with(NULL, 0);
}

struct analysis *analysis_new_with(const struct option *more, uint32_t n_more)
{
    struct analysis *a = base_alloc(1, sizeof *a);
    a->arena = arena_new();
    a->options = options_with(a->arena, more, n_more);
    a->strings = strings_new();
    a->limits = limits_default();
    settings_init(&a->settings);
    return a;
}

static void free_filter(struct filter *filter)
{
    regex_free(filter->regex);
    base_free(filter->text);
}

void analysis_free(struct analysis *a)
{
    if (!a)
        return;
    analysis_forget(a);
    for (uint32_t i = 0; i < a->n_loaded; i++)
        profile_free(&a->loaded[i].profile);
    base_free(a->loaded);
    struct filter *const filters[] = {&a->focus, &a->ignore, &a->then_focus, &a->then_ignore};
    for (size_t i = 0; i < COUNT_OF(filters); i++)
        free_filter(filters[i]);
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

/* ---- filters ------------------------------------------------------------------------------------
 */

static bool compile(const char *option, const char *text, struct filter *filter, struct error *err)
{
    if (text_same(text, filter->text))
        return true;
    struct regex *compiled = NULL;
    if (text && *text) { /* an empty expression is none */
        compiled = regex_new(option, span_of(text), err);
        if (!compiled)
            return false;
    }
    regex_free(filter->regex);
    base_free(filter->text);
    *filter = (struct filter){.regex = compiled, .text = text_copy(text)};
    return true;
}

static bool compile_filters(struct analysis *a, const struct settings *s, struct error *err)
{
    return compile("--focus", s->focus, &a->focus, err) &&
           compile("--ignore", s->ignore, &a->ignore, err) &&
           compile("focus", s->then_focus, &a->then_focus, err) &&
           compile("ignore", s->then_ignore, &a->then_ignore, err);
}

bool analysis_filters(struct analysis *a, struct error *err)
{
    return compile_filters(a, &a->settings, err);
}

/* ---- reports ------------------------------------------------------------------------------------
 */

/* The column that the options ask for, if the profile has it; the order decides where several do.
 */
static const char *choose_column(const struct analysis *a, const struct settings *s)
{
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

static bool make_view(struct analysis *a, const struct settings *s, struct arena *arena,
                      struct view *view, struct error *err)
{
    const struct view_options options = {
        .column = choose_column(a, s),
        .show_bytes = s->show_bytes,
        .keep_signal_frames = s->no_auto_signal_frm,
        .focus = a->focus.regex,
        .ignore = a->ignore.regex,
        .then_focus = a->then_focus.regex,
        .then_ignore = a->then_ignore.regex,
    };
    progress_step(&a->progress, "choosing stacks", 0);
    const bool is_made = view_make(a->profile, &a->symbols, &options, arena, &a->notes, view, err);
    progress_step(&a->progress, NULL, 1);
    return is_made;
}

static struct report_options report_options_of(const struct analysis *a, const struct settings *s,
                                               const struct emitter *emitter, bool has_heading)
{
    struct report_options options = {
        .show_addresses = s->show_addresses,
        .cum = s->cum,
        .stacks = s->stacks,
        .debug = s->debug,
        .heapcheck = s->heapcheck,
        .has_heading = has_heading,
        .max_rows = s->max_rows,
        .then_focus = a->then_focus.regex ? s->then_focus : NULL,
        .then_ignore = a->then_ignore.regex ? s->then_ignore : NULL,
        .trim = {.max_nodes = s->nodecount,
                 .node_fraction = s->nodefraction,
                 .edge_fraction = s->edgefraction,
                 .max_degree = s->maxdegree},
        .date = s->date,
        .program = a->shown_program,
        .source_path = s->source_path,
        .trim_path = s->trim_path,
        .events = s->events,
        .expression = emitter->arg ? s->expression : NULL,
    };
    options.granularity = settings_grain(s, emitter, &options.is_granularity_set);
    return options;
}

bool analysis_report_as(struct analysis *a, const struct settings *s, const struct emitter *emitter,
                        struct out *heading, struct out *out, struct error *err)
{
    if (!settings_check(s, err) || !compile_filters(a, s, err))
        return false;
    if (!emitter)
        emitter = settings_emitter(s);
    if (!emitter)
        return error_set(err, ERROR_MISSING, "no output was chosen");
    if (!analysis_merge(a, s, err))
        return false;

    struct arena *arena = arena_new();
    struct view view;
    bool is_written = make_view(a, s, arena, &view, err);
    if (is_written) {
        const struct report_options options = report_options_of(a, s, emitter, heading != NULL);
        const struct report report = {
            .view = &view,
            .options = &options,
            .objects = a->objects,
            .notes = &a->notes,
            .arena = arena,
        };
        if (heading)
            report_heading(&report, heading);
        is_written = emitter->emit(&report, out, err);
    }
    arena_free(arena);
    return is_written;
}

bool analysis_report(struct analysis *a, const struct emitter *emitter, struct out *out,
                     struct error *err)
{
    return analysis_report_as(a, &a->settings, emitter, NULL, out, err);
}

bool analysis_prepare(struct analysis *a, struct error *err)
{
    if (!settings_check(&a->settings, err) || !analysis_filters(a, err) ||
        !analysis_merge(a, &a->settings, err))
        return false;
    struct arena *arena = arena_new();
    struct view view;
    const bool is_made = make_view(a, &a->settings, arena, &view, err);
    arena_free(arena);
    return is_made;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct name_list analysis_names(const struct analysis *a, struct arena *arena)
{
    struct name_list names = {0};
    if (!a->is_ready || a->symbols.n_frames == 0)
        return names;
    names.list = arena_alloc(arena, a->symbols.n_frames, sizeof *names.list);
    for (frame_ix f = 0; f < a->symbols.n_frames; f++)
        names.list[f] = strings_text(a->strings, a->symbols.frames[f].name);
    qsort(names.list, a->symbols.n_frames, sizeof *names.list, compare_names);
    for (frame_ix f = 0; f < a->symbols.n_frames; f++) {
        if (names.n == 0 || strcmp(names.list[names.n - 1], names.list[f]) != 0)
            names.list[names.n++] = names.list[f];
    }
    return names;
}
