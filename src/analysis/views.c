/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From settings to a view: which column, which filters, whose samples, shares of what. The
 * invariant: a filter is one row here, and whoever compiles, frees or names filters walks the rows.
 */
#include "analysis/internal.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct filter *analysis_filter(struct analysis *a, const struct settings *s, uint32_t i,
                               const char **option, const char **text)
{
    const struct {
        struct filter *filter;
        const char *option, *text;
    } rows[] = {
        /* clang-format off */
        {&a->focus,       "--focus",      s->focus},
        {&a->ignore,      "--ignore",     s->ignore},
        {&a->then_focus,  "focus",        s->then_focus},
        {&a->then_ignore, "ignore",       s->then_ignore},
        {&a->hide,        "--hide",       s->hide},
        {&a->show,        "--show",       s->show},
        {&a->show_from,   "--show_from",  s->show_from},
        {&a->prune_from,  "--prune_from", s->prune_from},
        {&a->retain,      "--retain",     s->retain},
        {&a->exclude,     "--exclude",    s->exclude},
        /* clang-format on */
    };
    if (i >= COUNT_OF(rows))
        return NULL;
    *option = rows[i].option;
    *text = rows[i].text;
    return rows[i].filter;
}

/* ---- columns ------------------------------------------------------------------------------------
 */

static bool has_column(const struct analysis *a, const char *name)
{
    for (uint32_t c = 0; c < a->profile->n_columns; c++) {
        if (strcmp(strings_text(a->strings, a->profile->columns[c].name), name) == 0)
            return true;
    }
    return false;
}

/* The column that the options ask for, if the profile has it; the order decides where several do.
 * Some writers count what is in use and do not say so. */
