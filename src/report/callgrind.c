/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The callgrind format that kcachegrind and callgrind_annotate read (docs/reports.md). Every frame,
 * inlined ones too, is a function at a place; stacks give it own costs, neighbours in a stack give
 * calls. Rows are sorted, so that neither reading order nor hashing shows. */
#include "report/internal.h"

#include <stdlib.h>

/* A frame as the format speaks of it. */
struct point {
    str_id file, name;
    uint32_t line;
};

/* An own cost, or a call where `callee` is a point. */
struct cost {
    uint32_t caller, callee;
    double value;
};

#define NO_CALLEE UINT32_MAX

struct callgrind {
    const struct view *view;
    struct strings *strings;
    struct point *points;
    uint32_t n_points, points_cap;
    struct cost *costs;
    uint32_t n_costs, costs_cap;
    uint32_t *addr_at, *addr_point; /* the points of address a, innermost first */
    struct idmap places;            /* (file, line) */
    struct idmap point_ids;         /* (place, name) */
    struct idmap cost_ids;          /* (caller, callee) */
    struct callgrind_numbers numbers;
};

str_id callgrind_clean(struct strings *strings, const char *name, const char *suffix)
{
    struct buf text = BUF_MAX(SIZE_MAX / 2);
    for (const char *p = name; *p; p++)
        buf_byte(&text, (unsigned char)*p < ' ' || *p == 0x7f ? '?' : *p);
    buf_text(&text, suffix);
    const str_id id = strings_add(strings, buf_span(&text));
    buf_free(&text);
    return id;
}

static uint32_t find_point(struct callgrind *c, addr_ix addr, const struct frame *frame)
{
    const bool has_place = view_has_place(c->view, frame);
    const bool is_unknown = frame == c->view->missing;
    char text[20];
    const char *name = is_unknown ? "unknown" : view_name_text(c->view, addr, frame, text);
    const char *file = has_place ? strings_text(c->strings, frame->file) : "??";
    const struct point point = {
        .file = callgrind_clean(c->strings, file, ""),
        .name = callgrind_clean(c->strings, name, frame->is_inlined ? "[inline]" : ""),
        .line = has_place && frame->line != LINE_NONE ? frame->line : 0,
    };
    const uint64_t at = (uint64_t)point.file << 32 | point.line;
    const uint64_t place = idmap_add(&c->places, at, c->places.n, NULL);
    bool is_new;
    const uint32_t id = idmap_add(&c->point_ids, place << 32 | point.name, c->n_points, &is_new);
    if (is_new) {
        c->points =
            base_grow(c->points, &c->points_cap, (size_t)c->n_points + 1, sizeof c->points[0]);
        c->points[c->n_points++] = point;
    }
    return id;
}

/* Frames are looked up once an address, not once a stack. */
static void find_points(struct callgrind *c)
{
    const uint32_t n = c->view->profile->n_addrs;
    c->addr_at = base_alloc((size_t)n + 1, sizeof c->addr_at[0]);
    for (addr_ix a = 0; a < n; a++)
        c->addr_at[a + 1] = c->addr_at[a] + view_n_frames(c->view, a);
    c->addr_point = base_alloc((size_t)c->addr_at[n] + 1, sizeof c->addr_point[0]);
    for (addr_ix a = 0; a < n; a++) {
        for (uint32_t i = 0; i < view_n_frames(c->view, a); i++)
            c->addr_point[c->addr_at[a] + i] = find_point(c, a, view_frame(c->view, a, i));
    }
}

static void add_cost(struct callgrind *c, uint32_t caller, uint32_t callee, double value)
{
    bool is_new;
    const uint64_t key = (uint64_t)caller << 32 | callee;
    const uint32_t id = idmap_add(&c->cost_ids, key, c->n_costs, &is_new);
    if (is_new) {
        c->costs = base_grow(c->costs, &c->costs_cap, (size_t)c->n_costs + 1, sizeof c->costs[0]);
        c->costs[c->n_costs++] = (struct cost){.caller = caller, .callee = callee};
    }
    c->costs[id].value += value;
}

static void add_stacks(struct callgrind *c)
{
    const struct view *view = c->view;
    for (uint32_t s = 0; s < view->n_stacks; s++) {
        uint32_t callee = NO_CALLEE;
        for (uint32_t i = view->stack_at[s]; i < view->stack_at[s + 1]; i++) {
            const addr_ix a = view->stack_addr[i];
            for (uint32_t k = c->addr_at[a]; k < c->addr_at[a + 1]; k++) {
                const uint32_t caller = c->addr_point[k];
                add_cost(c, caller, callee, view->stack_value[s]);
                callee = caller;
            }
        }
    }
}

