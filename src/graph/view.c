/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From a profile to what the user asked to see of it: one column, its format, and the stacks that
 * pass the filters. The invariant: regular expressions run once a distinct name, place and address;
 * stacks only look at bits. */
#include "graph/internal.h"

#include <math.h>
#include <stdio.h>

static bool find_column(const struct profile *profile, struct span name, column_ix *column)
{
    for (column_ix c = 0; c < profile->n_columns; c++) {
        if (span_equal(strings_span(profile->strings, profile->columns[c].name), name)) {
            *column = c;
            return true;
        }
    }
    return false;
}

/* The samples of a CPU profile are one column; they also measure time. */
static bool measures_time(const struct profile *profile, column_ix column)
{
    return profile->kind == PROFILE_CPU && column < profile->n_columns && profile->period > 0 &&
           span_is(strings_span(profile->strings, profile->columns[column].name), "samples");
}

static bool refuse_index(const struct profile *profile, const char *index, struct error *err)
{
    char names[160];
    size_t n = 0;
    names[0] = '\0';
    for (column_ix c = 0; c < profile->n_columns && n < sizeof names; c++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", c ? ", " : "",
                              strings_text(profile->strings, profile->columns[c].name));
    if (measures_time(profile, 0) && n < sizeof names)
        (void)snprintf(names + n, sizeof names - n, ", cpu");
    return error_set(err, ERROR_USAGE, "the profile has no column '%s', but: %s", index, names);
}

/* google/pprof's ways to say a column: number, name, "inuse_space" of a profile that says "space".
 */
static bool choose_by_index(const struct profile *profile, const char *index, column_ix *column,
                            bool *wants_samples, struct error *err)
{
    const struct span text = span_of(index);
    struct span rest = text;
    uint64_t number = 0;
    *wants_samples = false;
    if (measures_time(profile, 0) && (span_is(text, "cpu") || span_is(text, "1"))) {
        *column = 0;
        return true;
    }
    const bool is_number = span_u64(text, &number);
    if (is_number && number < profile->n_columns)
        *column = (column_ix)number;
    else if (is_number || !(find_column(profile, text, column) ||
                            (span_take(&rest, "inuse_") && find_column(profile, rest, column))))
        return refuse_index(profile, index, err);
    *wants_samples = true;
    return true;
}

static bool choose_column(const struct profile *profile, const struct view_options *options,
                          column_ix *column, bool *wants_samples, struct error *err)
{
    *wants_samples = false;
    if (options->sample_index)
        return choose_by_index(profile, options->sample_index, column, wants_samples, err);
    *column = profile->default_column;
    if (!options->column || find_column(profile, span_of(options->column), column))
        return true;
    return error_set(err, ERROR_USAGE, "the profile has no column '%s'", options->column);
}

/* A unit that only says that things were counted is worth less than the name of what was counted.
 */
static const char *unit_of(const struct profile *profile, column_ix column)
{
    if (column >= profile->n_columns)
        return "samples";
    const struct column *c = &profile->columns[column];
    const char *unit = strings_text(profile->strings, c->unit);
    const char *name = strings_text(profile->strings, c->name);
    if (*unit && (strcmp(unit, "count") != 0 || !*name))
        return unit;
    return *name ? name : "samples";
}

static struct value_format choose_format(const struct profile *profile, column_ix column,
                                         bool show_bytes)
{
    const struct span name = column < profile->n_columns
                                 ? strings_span(profile->strings, profile->columns[column].name)
                                 : (struct span){0};
    struct value_format format = {.scale = 1, .unit = "samples"};
    switch (profile->kind) {
    case PROFILE_HEAP:
    case PROFILE_GROWTH:
        if (span_ends(name, "_objects")) {
            format.unit = "objects";
        } else if (show_bytes) {
            format.unit = "B";
        } else {
            format = (struct value_format){.scale = 1048576, .digits = 1, .unit = "MB"};
        }
        break;
    case PROFILE_CONTENTION:
        if (!span_is(name, "contentions"))
            format = (struct value_format){.scale = 1e9, .digits = 3, .unit = "seconds"};
        break;
    case PROFILE_OTHER:
        format.unit = unit_of(profile, column);
        break;
    case PROFILE_CPU:
    case PROFILE_ADDRESSES:
        break;
    }
    return format;
}

static struct measure choose_measure(const struct profile *profile, column_ix column,
                                     bool wants_samples)
{
    if (!wants_samples && measures_time(profile, column))
        return (struct measure){
            .type = "cpu", .unit = "nanoseconds", .factor = (double)profile->period * 1000};
    if (column >= profile->n_columns)
        return (struct measure){.type = "samples", .unit = "count", .factor = 1};
    const struct column *c = &profile->columns[column];
    return (struct measure){.type = strings_text(profile->strings, c->name),
                            .unit = strings_text(profile->strings, c->unit),
                            .factor = 1};
}

