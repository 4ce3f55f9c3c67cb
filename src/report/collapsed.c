/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One line a stack, outermost function first, for flame graph tools. Full names, every inlined
 * function a frame of its own; the order is that of addresses, so that equal profiles give equal
 * files. */
#include "report/internal.h"

/* The separator has no way to be escaped: flame graph tools make it a colon where it is part of a
 * name, as Java's are. */
static void write_name(const char *name, struct out *out)
{
    struct span rest = span_of(name);
    for (size_t at; (at = span_find(rest, ';')) != SIZE_MAX; rest = span_skip(rest, at + 1)) {
        out_bytes(out, span_first(rest, at));
        out_byte(out, ':');
    }
    out_bytes(out, rest);
}

static void write_frame(const struct view *view, addr_ix addr, const struct frame *frame,
                        struct buf *scratch, struct out *out)
{
    char text[20];
    const bool is_unnamed = frame->full == view->blank->full;
    write_name(is_unnamed ? view_place_text(view, frame, scratch)
                          : view_full_text(view, addr, frame, text),
               out);
    if (frame->is_inlined)
        out_text(out, "[inline]");
}

static bool emit(const struct report *report, struct out *out, struct error *err)
{
    (void)err;
    const struct view *view = report->view;
    const uint32_t *order = view_stack_order(view);
    struct buf scratch = BUF_MAX(WORDS_MAX);
    for (uint32_t i = 0; i < view->n_stacks && !out_failed(out); i++) {
        const uint32_t s = order[i], begin = view->stack_at[s], end = view->stack_at[s + 1];
        for (uint32_t k = end; k > begin; k--) {
            const addr_ix addr = view->stack_addr[k - 1];
            const uint32_t n = view_n_frames(view, addr);
            if (k < end)
                out_byte(out, ';');
            for (uint32_t f = n; f > 0; f--) {
                if (f < n)
                    out_byte(out, ';');
                write_frame(view, addr, view_frame(view, addr, f - 1), &scratch, out);
            }
        }
        char value[UNITS_TEXT];
        tally_row(report, view->stack_value[s]);
        out_byte(out, ' ');
        out_text(out, units_whole(value, view->stack_value[s]));
        out_byte(out, '\n');
    }
    buf_free(&scratch);
    return true;
}

const struct emitter collapsed_emitter = {
    .name = "collapsed",
    .help = "one line a stack, for flame graph tools",
    .extension = "txt",
    .more = "Names of functions from the outermost to the innermost, joined by semicolons, then a "
            "space and the value. Functions that were inlined have [inline] behind their names.",
    .grain = GRANULARITY_FUNCTIONS,
    .is_classic = true,
    .emit = emit,
};
