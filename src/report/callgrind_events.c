/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The fuller callgrind form of --events (docs/reports.md): several columns at once, functions as
 * they are in the program, with the image they are in, and inlined code as lines of other files in
 * them. Apart from callgrind.c, whose form is that of the Perl tool. The invariant: a cost is of
 * one line of one function, or of one call from there, and no stack adds to it twice. */
#include "report/internal.h"

#include <stdlib.h>

#define NO_CALLEE UINT32_MAX
#define NO_STACK  UINT32_MAX

static const char unknown[] = "???"; /* valgrind's own word */

struct function {
    str_id object, file, name;
    uint32_t line; /* of its lowest address that has one */
    uint32_t rank; /* when they are sorted */
};

/* A line of a function that is run or calls; its values stand apart. */
struct cost {
    uint32_t function, callee;
    str_id file;
    uint32_t line;
    uint32_t last_stack; /* that added to it */
    uint32_t values;     /* which ones */
    double calls;
};

struct events {
    const struct view *view;
    struct strings *strings;
    column_ix columns[COLUMNS_MAX];
    str_id names[COLUMNS_MAX];
    uint32_t n; /* events */
    const double *column_values, *calls;

    struct function *functions;
    uint32_t n_functions, functions_cap;
    uint32_t *addr_function;
    str_id *addr_file; /* where the innermost code of each address stands */
    uint32_t *addr_line;
    struct idmap clean_ids;                        /* text to text without control bytes */
    struct idmap name_ids, part_ids, function_ids; /* (object, name), (entry or file), both */
    struct cost *costs;
    double *values;
    uint32_t n_costs, costs_cap, values_cap;
    struct idmap site_ids, place_ids, cost_ids; /* (function, line), (file, callee), both */
};

/* ---- which events -------------------------------------------------------------------------------
 */

static bool is_mean(const struct profile *profile, column_ix column)
{
    return span_is(strings_span(profile->strings, profile->columns[column].name), "mean_delay");
}

/* A word of letters, digits and underscores that no event has yet. */
static str_id name_event(struct events *e, str_id text)
{
    const struct span name = strings_span(e->strings, text);
    struct buf word = BUF_MAX(WORDS_MAX);
    for (size_t i = 0; i < name.n; i++) {
        const char c = name.p[i];
        const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        const bool is_digit = c >= '0' && c <= '9';
        if (i == 0 && is_digit)
            buf_byte(&word, '_');
        buf_byte(&word, is_letter || is_digit ? c : '_');
    }
    if (word.n == 0)
        buf_text(&word, "samples");
    str_id id = strings_add(e->strings, buf_span(&word));
    for (uint32_t i = 0; i < e->n; i++) {
        if (e->names[i] == id) {
            buf_printf(&word, "_%u", e->n + 1);
            id = strings_add(e->strings, buf_span(&word));
            i = UINT32_MAX; /* from the first on again */
        }
    }
    buf_free(&word);
    return id;
}

static void add_event(struct events *e, column_ix column)
{
    const str_id name = name_event(e, e->view->profile->columns[column].name);
    e->columns[e->n] = column;
    e->names[e->n++] = name;
}

/* Means are not for adding up: they are shown only to who names them. */
static bool choose_events(struct events *e, const char *wanted, struct error *err)
{
    const struct profile *profile = e->view->profile;
    const bool wants_all = strcmp(wanted, "all") == 0;
    struct buf known = BUF_MAX(4096);
    for (column_ix c = 0; c < profile->n_columns; c++) {
        const char *name = strings_text(profile->strings, profile->columns[c].name);
        if (wants_all ? !is_mean(profile, c) : strcmp(name, wanted) == 0)
            add_event(e, c);
        buf_printf(&known, "%s%s", c ? ", " : "", name);
    }
    const bool is_chosen =
        e->n || error_set(err, ERROR_USAGE, "--events=%s: the profile has no such column, but: %s",
                          wanted, known.n ? buf_c(&known) : "none");
    buf_free(&known);
    return is_chosen;
}

/* How often: of the columns that count, the first. */
static const double *find_calls(const struct events *e)
{
    const struct profile *profile = e->view->profile;
    column_ix column = e->columns[0];
    for (column_ix c = profile->n_columns; c-- > 0;) {
        if (span_is(strings_span(profile->strings, profile->columns[c].unit), "count"))
            column = c;
    }
    return e->column_values + (size_t)column * e->view->n_stacks;
}

/* ---- functions ----------------------------------------------------------------------------------
 */