static int compare_points(const struct callgrind *c, const struct point *a, const struct point *b)
{
    const int by_file = a->file == b->file ? 0
                                           : span_compare(strings_span(c->strings, a->file),
                                                          strings_span(c->strings, b->file));
    if (by_file != 0)
        return by_file;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return span_compare(strings_span(c->strings, a->name), strings_span(c->strings, b->name));
}

/* By caller, its own cost first, then by callee. */
static int compare_costs(const void *left, const void *right, void *context)
{
    const struct callgrind *c = context;
    const struct cost *a = left, *b = right;
    if (a->caller != b->caller)
        return compare_points(c, &c->points[a->caller], &c->points[b->caller]);
    if (a->callee == NO_CALLEE || b->callee == NO_CALLEE)
        return (a->callee != NO_CALLEE) - (b->callee != NO_CALLEE);
    return compare_points(c, &c->points[a->callee], &c->points[b->callee]);
}

/* Short names cost no more than their numbers. One that looks like a number needs one. */
void callgrind_name(const struct strings *strings, struct out *out, const char *key,
                    struct idmap *numbers, str_id id)
{
    enum { SHORT_NAME = 3 };
    const struct span name = strings_span(strings, id);
    if (name.n <= SHORT_NAME && !span_starts(name, "(")) {
        out_printf(out, "%s=%s\n", key, strings_text(strings, id));
        return;
    }
    bool is_new;
    const uint32_t number = idmap_add(numbers, id, numbers->n, &is_new) + 1;
    out_printf(out, "%s=(%u)%s%s\n", key, number, is_new ? " " : "",
               is_new ? strings_text(strings, id) : "");
}

void callgrind_numbers_free(struct callgrind_numbers *numbers)
{
    idmap_free(&numbers->objects);
    idmap_free(&numbers->files);
    idmap_free(&numbers->names);
}

static void write_cost(struct callgrind *c, struct out *out, const struct cost *cost)
{
    const struct point *caller = &c->points[cost->caller];
    char value[UNITS_TEXT];
    units_whole(value, cost->value);
    out_byte(out, '\n');
    callgrind_name(c->strings, out, "fl", &c->numbers.files, caller->file);
    callgrind_name(c->strings, out, "fn", &c->numbers.names, caller->name);
    if (cost->callee != NO_CALLEE) {
        const struct point *callee = &c->points[cost->callee];
        callgrind_name(c->strings, out, "cfl", &c->numbers.files, callee->file);
        callgrind_name(c->strings, out, "cfn", &c->numbers.names, callee->name);
        /* A count has no sign: for readers the next line would be no call's. */
        out_printf(out, "calls=%s %u\n", value + (value[0] == '-'), callee->line);
    }
    out_printf(out, "%u %s\n", caller->line, value);
}

static void free_all(struct callgrind *c)
{
    base_free(c->points);
    base_free(c->costs);
    base_free(c->addr_at);
    base_free(c->addr_point);
    idmap_free(&c->places);
    idmap_free(&c->point_ids);
    idmap_free(&c->cost_ids);
    callgrind_numbers_free(&c->numbers);
}

static bool emit(const struct report *report, struct out *out, struct error *err)
{
    const char *events = report->options->events;
    if (events && *events)
        return callgrind_events(report, events, out, err);
    struct callgrind c = {.view = report->view, .strings = report->view->profile->strings};
    find_points(&c);
    add_stacks(&c);
    if (c.n_costs)
        qsort_r(c.costs, c.n_costs, sizeof c.costs[0], compare_costs, &c);
    out_text(out, "events: Hits\n");
    for (uint32_t i = 0; i < c.n_costs && !out_failed(out); i++) {
        write_cost(&c, out, &c.costs[i]);
        if (c.costs[i].callee == NO_CALLEE)
            tally_row(report, c.costs[i].value);
    }
    tally_unattributed(report, true);
    out_byte(out, '\n');
    free_all(&c);
    return true;
}

const struct emitter callgrind_emitter = {
    .name = "callgrind",
    .help = "callgrind format, for kcachegrind",
    .extension = "callgrind",
    .grain = GRANULARITY_FUNCTIONS,
    .is_classic = true,
    .emit = emit,
};
