/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The books of a report: what its rows show, what options cut off, what filters left out and what
 * has no row must be all there was. Outputs add each value where they write it, filters are found
 * from where the profile's stacks went: neither side is computed from the other. */
#include "report/internal.h"

#include <float.h>
#include <math.h>

void tally_add(const struct report *report, enum tally_part part, column_ix column, double value)
{
    struct tally *tally = report->tally;
    if (!tally || column >= COLUMNS_MAX)
        return;
    tally->columns |= 1U << column;
    tally->sums[part][column] += value;
}

void tally_row(const struct report *report, double value)
{
    tally_add(report, TALLY_ROWS, report->view->column, value);
}

void tally_trimmed(const struct report *report, double value)
{
    tally_add(report, TALLY_TRIMMED, report->view->column, value);
}

static bool has_entry(const struct view *view, uint32_t s, bool with_skipped)
{
    for (uint32_t i = view->stack_at[s]; i < view->stack_at[s + 1]; i++) {
        if (with_skipped || !view_address_is_skipped(view, view->stack_addr[i]))
            return true;
    }
    return false;
}

void tally_unattributed(const struct report *report, bool with_skipped)
{
    const struct view *view = report->view;
    for (uint32_t s = 0; report->tally && s < view->n_stacks; s++) {
        if (!has_entry(view, s, with_skipped))
            tally_add(report, TALLY_UNATTRIBUTED, view->column, view->stack_value[s]);
    }
}

/* ---- the check ----------------------------------------------------------------------------------
 */

/* Sums are made in another order than those they are held against. */
static const double rounding = 1e-9;

/* Of numbers beyond all bounds nothing can be said. */
static bool is_same(double a, double b, double magnitude)
{
    return !(magnitude <= DBL_MAX) || fabs(a - b) <= rounding * magnitude;
}

struct sums {
    double total, filtered, magnitude;
};

static struct sums sum_column(const struct view *view, column_ix column)
{
    const struct profile *profile = view->profile;
    const double *values = profile_values(profile, column);
    struct sums sums = {0};
    for (uint32_t i = 0; i < profile->n_samples; i++) {
        if (profile->sample_label[i] != view->label)
            continue;
        sums.total += values[i];
        sums.magnitude += fabs(values[i]);
        if (view->stack_of && view->stack_of[profile->sample_stack[i]] == STACK_NONE)
            sums.filtered += values[i];
    }
    return sums;
}

/* The view by itself: what is in its stacks and what is in none. */
static bool view_adds_up(const struct view *view, struct error *err)
{
    if (view->column >= view->profile->n_columns)
        return true;
    const struct sums sums = sum_column(view, view->column);
    double shown = 0;
    for (uint32_t s = 0; s < view->n_stacks; s++)
        shown += view->stack_value[s];
    char text[3][UNITS_TEXT];
    return (is_same(sums.total, view->total, sums.magnitude) &&
            is_same(sums.total, shown + sums.filtered, sums.magnitude)) ||
           error_set(err, ERROR_FORMAT, "stacks do not add up: %s and %s (filtered) of %s",
                     units_general(text[0], shown), units_general(text[1], sums.filtered),
                     units_general(text[2], sums.total));
}

static void add_part(struct buf *story, double value, const char *what)
{
    char text[UNITS_TEXT];
    buf_printf(story, " + %s (%s)", units_general(text, value), what);
}

static bool check_column(const struct tally *tally, const struct view *view, const char *name,
                         column_ix column, struct buf *story, struct error *err)
{
    const struct profile *profile = view->profile;
    const struct sums sums = sum_column(view, column);
    const double rows = tally->sums[TALLY_ROWS][column];
    const double without = tally->sums[TALLY_UNATTRIBUTED][column];
    const double trimmed = tally->sums[TALLY_TRIMMED][column];
    const double rounded = tally->sums[TALLY_ROUNDED][column];
    const double all = rows + without + trimmed + rounded + sums.filtered;
    char text[UNITS_TEXT], text2[UNITS_TEXT];
    buf_clear(story);
    buf_printf(story, "--%s, %s: total %s = %s in rows", name,
               strings_text(profile->strings, profile->columns[column].name),
               units_general(text, sums.total), units_general(text2, rows));
    add_part(story, without, "unattributed");
    add_part(story, sums.filtered, "filtered");
    add_part(story, trimmed, "trimmed");
    if (rounded != 0)
        add_part(story, rounded, "rounded");
    return is_same(sums.total, all, sums.magnitude) ||
           error_set(err, ERROR_FORMAT, "the report does not add up: %s; that is %s", buf_c(story),
                     units_general(text, all));
}

bool tally_check(const struct tally *tally, const struct view *view, const struct emitter *emitter,
                 struct notes *notes, struct error *err)
{
    if (!view_adds_up(view, err))
        return false;
    if (emitter->has_no_values) {
        notes_add(notes, "--%s shows no values that could be added up", emitter->name);
        return true;
    }
    struct buf story = BUF_MAX(WORDS_MAX);
    const unsigned columns = tally->columns ? tally->columns : 1U << view->column;
    bool is_right = true;
    for (column_ix c = 0; is_right && c < view->profile->n_columns; c++) {
        if (!(columns >> c & 1))
            continue;
        is_right = check_column(tally, view, emitter->name, c, &story, err);
        if (is_right)
            notes_add(notes, "Adds up: %s", buf_c(&story));
    }
    buf_free(&story);
    return is_right;
}
