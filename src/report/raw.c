/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A profile that carries its names: a symbol section and behind it the stacks, so that it can be
 * read where the program is not at hand (docs/formats.md). Callers are as reports show them, one
 * less than they were recorded. Heaps and contention stay what they are; everything else becomes a
 * CPU profile. */
#include "report/internal.h"

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Whether the "--" at `at` belongs to C++'s operator, as readers see it. */
static bool is_of_operator(const char *name, size_t at)
{
    static const char word[] = "operator";
    const size_t n = sizeof word - 1;
    return at >= n && memcmp(name + at - n, word, n) == 0 && name[at + 2] != '-' &&
           (at == n || !is_word(name[at - n - 1]));
}

/* "--" stands between names: within one it is taken apart. */
static void write_name(struct out *out, const char *name)
{
    size_t from = 0, at = 0;
    for (; name[at]; at++) {
        if (name[at] != '-' || name[at + 1] != '-')
            continue;
        if (is_of_operator(name, at)) {
            at++;
            continue;
        }
        out_bytes(out, span_make(name + from, at + 1 - from));
        out_byte(out, ' ');
        from = at + 1;
    }
    out_bytes(out, span_make(name + from, at - from));
}

static void write_symbols(const struct report *report, struct out *out)
{
    const struct view *view = report->view;
    const struct profile *profile = view->profile;
    const uint32_t n = profile->n_addrs;
    addr_ix *order = report_addresses(report);
    char text[20], name[20];
    out_printf(out, "--- symbol\nbinary=%s\n",
               report->options->program ? report->options->program : "");
    for (uint32_t i = 0; i < n && !out_failed(out); i++) {
        const addr_ix a = order[i];
        if (a >= n - view->n_variants)
            continue; /* the symbols of an address are one line: all of them */
        const uint8_t state = view->symbols->addr_state[a];
        if (state == ADDRESS_MISSING || state == ADDRESS_BLANK)
            continue;
        out_printf(out, "0x%s ", profile_address_text(profile, a, text));
        for (uint32_t f = view_n_frames(view, a); f-- > 0;) {
            const struct frame *frame = view_frame(view, a, f);
            write_name(out, view_full_text(view, a, frame, name));
            if (frame->has_entry && !frame->is_inlined)
                out_printf(out, "<%016llx>", (unsigned long long)frame->entry);
            out_text(out, f ? "--" : "\n");
        }
    }
    out_text(out, "---\n");
}

static void put_word(struct out *out, uint64_t word)
{
    out_bytes(out, span_make(&word, sizeof word));
}

/* The machine's own words and byte order, as the profiler writes them. */
static void write_cpu(const struct report *report, struct out *out)
{
    const struct view *view = report->view;
    static const uint64_t header[] = {0, 3, 0, 1, 0};
    const uint32_t *order = view_stack_order(view);
    out_text(out, "--- profile\n");
    out_bytes(out, span_make(header, sizeof header));
    for (uint32_t i = 0; i < view->n_stacks && !out_failed(out); i++) {
        const uint32_t s = order[i], begin = view->stack_at[s], end = view->stack_at[s + 1];
        if (begin == end)
            continue;
        const int64_t value = units_to_i64(view->stack_value[s]);
        tally_row(report, (double)value);
        tally_add(report, TALLY_ROUNDED, view->column, view->stack_value[s] - (double)value);
        put_word(out, (uint64_t)value);
        put_word(out, end - begin);
        for (uint32_t k = begin; k < end; k++)
            put_word(out, view->profile->addr_pc[view->stack_addr[k]]);
    }
}

static void write_stack(const struct view *view, uint32_t s, struct out *out)
{
    char text[20];
    for (uint32_t k = view->stack_at[s]; k < view->stack_at[s + 1]; k++)
        out_printf(out, " 0x%s", profile_address_text(view->profile, view->stack_addr[k], text));
    out_byte(out, '\n');
}

/* The column of that name; the chosen one where there is none. */
static const double *find_column(const struct view *view, const double *columns, const char *name)
{
    const struct profile *profile = view->profile;
    for (column_ix c = 0; c < profile->n_columns; c++) {
        if (strcmp(strings_text(profile->strings, profile->columns[c].name), name) == 0)
            return columns + (size_t)c * view->n_stacks;
    }
    return view->stack_value;
}

static void write_heap(const struct report *report, struct out *out)
{
    const struct view *view = report->view;
    static const char *const names[] = {"inuse_objects", "inuse_space", "alloc_objects",
                                        "alloc_space"};
    enum { N = COUNT_OF(names) };
    const double *columns = view_columns(view), *values[N];
    double totals[N] = {0};
    char text[N][UNITS_TEXT];
    for (int c = 0; c < N; c++) {
        values[c] = find_column(view, columns, names[c]);
        for (uint32_t s = 0; s < view->n_stacks; s++)
            totals[c] += values[c][s];
        units_whole(text[c], totals[c]);
    }
    out_printf(out, "heap profile: %6s: %8s [%6s: %8s] @ %s\n", text[0], text[1], text[2], text[3],
               view->profile->kind == PROFILE_GROWTH ? "growth" : "heapprofile");
    const uint32_t *order = view_stack_order(view);
    for (uint32_t i = 0; i < view->n_stacks && !out_failed(out); i++) {
        const uint32_t s = order[i];
        if (view->stack_at[s] == view->stack_at[s + 1])
            continue;
        for (int c = 0; c < N; c++)
            units_whole(text[c], values[c][s]);
        tally_row(report, columns[(size_t)view->column * view->n_stacks + s]);
        out_printf(out, "%6s: %8s [%6s: %8s] @", text[0], text[1], text[2], text[3]);
        write_stack(view, s, out);
    }
}

/* A clock of one cycle a nanosecond: delays stand as they are. */
static void write_contention(const struct report *report, struct out *out)
{
    const struct view *view = report->view;
    const double *columns = view_columns(view);
    const double *delay = find_column(view, columns, "delay");
    const double *count = find_column(view, columns, "contentions");
    const uint32_t *order = view_stack_order(view);
    char text[UNITS_TEXT], text2[UNITS_TEXT];
    out_text(out, "--- contention\ncycles/second = 1000000000\nsampling period = 1\n");
    for (uint32_t i = 0; i < view->n_stacks && !out_failed(out); i++) {
        const uint32_t s = order[i];
        if (view->stack_at[s] == view->stack_at[s + 1])
            continue;
        out_printf(out, "%s %s @", units_whole(text, delay[s]), units_whole(text2, count[s]));
        tally_row(report, columns[(size_t)view->column * view->n_stacks + s]);
        write_stack(view, s, out);
    }
}

static bool emit(const struct report *report, struct out *out, struct error *err)
{
    (void)err;
    write_symbols(report, out);
    switch (report->view->profile->kind) {
    case PROFILE_HEAP:
    case PROFILE_GROWTH:
        write_heap(report, out);
        break;
    case PROFILE_CONTENTION:
        write_contention(report, out);
        break;
    case PROFILE_CPU:
    case PROFILE_OTHER:
    case PROFILE_ADDRESSES:
        write_cpu(report, out);
        break;
    }
    tally_unattributed(report, true);
    return true;
}

const struct emitter raw_emitter = {
    .name = "raw",
    .help = "the profile with its names inside, to be read elsewhere",
    .extension = "prof",
    .form = OUTPUT_BYTES,
    .grain = GRANULARITY_FUNCTIONS,
    .is_classic = true,
    .emit = emit,
};
