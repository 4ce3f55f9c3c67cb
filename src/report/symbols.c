/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Answers to the addresses on standard input, a line each, in their order: what a program that
 * reports its own leaks asks for. Answers are matched by position, so that every address has one,
 * repeats and all, and nothing is left out or filtered. */
#include "report/internal.h"

static bool emit(const struct report *report, struct out *out, struct error *err)
{
    (void)err;
    const struct view *view = report->view;
    const struct profile *profile = view->profile;
    const uint32_t n = profile->n_stacks ? profile->stack_at[1] : 0;
    for (uint32_t i = 0; i < n && !out_failed(out); i++) {
        const addr_ix addr = profile->stack_addr[i];
        const struct frame *frame = view_physical(view, addr);
        char text[20];
        out_text(out,
                 report_is_unknown(view, frame) ? "??" : view_name_text(view, addr, frame, text));
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
        "ask in this way.",
    .reader = "addresses",
    .grain = GRANULARITY_ADDRESSES,
    .has_fixed_grain = true,
    .has_no_values = true,
    .is_classic = true,
    .emit = emit,
};
