/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Answers to the addresses on standard input, a line each, in their order: what a program that
 * reports its own leaks asks for. Answers are matched by position, so that every address has one,
 * repeats and all, and nothing is left out or filtered. */
#include "report/internal.h"

/* By hand: there may be millions of frames. */
static void write_place(const struct view *view, const struct frame *frame, struct out *out)
{
    const struct span file = strings_span(view->profile->strings, frame->file);
    if (!view_has_place(view, frame) || (frame->line == 0 && span_is(file, "??")))
        return;
    out_byte(out, ' ');
    out_bytes(out, file);
    if (frame->line == LINE_NONE)
        return;
    out_byte(out, ':');
    out_u64(out, frame->line);
}

/* All frames of a known address, innermost first, each with its place. */
static void write_frames(const struct view *view, addr_ix addr, struct out *out)
{
    const uint32_t n = view_n_frames(view, addr);
    for (uint32_t k = 0; k < n; k++) {
        const struct frame *frame = view_frame(view, addr, k);
        if (k > 0)
            out_byte(out, '\t');
        out_bytes(out, strings_span(view->profile->strings, frame->name));
        write_place(view, frame, out);
    }
}

static bool emit(const struct report *report, struct out *out, struct error *err)
{
    (void)err;
    const struct view *view = report->view;
    const struct profile *profile = view->profile;
    const bool has_places = report->options->granularity == GRANULARITY_LINES;
    const uint32_t n = profile->n_stacks ? profile->stack_at[1] : 0;
    for (uint32_t i = 0; i < n && !out_failed(out); i++) {
        const addr_ix addr = profile->stack_addr[i];
        const struct frame *frame = view_physical(view, addr);
        char text[20];
        if (report_is_unknown(view, frame))
            out_text(out, "??");
        else if (has_places)
            write_frames(view, addr, out);
        else
            out_text(out, view_name_text(view, addr, frame, text));
        out_byte(out, '\n');
    }
    return true;
}

const struct emitter symbols_emitter = {
    .name = "symbols",
    .help = "names for the addresses on standard input",
    .extension = "txt",
    .more =
        "Reads lines of a memory map and lines with a hexadecimal address each, and answers each "
        "address with the name of its function, or ?? where there is none. Heap leak checkers "
        "ask in this way. With --lines an answer has all frames of the address, inlined ones "
        "first, each "
        "with FILE:LINE where that is known, and tabs between.",
    .reader = "addresses",
    .grain = GRANULARITY_ADDRESSES,
    .has_no_values = true,
    .is_classic = true,
    .emit = emit,
};