/* The same for the unit that was asked for, of the same kind; counts have no other. */
static void use_unit(struct view *view, const char *unit)
{
    const struct measure *measure = &view->measure;
    const char *shown;
    if (scale_is_auto(unit))
        (void)scale_value(view->magnitude * measure->factor, measure->unit, "auto", &unit);
    const double one = scale_value(1, measure->unit, unit, &shown);
    if (!scale_is_known(measure->unit) || one == 0)
        return;
    view->format = (struct value_format){
        .scale = 1 / (one * measure->factor),
        .digits = strcmp(shown, "B") == 0 || strcmp(shown, "ns") == 0 ? 0 : 2,
        .unit = shown,
    };
}

const char *view_value_text(const struct view *view, double value, char text[UNITS_TEXT])
{
    if (view->format.digits == 0)
        return units_whole(text, value / view->format.scale);
    return units_fixed(text, value / view->format.scale, view->format.digits);
}

/* What there is instead of a frame. */
static void make_stand_ins(struct view *view)
{
    const str_id unknown = strings_add_text(view->profile->strings, "??");
    struct frame *frames = arena_alloc(view->arena, 2, sizeof *frames);
    frames[0] = (struct frame){.name = unknown, .full = unknown, .file = unknown};
    frames[1] = (struct frame){.line = LINE_NONE};
    view->blank = &frames[0];
    view->missing = &frames[1];
}

/* ---- focus and ignore ---------------------------------------------------------------------------
 */

/* Sets in `hits` the bit of each address that matches: by its digits, or by the name or place of
 * any of its frames. */
static void match_addresses(const struct view *view, const struct regex *regex, uint8_t *hits,
                            uint8_t bit)
{
    const struct profile *profile = view->profile;
    const struct symbols *symbols = view->symbols;
    const uint32_t n_frames = symbols ? symbols->n_frames : 0;
    uint8_t *frame_result = base_alloc(n_frames, 1);
    struct idmap name_ids = {0}; /* name to whether it matches */
    struct buf scratch = BUF_MAX((size_t)1 << 20);

    for (frame_ix f = 0; f < n_frames; f++) {
        const struct frame *frame = &symbols->frames[f];
        uint32_t is_hit;
        if (!idmap_find(&name_ids, frame->name, &is_hit)) {
            is_hit = regex_matches(regex, strings_span(profile->strings, frame->name));
            (void)idmap_add(&name_ids, frame->name, is_hit, NULL);
        }
        frame_result[f] =
            is_hit || regex_matches(regex, span_of(view_place_text(view, frame, &scratch)));
    }
    const bool blank_hit =
        regex_matches(regex, span_of("??")) || regex_matches(regex, span_of("??:0"));
    const bool missing_hit = regex_matches(regex, span_of(""));

    for (addr_ix a = 0; a < profile->n_addrs; a++) {
        char text[20];
        bool is_hit = regex_matches(regex, span_of(profile_address_text(profile, a, text)));
        const uint32_t n = view_n_frames(view, a);
        for (uint32_t i = 0; i < n && !is_hit; i++) {
            const struct frame *frame = view_frame(view, a, i);
            is_hit = frame == view->blank     ? blank_hit
                     : frame == view->missing ? missing_hit
                                              : frame_result[frame - symbols->frames];
        }
        if (is_hit)
            hits[a] |= bit;
    }
    buf_free(&scratch);
    idmap_free(&name_ids);
    base_free(frame_result);
}

void follow_stacks(struct view *view, const uint32_t *new_of)
{
    const uint32_t n = view->profile->n_stacks;
    uint32_t *stack_of = arena_alloc(view->arena, n, sizeof *stack_of);
    for (stack_ix s = 0; s < n; s++) {
        const uint32_t old = view->stack_of ? view->stack_of[s] : s;
        stack_of[s] = old == STACK_NONE ? STACK_NONE : new_of[old];
    }
    view->stack_of = stack_of;
}

/* Keeps the stacks that pass. */
static void filter_stacks(struct view *view, const struct regex *focus, const struct regex *ignore)
{
    enum { FOCUS = 1, IGNORE = 2 };
    if (!focus && !ignore)
        return;
    uint8_t *hits = base_alloc(view->profile->n_addrs, 1);
    if (focus)
        match_addresses(view, focus, hits, FOCUS);
    if (ignore)
        match_addresses(view, ignore, hits, IGNORE);

    const uint32_t n = view->n_stacks;
    uint32_t *at = arena_alloc(view->arena, (size_t)n + 1, sizeof *at);
    addr_ix *addrs = arena_alloc(view->arena, view->stack_at[n], sizeof *addrs);
    uint32_t *new_of = base_alloc(n, sizeof *new_of);
    uint32_t kept = 0, end = 0;
    for (uint32_t s = 0; s < n; s++) {
        const uint32_t begin = view->stack_at[s], depth = view->stack_at[s + 1] - begin;
        new_of[s] = STACK_NONE;
        uint8_t any = focus ? 0 : FOCUS;
        for (uint32_t i = 0; i < depth; i++)
            any |= hits[view->stack_addr[begin + i]];
        if (any != FOCUS)
            continue;
        if (depth)
            memcpy(addrs + end, view->stack_addr + begin, depth * sizeof *addrs);
        new_of[s] = kept;
        view->stack_value[kept++] = view->stack_value[s];
        end += depth;
        at[kept] = end;
    }
    view->stack_at = at;
    view->stack_addr = addrs;
    view->n_stacks = kept;
    follow_stacks(view, new_of);
    base_free(new_of);
    base_free(hits);
}