static const char *choose_column(const struct analysis *a, const struct settings *s)
{
    const struct {
        bool is_asked;
        const char *column, *other;
    } wishes[] = {
        {s->inuse_space, "inuse_space", "space"}, {s->inuse_objects, "inuse_objects", "objects"},
        {s->alloc_space, "alloc_space", NULL},    {s->alloc_objects, "alloc_objects", NULL},
        {s->total_delay, "delay", NULL},          {s->contentions, "contentions", NULL},
        {s->mean_delay, "mean_delay", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(wishes); i++) {
        if (wishes[i].is_asked && has_column(a, wishes[i].column))
            return wishes[i].column;
        if (wishes[i].is_asked && wishes[i].other && has_column(a, wishes[i].other))
            return wishes[i].other;
    }
    return NULL;
}

double column_sum(const struct profile *profile, str_id column, str_id label, bool absolute)
{
    double sum = 0;
    for (column_ix c = 0; c < profile->n_columns; c++) {
        if (profile->columns[c].name != column)
            continue;
        const double *values = profile_values(profile, c);
        for (uint32_t i = 0; i < profile->n_samples; i++) {
            if (profile->sample_label[i] == label)
                sum += absolute ? fabs(values[i]) : values[i];
        }
    }
    return sum;
}

static double sum_loaded(const struct analysis *a, int sign, str_id column, str_id label,
                         bool absolute)
{
    double sum = 0;
    for (uint32_t i = 0; i < a->n_loaded; i++) {
        if (a->loaded[i].sign == sign)
            sum += column_sum(&a->loaded[i].profile, column, label, absolute);
    }
    return sum;
}

double analysis_base_factor(const struct analysis *a, const struct settings *s, str_id column)
{
    if (!s->normalize)
        return 1;
    const double base = sum_loaded(a, -1, column, 0, false);
    return base != 0 ? sum_loaded(a, 1, column, 0, false) / base : 1;
}

/* Whether every loaded profile has that column by its name, or there is only one profile. */
static bool is_in_all(const struct analysis *a, str_id column)
{
    for (uint32_t i = 0; i < a->n_loaded && a->n_loaded > 1; i++) {
        const struct profile *profile = &a->loaded[i].profile;
        column_ix c = 0;
        while (c < profile->n_columns && profile->columns[c].name != column)
            c++;
        if (c == profile->n_columns)
            return false;
    }
    return true;
}

bool merge_adds_up(const struct analysis *a, const struct settings *s, const struct view *view,
                   struct error *err)
{
    if (view->column >= a->profile->n_columns || s->drop_negative || s->normalize)
        return true;
    const str_id column = a->profile->columns[view->column].name;
    if (!is_in_all(a, column))
        return true;
    const double wanted = sum_loaded(a, 1, column, view->label, false) -
                          sum_loaded(a, -1, column, view->label, false);
    const double got = column_sum(a->profile, column, view->label, false);
    const double magnitude =
        sum_loaded(a, 1, column, view->label, true) + sum_loaded(a, -1, column, view->label, true);
    if (!(magnitude <= DBL_MAX) || fabs(wanted - got) <= 1e-9 * magnitude)
        return true;
    char text[UNITS_TEXT], text2[UNITS_TEXT];
    return error_set(err, ERROR_FORMAT, "profiles do not add up: %s together, but %s one by one",
                     units_general(text, got), units_general(text2, wanted));
}

/* ---- threads ------------------------------------------------------------------------------------
 */

struct thread {
    uint64_t number;
    str_id label;
};

static int compare_threads(const void *a, const void *b)
{
    const struct thread *x = a, *y = b;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return (x->label > y->label) - (x->label < y->label);
}

bool analysis_threads(const struct analysis *a, const struct settings *s, struct arena *arena,
                      struct thread_list *threads, struct error *err)
{
    const struct profile *profile = a->profile;
    const struct span asked = span_of(s->thread ? s->thread : "");
    const bool wants_all = span_is(asked, "*");
    uint64_t wanted = 0;
    if (asked.n == 0) {
        *threads = (struct thread_list){.labels = arena_alloc(arena, 1, sizeof(char *)), .n = 1};
        return true;
    }
    if (!wants_all && !span_u64(asked, &wanted))
        return error_set(err, ERROR_USAGE, "--thread=%s: neither a number nor *", s->thread);

    struct thread *found = NULL;
    struct idmap known = {0};
    uint32_t n = 0, cap = 0;
    for (uint32_t i = 0; i < profile->n_samples; i++) {
        struct thread thread = {.label = profile->sample_label[i]};
        struct span rest = strings_span(profile->strings, thread.label);
        bool is_new;
        (void)idmap_add(&known, thread.label, 0, &is_new);
        if (!is_new || !span_take(&rest, "t") || !span_u64(rest, &thread.number) ||
            !(wants_all || thread.number == wanted))
            continue;
        found = base_grow(found, &cap, (size_t)n + 1, sizeof *found);
        found[n++] = thread;
    }
    if (n)
        qsort(found, n, sizeof *found, compare_threads);
    const char **labels = arena_alloc(arena, n, sizeof *labels);
    for (uint32_t i = 0; i < n; i++)
        labels[i] = strings_text(profile->strings, found[i].label);
    idmap_free(&known);
    base_free(found);
    if (n == 0)
        return error_set(err, ERROR_USAGE, "--thread=%s: the profile has no samples of it",
                         s->thread);
    *threads = (struct thread_list){.labels = labels, .n = n};
    return true;
}

/* ---- the view -----------------------------------------------------------------------------------
 */

/* What of the base there was in the column that is shown. */
static double base_total(const struct analysis *a, const struct settings *s,
                         const struct view *view)
{
    if (!s->diff_base || !*s->diff_base || view->column >= view->profile->n_columns)
        return 0;
    const str_id column = view->profile->columns[view->column].name;
    return sum_loaded(a, -1, column, view->label, true) * fabs(analysis_base_factor(a, s, column));
}

/* Everything in the settings that a view depends on. */
static char *view_key(struct analysis *a, const struct settings *s,
                      const struct view_options *options)
{
    struct buf key = BUF_MAX((size_t)1 << 24);
    const char *const texts[] = {options->column, options->sample_index, options->unit,
                                 options->label, s->diff_base};
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        key_add(&key, texts[i]);
    const char *option, *text;
    for (uint32_t i = 0; analysis_filter(a, s, i, &option, &text); i++)
        key_add(&key, text && *text ? text : NULL);
    buf_printf(&key, "%d%d%d%d", options->show_bytes, options->keep_signal_frames,
               options->no_inlines, s->normalize);
    char *copy = base_copy(buf_c(&key));
    buf_free(&key);
    return copy;
}

static struct view_options choose(struct analysis *a, const struct settings *s, const char *thread)
{
    return (struct view_options){
        .column = choose_column(a, s),
        .sample_index = s->sample_index && *s->sample_index ? s->sample_index : NULL,
        .unit = s->unit && *s->unit ? s->unit : NULL,
        .show_bytes = s->show_bytes,
        .keep_signal_frames = s->no_auto_signal_frm,
        .focus = a->focus.regex,
        .ignore = a->ignore.regex,
        .label = thread,
        .then_focus = a->then_focus.regex,
        .then_ignore = a->then_ignore.regex,
        .retain = a->retain.regex,
        .exclude = a->exclude.regex,
        .hide = a->hide.regex,
        .show = a->show.regex,
        .show_from = a->show_from.regex,
        .prune_from = a->prune_from.regex,
        .no_inlines = s->noinlines,
    };
}

/* How many samples begin at a place without a name. */
static struct unnamed count_unnamed(const struct view *view)
{
    struct unnamed count = {0};
    for (uint32_t s = 0; s < view->n_stacks; s++) {
        const double value = fabs(view->stack_value[s]);
        uint32_t i = view->stack_at[s];
        while (i < view->stack_at[s + 1] && view_address_is_skipped(view, view->stack_addr[i]))
            i++;
        if (i == view->stack_at[s + 1])
            continue;
        count.whole += value;
        if (view->symbols->addr_state[view->stack_addr[i]] != ADDRESS_NAMED)
            count.part += value;
    }
    return count;
}

static bool make(struct analysis *a, const struct settings *s, const struct view_options *options,
                 struct arena *arena, struct view *view, struct error *err)
{
    progress_step(&a->progress, "choosing stacks", 0);
    const bool is_made = view_make(a->profile, &a->symbols, options, arena, &a->notes, view, err);
    progress_step(&a->progress, NULL, 1);
    if (is_made) {
        view->base_total = base_total(a, s, view);
        view->is_balanced = s->normalize && settings_base(s);
    }
    return is_made;
}

void analysis_drop_view(struct analysis *a)
{
    arena_free(a->kept.arena);
    base_free(a->kept.key);
    a->kept = (struct kept_view){0};
}

bool analysis_keep_view(struct analysis *a, struct error *err)
{
    const struct view_options options = choose(a, &a->settings, NULL);
    char *key = view_key(a, &a->settings, &options);
    if (text_same(key, a->kept.key)) {
        base_free(key);
        return true;
    }
    analysis_drop_view(a);
    a->kept = (struct kept_view){.arena = arena_new(), .key = key};
    if (!make(a, &a->settings, &options, a->kept.arena, &a->kept.view, err)) {
        analysis_drop_view(a);
        return false;
    }
    a->kept.unnamed = count_unnamed(&a->kept.view);
    return true;
}

static bool is_kept_view(struct analysis *a, const struct settings *s,
                         const struct view_options *options)
{
    if (!a->kept.arena)
        return false;
    char *key = view_key(a, s, options);
    const bool is_same = text_same(key, a->kept.key);
    base_free(key);
    return is_same;
}

bool analysis_view_is_kept(struct analysis *a, const struct settings *s)
{
    const struct view_options options = choose(a, s, NULL);
    return is_kept_view(a, s, &options);
}

bool analysis_view(struct analysis *a, const struct settings *s, const char *thread,
                   struct arena *arena, struct view *view, struct error *err)
{
    const struct view_options options = choose(a, s, thread);
    const bool is_kept = is_kept_view(a, s, &options);
    if (!is_kept && !make(a, s, &options, arena, view, err))
        return false;
    if (is_kept) {
        *view = a->kept.view;
        view->arena = arena; /* for what the report makes of it */
    }
    const struct unnamed count = is_kept ? a->kept.unnamed : count_unnamed(view);
    a->unnamed.whole += count.whole;
    a->unnamed.part += count.part;
    return true;
}
