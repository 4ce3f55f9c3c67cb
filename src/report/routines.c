/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which functions a listing shows, and what each of their instructions is worth. Values are summed
 * by address once, functions find theirs by search; machine code is split and its lines are asked
 * for in batches, since looking a unit's lines up has a price of its own. The invariant: nothing
 * here goes over routines times addresses. */
#include "report/internal.h"

#include <stdlib.h>

#include "base/radix.h"

/* Instructions that are looked up at once. */
#define BATCH ((uint32_t)1 << 18)
/* All code of one report: symbols of a hostile file may all cover all of it. */
#define CODE_MAX ((uint64_t)1 << 28)

/* What samples gave an address. */
struct value {
    uint64_t place;
    addr_ix addr;
    bool is_listed;
    double flat, cum;
};

struct candidate {
    const char *name;
    uint64_t low, high;
    uint32_t first_value; /* of its addresses, in the image's values */
    uint32_t code_at, n_code;
};

struct listing {
    const struct report *report;
    struct strings *strings;
    struct regex *regex;

    /* of an image */
    struct object *object;
    struct assembly *assembly;
    struct value *values; /* by place */
    uint32_t n_values;
    struct candidate *candidates;
    uint32_t n, cap;

    /* of a batch */
    struct instruction *code;
    uint32_t n_code, code_cap;

    double flat_total;
    uint64_t bytes_left;
    uint32_t n_shown;
};

/* ---- values by address --------------------------------------------------------------------------
 */

static double sum_addresses(const struct view *view, double *flat, double *cum, uint8_t *is_used)
{
    uint32_t *stamp = base_alloc(view->profile->n_addrs, sizeof *stamp);
    double total = 0;
    for (uint32_t s = 0; s < view->n_stacks; s++) {
        bool is_leaf = true;
        for (uint32_t i = view->stack_at[s]; i < view->stack_at[s + 1]; i++) {
            const addr_ix addr = view->stack_addr[i];
            if (view_address_is_skipped(view, addr))
                continue;
            if (is_leaf) {
                flat[addr] += view->stack_value[s];
                total += view->stack_value[s];
                is_leaf = false;
            }
            if (stamp[addr] == s + 1)
                continue;
            stamp[addr] = s + 1;
            cum[addr] += view->stack_value[s];
            is_used[addr] = 1;
        }
    }
    base_free(stamp);
    return total;
}

/* Values of addresses in images, by image and place. image_at[i] .. image_at[i + 1] are image i's.
 */
static struct value *collect(struct listing *l, uint32_t *image_at)
{
    const struct view *view = l->report->view;
    const struct symbols *symbols = view->symbols;
    const uint32_t n_addrs = view->profile->n_addrs;
    double *flat = base_alloc(n_addrs, sizeof *flat), *cum = base_alloc(n_addrs, sizeof *cum);
    uint8_t *is_used = base_alloc(n_addrs, 1);
    l->flat_total = sum_addresses(view, flat, cum, is_used);

    struct radix_item *items = base_alloc(n_addrs, sizeof *items);
    uint32_t n = 0;
    for (addr_ix a = 0; a < n_addrs; a++) {
        if (is_used[a] && symbols->addr_image[a] < symbols->n_images)
            items[n++] = (struct radix_item){.key = symbols->addr_place[a], .value = a};
        else
            tally_add(l->report, TALLY_UNATTRIBUTED, view->column, flat[a]);
    }
    radix_sort(items, n);
    for (uint32_t i = 0; i < n; i++) {
        items[i].key = symbols->addr_image[items[i].value];
        image_at[items[i].key + 1]++;
    }
    radix_sort(items, n); /* equal images stay by place */
    for (image_ix i = 0; i < symbols->n_images; i++)
        image_at[i + 1] += image_at[i];

    struct value *values = base_alloc(n, sizeof *values);
    for (uint32_t i = 0; i < n; i++) {
        const addr_ix a = items[i].value;
        values[i] = (struct value){
            .place = symbols->addr_place[a], .addr = a, .flat = flat[a], .cum = cum[a]};
    }
    base_free(items);
    base_free(flat);
    base_free(cum);
    base_free(is_used);
    return values;
}