static double sum_values(const struct view *view)
{
    double sum = 0;
    for (uint32_t s = 0; s < view->n_stacks; s++)
        sum += view->stack_value[s];
    return sum;
}

/* ---- making -------------------------------------------------------------------------------------
 */

bool view_make(const struct profile *profile, const struct symbols *symbols,
               const struct view_options *options, struct arena *arena, struct notes *notes,
               struct view *out, struct error *err)
{
    column_ix column = 0;
    bool wants_samples;
    if (!choose_column(profile, options, &column, &wants_samples, err))
        return false;

    struct view view = {
        .profile = profile,
        .symbols = symbols,
        .format = choose_format(profile, column, options->show_bytes),
        .measure = choose_measure(profile, column, wants_samples),
        .column = column,
        .arena = arena,
    };
    if (options->label && !strings_find(profile->strings, span_of(options->label), &view.label))
        return error_set(err, ERROR_USAGE, "the profile has no samples of '%s'", options->label);
    make_stand_ins(&view);
    if (column < profile->n_columns) {
        const double *values = profile_values(profile, column);
        for (uint32_t i = 0; i < profile->n_samples; i++) {
            if (profile->sample_label[i] == view.label) {
                view.total += values[i];
                view.magnitude += fabs(values[i]);
            }
        }
    }
    if (options->unit)
        use_unit(&view, options->unit);
    prune_stacks(&view, options, notes);
    filter_stacks(&view, options->focus, options->ignore);
    filter_stacks(&view, options->then_focus, NULL);
    view.after_focus = sum_values(&view);
    filter_stacks(&view, NULL, options->then_ignore);
    view.after_ignore = sum_values(&view);
    filter_frames(&view, options);
    *out = view;
    return true;
}

const double *view_columns(const struct view *view)
{
    const struct profile *profile = view->profile;
    double *columns =
        arena_alloc(view->arena, (size_t)profile->n_columns * view->n_stacks, sizeof *columns);
    for (uint32_t i = 0; i < profile->n_samples; i++) {
        const stack_ix from = profile->sample_stack[i];
        const uint32_t to = view->stack_of ? view->stack_of[from] : from;
        if (to == STACK_NONE || profile->sample_label[i] != view->label)
            continue;
        for (column_ix c = 0; c < profile->n_columns; c++)
            columns[(size_t)c * view->n_stacks + to] +=
                profile->sample_value[(size_t)c * profile->n_samples + i];
    }
    return columns;
}

struct view_parts view_parts(const struct view *view)
{
    const struct parts *parts = &view->profile->parts;
    struct view_parts made = {
        .at = arena_alloc(view->arena, (size_t)view->n_stacks + 2, sizeof *made.at),
        .part = arena_alloc(view->arena, parts->n, sizeof *made.part),
    };
    const bool is_shown = view->label == 0;
    for (uint32_t i = 0; is_shown && i < parts->n; i++) {
        const uint32_t to = view->stack_of ? view->stack_of[parts->stack[i]] : parts->stack[i];
        if (to != STACK_NONE)
            made.at[to + 2]++;
    }
    for (uint32_t s = 0; s < view->n_stacks; s++)
        made.at[s + 2] += made.at[s + 1];
    for (uint32_t i = 0; is_shown && i < parts->n; i++) {
        const uint32_t to = view->stack_of ? view->stack_of[parts->stack[i]] : parts->stack[i];
        if (to != STACK_NONE)
            made.part[made.at[to + 1]++] = i;
    }
    return made;
}

uint8_t *view_nonzero(const struct view *view, const double *columns,
                      const struct view_parts *split)
{
    const struct profile *profile = view->profile;
    uint8_t *is_there = arena_alloc(view->arena, view->n_stacks, sizeof *is_there);
    for (uint32_t s = 0; s < view->n_stacks; s++) {
        for (column_ix c = 0; c < profile->n_columns; c++)
            is_there[s] |= columns[(size_t)c * view->n_stacks + s] != 0;
        for (size_t k = split->at[s]; k < split->at[s + 1]; k++) {
            for (column_ix c = 0; c < profile->n_columns; c++)
                is_there[s] |=
                    profile->parts.value[(size_t)split->part[k] * profile->n_columns + c] != 0;
        }
    }
    return is_there;
}
