/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One analysis: what it owns, what it is asked, and one report at a time from what load.c read and
 * prepare.c made of it. */
#include "analysis/internal.h"

#include <string.h>

/* ---- one analysis -------------------------------------------------------------------------------
 */

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

void analysis_free(struct analysis *a)
{
    if (!a)
        return;
    analysis_forget(a);
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

/* ---- filters ------------------------------------------------------------------------------------
 */

static bool compile(const char *option, const char *text, struct regex **regex, char **made_of,
                    struct error *err)
{
    if (text_same(text, *made_of))
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
    *made_of = text_copy(text);
    return true;
}

bool analysis_filters(struct analysis *a, struct error *err)
{
    return compile("--focus", a->settings.focus, &a->focus, &a->focus_text, err) &&
           compile("--ignore", a->settings.ignore, &a->ignore, &a->ignore_text, err);
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
    if (!analysis_prepare(a, err))
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
