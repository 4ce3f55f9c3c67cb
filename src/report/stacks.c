/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The section that --stacks puts before the table: every stack with its value, and for heap
 * profiles every sample line as a leak. Values are whole numbers in the profile's own unit (bytes,
 * nanoseconds), whatever the table shows. */
#include "report/internal.h"

#include <stdlib.h>

/* ---- stacks -------------------------------------------------------------------------------------
 */

/* "(ADDRESS) FILE:LINE:NAME" */
static void write_frame(const struct view *view, addr_ix addr, struct buf *scratch, struct out *out)
{
    const struct frame *frame = view_physical(view, addr);
    char text[20];
    out_printf(out, "(%s) ", profile_address_text(view->profile, addr, text));
    out_text(out, report_place(view, frame, scratch));
    out_byte(out, ':');
    out_text(out,
             report_is_unknown(view, frame) ? "unknown" : view_name_text(view, addr, frame, text));
}

static void write_stacks(const struct view *view, struct buf *scratch, struct out *out)
{
    out_text(out, "Stacks:\n\n");
    const uint32_t *order = view_stack_order(view);
    for (uint32_t i = 0; i < view->n_stacks && !out_failed(out); i++) {
        const uint32_t s = order[i];
        char value[UNITS_TEXT];
        out_printf(out, "%-8s ", units_whole(value, view->stack_value[s]));
        for (uint32_t k = view->stack_at[s]; k < view->stack_at[s + 1]; k++) {
            if (k > view->stack_at[s])
                out_text(out, "\n         ");
            write_frame(view, view->stack_addr[k], scratch, out);
        }
        out_text(out, "\n\n");
    }
}

/* ---- leaks --------------------------------------------------------------------------------------
 */

enum { OBJECTS, BYTES, ALL_OBJECTS, ALL_BYTES }; /* values of a record */

struct ranked_record {
    double bytes;
    uint32_t record;
};

static int compare_records(const void *a, const void *b)
{
    const struct ranked_record *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    return (x->record > y->record) - (x->record < y->record);
}

static struct ranked_record *sort_records(const struct report *report)
{
    const struct profile *profile = report->view->profile;
    const uint32_t n = profile->n_records;
    struct ranked_record *sorted = arena_alloc(report->arena, n, sizeof *sorted);
    for (uint32_t i = 0; i < n; i++) {
        const double bytes = profile->records[i].values[BYTES];
        sorted[i] = (struct ranked_record){
            .bytes = bytes == bytes ? bytes : -__builtin_inf(),
            .record = i,
        };
    }
    if (n)
        qsort(sorted, n, sizeof *sorted, compare_records);
    return sorted;
}

/* The first address stands as it was spelled in the file. Callers were made one less and are
 * padded, except in symbolized profiles, where they are as spelled, too: as wide as the first if
 * that was padded. */
static void write_address(const struct profile *profile, const struct record *record, uint32_t i,
                          addr_ix addr, struct out *out)
{
    char text[20];
    if (i > 0 && !profile->is_symbolized) {
        out_text(out, profile_address_text(profile, addr, text));
        return;
    }
    const addr_ix first = profile->stack_addr[profile->stack_at[record->stack]];
    const uint64_t pc = profile->addr_pc[addr], first_pc = profile->addr_pc[first];
    const bool is_padded =
        record->digits > 1 && record->digits <= 16 && first_pc >> (4 * (record->digits - 1)) == 0;
    const int width = i == 0 || is_padded ? (int)(record->digits > 16 ? 16 : record->digits) : 1;
    out_printf(out, "%0*llx", width, (unsigned long long)pc);
}

/* "1 2048 1 2048 0x401000 ..." */
static void write_line(const struct view *view, const struct record *record, struct out *out)
{
    const struct profile *profile = view->profile;
    for (int k = OBJECTS; k <= ALL_BYTES; k++) {
        char text[UNITS_TEXT];
        out_printf(out, "%s ", units_general(text, record->values[k]));
    }
    const uint32_t begin = profile->stack_at[record->stack];
    const uint32_t depth = profile->stack_at[record->stack + 1] - begin;
    for (uint32_t i = 0; i < depth; i++) {
        if (i)
            out_byte(out, ' ');
        if (i == 0 || profile->is_symbolized)
            out_text(out, "0x");
        write_address(profile, record, i, profile->stack_addr[begin + i], out);
    }
    out_byte(out, '\n');
}

static void write_leak(const struct view *view, const struct record *record, struct buf *scratch,
                       struct out *out)
{
    const struct profile *profile = view->profile;
    char bytes[UNITS_TEXT], objects[UNITS_TEXT];
    out_printf(out, "Leak of %s bytes in %s objects allocated from:\n",
               units_general(bytes, record->values[BYTES]),
               units_general(objects, record->values[OBJECTS]));
    const uint32_t begin = profile->stack_at[record->stack];
    const uint32_t depth = profile->stack_at[record->stack + 1] - begin;
    for (uint32_t i = 0; i < depth; i++) {
        const addr_ix addr = profile->stack_addr[begin + i];
        const struct frame *frame = view_physical(view, addr);
        out_text(out, "\t@ ");
        write_address(profile, record, i, addr, out);
        out_byte(out, ' ');
        if (report_is_unknown(view, frame)) {
            out_text(out, "unknown\n");
            continue;
        }
        char text[20];
        out_text(out, view_name_text(view, addr, frame, text));
        out_byte(out, ' ');
        out_text(out, view_place_text(view, frame, scratch));
        out_byte(out, '\n');
    }
}

void stacks_write(const struct report *report, struct out *out)
{
    const struct view *view = report->view;
    const struct profile *profile = view->profile;
    struct buf scratch = BUF_MAX(WORDS_MAX);
    write_stacks(view, &scratch, out);
    if (profile->kind == PROFILE_HEAP || profile->kind == PROFILE_GROWTH) {
        const struct ranked_record *sorted = sort_records(report);
        for (uint32_t i = 0; i < profile->n_records && !out_failed(out); i++) {
            const struct record *record = &profile->records[sorted[i].record];
            if (report->options->debug)
                write_line(view, record, out);
            write_leak(view, record, &scratch, out);
        }
        out_byte(out, '\n');
    }
    buf_free(&scratch);
}