static str_id clean(struct events *e, str_id text)
{
    bool is_new;
    uint32_t cleaned;
    if (idmap_find(&e->clean_ids, text, &cleaned))
        return cleaned;
    cleaned = callgrind_clean(e->strings, strings_text(e->strings, text), "");
    (void)idmap_add(&e->clean_ids, text, cleaned, &is_new);
    return cleaned;
}

/* The file that names came from, else the one that was mapped there. */
static str_id object_of(struct events *e, addr_ix a)
{
    const struct profile *profile = e->view->profile;
    const struct symbols *symbols = e->view->symbols;
    const image_ix image = symbols && symbols->addr_image ? symbols->addr_image[a] : IMAGE_NONE;
    str_id path = 0;
    if (image != IMAGE_NONE)
        path = symbols->images[image].path;
    else if (profile->addr_map[a] != MAP_NONE)
        path = profile->maps[profile->addr_map[a]].path;
    return path ? clean(e, path) : strings_add_text(e->strings, unknown);
}

static str_id file_of(struct events *e, const struct frame *frame)
{
    const bool is_known =
        view_has_place(e->view, frame) && !span_is(strings_span(e->strings, frame->file), "??");
    return is_known ? clean(e, frame->file) : strings_add_text(e->strings, unknown);
}

static uint32_t line_of(const struct frame *frame)
{
    return frame->line == LINE_NONE ? 0 : frame->line;
}

static str_id name_of(struct events *e, addr_ix a, const struct frame *frame)
{
    char text[20];
    if (frame == e->view->blank || frame == e->view->missing)
        return strings_add_text(e->strings, profile_address_text(e->view->profile, a, text));
    return clean(e, frame->full);
}

/* Those that a symbol tells apart stay apart; else a name in a file is one function. */
static uint32_t find_function(struct events *e, addr_ix a, const struct frame *frame)
{
    const struct function function = {
        .object = object_of(e, a),
        .file = file_of(e, frame),
        .name = name_of(e, a, frame),
        .line = line_of(frame),
    };
    const uint32_t name = idmap_add(&e->name_ids, (uint64_t)function.object << 32 | function.name,
                                    e->name_ids.n, NULL);
    /* Link-time addresses are not beyond half of what there is. */
    const uint64_t part_key =
        frame->has_entry ? frame->entry & INT64_MAX : (uint64_t)1 << 63 | function.file;
    const uint32_t part = idmap_add(&e->part_ids, part_key, e->part_ids.n, NULL);
    bool is_new;
    const uint32_t id =
        idmap_add(&e->function_ids, (uint64_t)name << 32 | part, e->n_functions, &is_new);
    if (is_new) {
        e->functions = base_grow(e->functions, &e->functions_cap, (size_t)e->n_functions + 1,
                                 sizeof e->functions[0]);
        e->functions[e->n_functions++] = function;
    }
    if (e->functions[id].line == 0 && function.line) {
        e->functions[id].file = function.file;
        e->functions[id].line = function.line;
    }
    return id;
}

/* By increasing address, so that a function begins where its lowest address is. */
static void find_functions(struct events *e, const struct report *report)
{
    const uint32_t n = e->view->profile->n_addrs;
    const addr_ix *order = report_addresses(report);
    e->addr_function = base_alloc(n, sizeof e->addr_function[0]);
    e->addr_file = base_alloc(n, sizeof e->addr_file[0]);
    e->addr_line = base_alloc(n, sizeof e->addr_line[0]);
    for (uint32_t i = 0; i < n; i++) {
        const addr_ix a = order[i];
        const struct frame *innermost = view_frame(e->view, a, 0);
        e->addr_function[a] = find_function(e, a, view_physical(e->view, a));
        e->addr_file[a] = file_of(e, innermost);
        e->addr_line[a] = line_of(innermost);
    }
}

/* ---- costs --------------------------------------------------------------------------------------
 */

static struct cost *find_cost(struct events *e, addr_ix at, uint32_t callee)
{
    const struct cost cost = {
        .function = e->addr_function[at],
        .callee = callee,
        .file = e->addr_file[at],
        .line = e->addr_line[at],
        .last_stack = NO_STACK,
    };
    const uint32_t site =
        idmap_add(&e->site_ids, (uint64_t)cost.function << 32 | cost.line, e->site_ids.n, NULL);
    const uint32_t place =
        idmap_add(&e->place_ids, (uint64_t)cost.file << 32 | callee, e->place_ids.n, NULL);
    bool is_new;
    const uint32_t id = idmap_add(&e->cost_ids, (uint64_t)site << 32 | place, e->n_costs, &is_new);
    if (is_new) {
        e->costs = base_grow(e->costs, &e->costs_cap, (size_t)e->n_costs + 1, sizeof e->costs[0]);
        e->values = base_grow(e->values, &e->values_cap, ((size_t)e->n_costs + 1) * e->n,
                              sizeof e->values[0]);
        e->costs[e->n_costs] = cost;
        e->costs[e->n_costs].values = e->n_costs;
        for (uint32_t i = 0; i < e->n; i++)
            e->values[(size_t)e->n_costs * e->n + i] = 0;
        e->n_costs++;
    }
    return &e->costs[id];
}