/* The first value at or behind a place. */
static uint32_t find_value(const struct listing *l, uint64_t place)
{
    uint32_t low = 0, high = l->n_values; /* values before low are at lower places */
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (l->values[middle].place < place)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- choosing -----------------------------------------------------------------------------------
 */

static bool name_matches(const struct listing *l, str_id full, str_id brief)
{
    return regex_matches(l->regex, strings_span(l->strings, full)) ||
           regex_matches(l->regex, strings_span(l->strings, brief));
}

/* The name to list a function under: the one that other reports show is preferred, but any of its
 * names may be asked for. False: none matches. */
static bool choose_name(const struct listing *l, const struct object_symbol *symbol,
                        const struct value *value, str_id *chosen)
{
    const struct frame *frame = view_physical(l->report->view, value->addr);
    if (frame->has_entry && frame->entry == symbol->value &&
        name_matches(l, frame->full, frame->name)) {
        *chosen = frame->name;
        return true;
    }
    const char *const raw[] = {symbol->alias, symbol->name};
    for (size_t i = 0; i < COUNT_OF(raw); i++) {
        if (i && raw[i] == raw[0])
            continue;
        const str_id full = name_demangle(l->strings, raw[i]);
        *chosen = name_show(l->strings, raw[i], full, l->report->options->naming);
        if (name_matches(l, full, *chosen))
            return true;
    }
    return false;
}

static bool consider(void *to, const struct object_symbol *symbol, uint64_t low, uint64_t high)
{
    struct listing *l = to;
    const uint32_t first = find_value(l, low);
    str_id name;
    if (first == l->n_values || l->values[first].place >= high ||
        !choose_name(l, symbol, &l->values[first], &name))
        return true;
    l->candidates = base_grow(l->candidates, &l->cap, (size_t)l->n + 1, sizeof *l->candidates);
    l->candidates[l->n++] = (struct candidate){
        .name = strings_text(l->strings, name),
        .low = low,
        .high = high,
        .first_value = first,
    };
    return true;
}

static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    const int order = strcmp(x->name, y->name);
    return order ? order : (x->low > y->low) - (x->low < y->low);
}

/* ---- taking apart -------------------------------------------------------------------------------
 */

/* Splits a function into instructions and gives each the values of its addresses. */
static void split(struct listing *l, struct candidate *c)
{
    struct span bytes = object_code(l->object, c->low, c->high);
    uint64_t address = c->low;
    uint32_t v = c->first_value;
    c->code_at = l->n_code;
    if (bytes.n > l->bytes_left) {
        const unsigned long long end = c->low + l->bytes_left;
        notes_add(l->report->notes, "%s: there is too much code to list; it ends at 0x%llx",
                  c->name, end);
        bytes.n = (size_t)l->bytes_left;
    }
    l->bytes_left -= bytes.n;
    while (bytes.n && l->n_code < UINT32_MAX / 2) {
        uint32_t size = assembly_length(l->assembly, bytes, address);
        size = size && size <= bytes.n ? size : (uint32_t)(bytes.n < 1 ? bytes.n : 1);
        struct instruction instruction = {.address = address, .size = size};
        address += size;
        bytes = span_skip(bytes, size);
        for (; v < l->n_values && l->values[v].place < address; v++) {
            instruction.flat += l->values[v].flat;
            instruction.cum += l->values[v].cum;
        }
        l->code = base_grow(l->code, &l->code_cap, (size_t)l->n_code + 1, sizeof *l->code);
        l->code[l->n_code++] = instruction;
    }
    c->n_code = l->n_code - c->code_at;
}

/* Gives all instructions of a batch their lines. */
static void find_lines(struct listing *l)
{
    const uint32_t n = l->n_code;
    struct radix_item *items = base_alloc(n, sizeof *items);
    uint64_t *sorted = base_alloc(n, sizeof *sorted);
    for (uint32_t i = 0; i < n; i++)
        items[i] = (struct radix_item){.key = l->code[i].address, .value = i};
    if (n)
        radix_sort(items, n);
    uint32_t n_sorted = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (n_sorted == 0 || sorted[n_sorted - 1] != items[i].key)
            sorted[n_sorted++] = items[i].key;
    }
    struct object_answer answer;
    object_frames(l->object, sorted, n_sorted, NULL, l->report->notes, &answer);
    for (uint32_t i = 0, at = 0; i < n; i++) {
        while (sorted[at] != items[i].key)
            at++;
        if (answer.at[at] == answer.at[at + 1])
            continue;
        struct instruction *instruction = &l->code[items[i].value];
        const struct object_frame *inner = &answer.frames[answer.at[at]];
        const struct object_frame *outer = &answer.frames[answer.at[at + 1] - 1];
        instruction->inner_file = inner->line ? inner->file : NULL;
        instruction->inner_line = inner->file ? inner->line : 0;
        instruction->file = outer->line ? outer->file : NULL;
        instruction->line = outer->file ? outer->line : 0;
    }
    object_answer_free(&answer);
    base_free(sorted);
    base_free(items);
}

