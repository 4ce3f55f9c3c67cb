/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One analysis: what it owns, what it is asked, and one report at a time from what load.c read and
 * prepare.c made of it. */
#include "analysis/internal.h"

#include <math.h>
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
    const char *option, *text;
    struct filter *filter;
    for (uint32_t i = 0; (filter = analysis_filter(a, &a->settings, i, &option, &text)); i++)
        free_filter(filter);
    base_free(a->program);
    base_free(a->clash);
    base_free(a->servers.folder);
    texts_free(&a->servers.fetched);
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
    *filter = (struct filter){.regex = compiled, .text = base_copy(text)};
    return true;
}

static bool compile_filters(struct analysis *a, const struct settings *s, struct error *err)
{
    const char *option, *text;
    struct filter *filter;
    for (uint32_t i = 0; (filter = analysis_filter(a, s, i, &option, &text)); i++) {
        if (!compile(option, text, filter, err))
            return false;
    }
    return true;
}

bool analysis_filters(struct analysis *a, struct error *err)
{
    return compile_filters(a, &a->settings, err);
}

/* ---- reports ------------------------------------------------------------------------------------
 */

/* "hide=RE" for each filter that is on and leaves something out, for reports that tell. */
static const char *const *name_filters(struct analysis *a, const struct settings *s,
                                       struct arena *arena)
{
    const char *option, *text;
    struct filter *filter;
    uint32_t n = 0, count = 0;
    while (analysis_filter(a, s, count, &option, &text))
        count++;
    const char **names = arena_alloc(arena, (size_t)count + 1, sizeof *names);
    for (uint32_t i = 0; (filter = analysis_filter(a, s, i, &option, &text)); i++) {
        if (filter->regex && filter != &a->prune_from)
            names[n++] = arena_printf(arena, "%s=%s", option + strspn(option, "-"), text);
    }
    return names;
}

static struct report_options report_options_of(struct analysis *a, const struct settings *s,
                                               const struct emitter *emitter, struct arena *arena)
{
    struct report_options options = {
        .show_addresses = s->show_addresses,
        .naming = settings_naming(s),
        .cum = s->cum,
        .stacks = s->stacks,
        .debug = s->debug,
        .heapcheck = s->heapcheck,
        .json = s->json,
        .can_ask = !s->debuginfod && places_has_servers(),
        .unit = s->unit && *s->unit ? s->unit : NULL,
        .filters = name_filters(a, s, arena),
        .max_rows = s->max_rows,
        .then_focus = a->then_focus.regex ? s->then_focus : NULL,
        .then_ignore = a->then_ignore.regex ? s->then_ignore : NULL,
        .trim = {.max_nodes = s->nodecount,
                 .node_fraction = s->nodefraction,
                 .edge_fraction = s->edgefraction,
                 .max_degree = s->maxdegree,
                 .keep_all = !s->trim,
                 .has_max_nodes = s->has_nodecount},
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

double analysis_unnamed(const struct analysis *a)
{
    return a->unnamed.whole > 0 ? a->unnamed.part / a->unnamed.whole : 0;
}

bool analysis_is_ill(const struct analysis *a)
{
    return a->is_ill;
}

static bool write_report(struct analysis *a, const struct settings *s,
                         const struct emitter *emitter, const char *thread, struct out *heading,
                         struct out *out, struct error *err)
{
    struct arena *arena = arena_new();
    struct view view;
    struct tally tally = {0};
    const bool checks = s->selfcheck || s->checks_quietly;
    bool is_written = analysis_view(a, s, thread, arena, &view, err);
    if (is_written) {
        struct report_options options = report_options_of(a, s, emitter, arena);
        options.has_heading = heading != NULL;
        options.thread = thread;
        const struct report report = {
            .view = &view,
            .options = &options,
            .objects = a->objects,
            .notes = &a->notes,
            .arena = arena,
            .is_ill = &a->is_ill,
            .tally = checks ? &tally : NULL,
        };
        if (heading)
            report_heading(&report, heading);
        is_written = emitter->emit(&report, out, err);
        if (is_written && checks && !out_failed(out))
            is_written = merge_adds_up(a, s, &view, err) &&
                         tally_check(&tally, &view, emitter, s->selfcheck ? &a->notes : NULL, err);
    }
    arena_free(arena);
    return is_written;
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

    a->unnamed = (struct unnamed){0};
    a->is_ill = false;
    struct arena *arena = arena_new();
    struct thread_list threads;
    bool is_written = analysis_threads(a, s, arena, &threads, err);
    if (is_written && threads.n > 1 && emitter->is_single)
        is_written =
            error_set(err, ERROR_USAGE, "--%s holds one report: name one thread", emitter->name);
    for (uint32_t i = 0; is_written && i < threads.n; i++)
        is_written = write_report(a, s, emitter, threads.labels[i], heading, out, err);
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
        !analysis_merge(a, &a->settings, err) || !analysis_keep_view(a, err))
        return false;
    a->unnamed = a->kept.unnamed;
    return true;
}

void analysis_prepare_for(struct analysis *a, const struct settings *s,
                          const struct emitter *emitter)
{
    if (!emitter->fold || !analysis_view_is_kept(a, s))
        return;
    struct arena *arena = arena_new();
    const struct report_options options = report_options_of(a, s, emitter, arena);
    const struct fold_options fold = emitter->fold(&options);
    graph_keep(&a->kept.view, &fold);
    arena_free(arena);
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