/* A call that recurs in a stack is one call: else it would cost more than there is. */
static void add_cost(struct events *e, addr_ix at, uint32_t callee, uint32_t stack)
{
    struct cost *cost = find_cost(e, at, callee);
    if (cost->last_stack == stack)
        return;
    cost->last_stack = stack;
    cost->calls += e->calls[stack];
    for (uint32_t i = 0; i < e->n; i++)
        e->values[(size_t)cost->values * e->n + i] +=
            e->column_values[(size_t)e->columns[i] * e->view->n_stacks + stack];
}

static void add_stacks(struct events *e)
{
    const struct view *view = e->view;
    for (uint32_t s = 0; s < view->n_stacks; s++) {
        uint32_t callee = NO_CALLEE;
        for (uint32_t i = view->stack_at[s]; i < view->stack_at[s + 1]; i++) {
            add_cost(e, view->stack_addr[i], callee, s);
            callee = e->addr_function[view->stack_addr[i]];
        }
    }
}

/* ---- order --------------------------------------------------------------------------------------
 */

static int compare_texts(const struct strings *strings, str_id a, str_id b)
{
    return a == b ? 0 : span_compare(strings_span(strings, a), strings_span(strings, b));
}

static int compare_numbers(uint64_t a, uint64_t b)
{
    return a == b ? 0 : a < b ? -1 : 1;
}

static int compare_functions(const void *left, const void *right, void *context)
{
    const struct events *e = context;
    const uint32_t l = *(const uint32_t *)left, r = *(const uint32_t *)right;
    const struct function *a = &e->functions[l], *b = &e->functions[r];
    int order = compare_texts(e->strings, a->object, b->object);
    if (order == 0)
        order = compare_texts(e->strings, a->file, b->file);
    if (order == 0)
        order = compare_texts(e->strings, a->name, b->name);
    return order ? order : compare_numbers(l, r); /* they were found by address */
}

static void rank_functions(struct events *e)
{
    uint32_t *order = base_alloc(e->n_functions, sizeof *order);
    for (uint32_t i = 0; i < e->n_functions; i++)
        order[i] = i;
    if (e->n_functions)
        qsort_r(order, e->n_functions, sizeof *order, compare_functions, e);
    for (uint32_t i = 0; i < e->n_functions; i++)
        e->functions[order[i]].rank = i;
    base_free(order);
}

/* By function, own costs first; its own file first, by line. */
static int compare_costs(const void *left, const void *right, void *context)
{
    const struct events *e = context;
    const struct cost *a = left, *b = right;
    const struct function *function = &e->functions[a->function];
    int order = compare_numbers(function->rank, e->functions[b->function].rank);
    if (order == 0)
        order = compare_numbers(a->callee != NO_CALLEE, b->callee != NO_CALLEE);
    if (order == 0)
        order = compare_numbers(a->file != function->file, b->file != function->file);
    if (order == 0)
        order = compare_texts(e->strings, a->file, b->file);
    if (order == 0)
        order = compare_numbers(a->line, b->line);
    if (order == 0 && a->callee != NO_CALLEE)
        order = compare_numbers(e->functions[a->callee].rank, e->functions[b->callee].rank);
    return order;
}

/* ---- writing ------------------------------------------------------------------------------------
 */

static void write_line(const struct events *e, const double *values, struct out *out)
{
    char text[UNITS_TEXT];
    for (uint32_t i = 0; i < e->n; i++) {
        out_byte(out, ' ');
        out_text(out, units_whole(text, values[i]));
    }
    out_byte(out, '\n');
}