/* Rows are what instructions are worth. Values are listed once, whoever covers them again, and not
 * at all behind the end of the code. */
static void tally_routine(struct listing *l, const struct routine *routine, uint32_t first_value)
{
    uint64_t end = routine->low;
    for (uint32_t i = 0; i < routine->n_code; i++) {
        tally_row(l->report, routine->code[i].flat);
        end = routine->code[i].address + routine->code[i].size;
    }
    for (uint32_t v = first_value; v < l->n_values && l->values[v].place < end; v++) {
        if (l->values[v].is_listed)
            tally_trimmed(l->report, -l->values[v].flat);
        l->values[v].is_listed = true;
    }
}

static void tally_unlisted(const struct listing *l, const struct value *values, uint32_t n)
{
    const struct view *view = l->report->view;
    for (uint32_t s = 0; !values && s < view->n_stacks; s++) /* no images at all */
        tally_add(l->report, TALLY_UNATTRIBUTED, view->column, view->stack_value[s]);
    if (values)
        tally_unattributed(l->report, false);
    for (uint32_t v = 0; values && v < n; v++) {
        if (!values[v].is_listed)
            tally_trimmed(l->report, values[v].flat);
    }
}

static bool show(struct listing *l, const struct candidate *c, routine_fn *fn, void *to)
{
    struct routine routine = {
        .name = c->name,
        .object = l->object,
        .assembly = l->assembly,
        .low = c->low,
        .high = c->high,
        .bytes = object_code(l->object, c->low, c->high),
        .code = l->code + c->code_at,
        .n_code = c->n_code,
    };
    for (uint32_t v = c->first_value; v < l->n_values && l->values[v].place < c->high; v++) {
        routine.flat += l->values[v].flat;
        routine.cum += l->values[v].cum;
    }
    l->n_shown++;
    if (l->report->tally)
        tally_routine(l, &routine, c->first_value);
    return fn(to, &routine, l->flat_total);
}

static bool show_image(struct listing *l, routine_fn *fn, void *to)
{
    bool goes_on = true;
    l->n = 0;
    object_functions(l->object, consider, l);
    if (l->n == 0)
        return true;
    qsort(l->candidates, l->n, sizeof *l->candidates, compare_candidates);
    l->assembly = assembly_open(l->object, l->strings, l->report->notes);
    for (uint32_t first = 0, end; goes_on && first < l->n; first = end) {
        l->n_code = 0;
        for (end = first; end < l->n && l->n_code < BATCH; end++)
            split(l, &l->candidates[end]);
        find_lines(l);
        for (uint32_t i = first; goes_on && i < end; i++)
            goes_on = show(l, &l->candidates[i], fn, to);
    }
    assembly_close(l->assembly);
    l->assembly = NULL;
    return goes_on;
}

bool routines_each(const struct report *report, const char *option, routine_fn *fn, void *to,
                   struct error *err)
{
    const struct symbols *symbols = report->view->symbols;
    const char *expression = report->options->expression ? report->options->expression : "";
    struct listing l = {
        .report = report,
        .strings = report->view->profile->strings,
        .regex = regex_new(option, span_of(expression), err),
        .bytes_left = CODE_MAX,
    };
    if (!l.regex)
        return false;
    const uint32_t n_images = symbols && report->objects ? symbols->n_images : 0;
    uint32_t *image_at = base_alloc((size_t)n_images + 1, sizeof *image_at);
    struct value *values = n_images ? collect(&l, image_at) : NULL;
    bool goes_on = true;
    for (image_ix i = 0; goes_on && i < n_images; i++) {
        l.object = object_set_at(report->objects, i);
        l.values = values + image_at[i];
        l.n_values = image_at[i + 1] - image_at[i];
        if (l.object && l.n_values)
            goes_on = show_image(&l, fn, to);
    }
    if (report->tally)
        tally_unlisted(&l, values, image_at[n_images]);
    if (l.n_shown == 0)
        notes_add(report->notes, "No routine with samples matches '%s'", expression);
    base_free(values);
    base_free(image_at);
    base_free(l.candidates);
    base_free(l.code);
    regex_free(l.regex);
    return true;
}

const char *report_cell(const struct view *view, double value, char text[UNITS_TEXT])
{
    return value == 0 ? "." : view_value_text(view, value, text);
}