static void write_head(struct events *e, const struct report *report, struct out *out)
{
    const struct profile *profile = e->view->profile;
    const char *program = report->options->program ? report->options->program : "";
    out_text(out, "# callgrind format\nversion: 1\ncreator: cprof " CPROF_VERSION "\n");
    out_printf(out, "cmd: %s\npositions: line\n",
               strings_text(e->strings, callgrind_clean(e->strings, program, "")));
    for (uint32_t i = 0; i < e->n; i++) {
        const char *name = strings_text(e->strings, e->names[i]);
        const str_id unit = clean(e, profile->columns[e->columns[i]].unit);
        if (unit)
            out_printf(out, "event: %s : %s (%s)\n", name, name, strings_text(e->strings, unit));
    }
    out_text(out, "events:");
    for (uint32_t i = 0; i < e->n; i++)
        out_printf(out, " %s", strings_text(e->strings, e->names[i]));
    out_text(out, "\nsummary:");
    double sums[COLUMNS_MAX] = {0};
    for (uint32_t k = 0; k < e->n_costs; k++) {
        for (uint32_t i = 0; i < e->n && e->costs[k].callee == NO_CALLEE; i++)
            sums[i] += e->values[(size_t)e->costs[k].values * e->n + i];
    }
    write_line(e, sums, out);
}

/* Readers take the line behind "calls=" for a cost of the caller where the count is no count or 0.
 */
static const char *count_calls(char text[UNITS_TEXT], double calls)
{
    const double count = calls < 0 ? -calls : calls;
    return units_whole(text, count < 1 ? 1 : count);
}

static void write_costs(struct events *e, const struct report *report, struct out *out)
{
    struct callgrind_numbers numbers = {0};
    uint32_t function = UINT32_MAX;
    str_id object = 0, file = 0;
    for (uint32_t i = 0; i < e->n_costs && !out_failed(out); i++) {
        const struct cost *cost = &e->costs[i];
        const struct function *f = &e->functions[cost->function];
        if (cost->function != function) {
            out_byte(out, '\n');
            if (f->object != object)
                callgrind_name(e->strings, out, "ob", &numbers.objects, f->object);
            callgrind_name(e->strings, out, "fl", &numbers.files, f->file);
            callgrind_name(e->strings, out, "fn", &numbers.names, f->name);
            function = cost->function;
            object = f->object;
            file = f->file;
        }
        if (cost->file != file) {
            callgrind_name(e->strings, out, cost->file == f->file ? "fe" : "fi", &numbers.files,
                           cost->file);
            file = cost->file;
        }
        if (cost->callee != NO_CALLEE) {
            const struct function *callee = &e->functions[cost->callee];
            char count[UNITS_TEXT];
            callgrind_name(e->strings, out, "cob", &numbers.objects, callee->object);
            callgrind_name(e->strings, out, "cfi", &numbers.files, callee->file);
            callgrind_name(e->strings, out, "cfn", &numbers.names, callee->name);
            out_printf(out, "calls=%s %u\n", count_calls(count, cost->calls), callee->line);
        }
        out_printf(out, "%u", cost->line);
        const double *values = e->values + (size_t)cost->values * e->n;
        write_line(e, values, out);
        for (uint32_t k = 0; k < e->n && cost->callee == NO_CALLEE; k++)
            tally_add(report, TALLY_ROWS, e->columns[k], values[k]);
    }
    callgrind_numbers_free(&numbers);
}

/* Stacks without a frame are nobody's cost. */
static void tally_empty(const struct events *e, const struct report *report)
{
    const struct view *view = e->view;
    for (uint32_t s = 0; report->tally && s < view->n_stacks; s++) {
        if (view->stack_at[s] != view->stack_at[s + 1])
            continue;
        for (uint32_t k = 0; k < e->n; k++)
            tally_add(report, TALLY_UNATTRIBUTED, e->columns[k],
                      e->column_values[(size_t)e->columns[k] * view->n_stacks + s]);
    }
}

static void free_all(struct events *e)
{
    base_free(e->functions);
    base_free(e->addr_function);
    base_free(e->addr_file);
    base_free(e->addr_line);
    base_free(e->costs);
    base_free(e->values);
    struct idmap *const maps[] = {&e->clean_ids, &e->name_ids,  &e->part_ids, &e->function_ids,
                                  &e->site_ids,  &e->place_ids, &e->cost_ids};
    for (size_t i = 0; i < COUNT_OF(maps); i++)
        idmap_free(maps[i]);
}

bool callgrind_events(const struct report *report, const char *wanted, struct out *out,
                      struct error *err)
{
    struct events e = {.view = report->view, .strings = report->view->profile->strings};
    if (!choose_events(&e, wanted, err))
        return false;
    e.column_values = view_columns(e.view);
    e.calls = find_calls(&e);
    find_functions(&e, report);
    add_stacks(&e);
    rank_functions(&e);
    if (e.n_costs)
        qsort_r(e.costs, e.n_costs, sizeof e.costs[0], compare_costs, &e);
    write_head(&e, report, out);
    write_costs(&e, report, out);
    tally_empty(&e, report);
    free_all(&e);
    return true;
}
