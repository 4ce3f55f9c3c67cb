/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Frames and addresses in words, the same for every report. Apart from granularity.c because
 * outputs that list whole stacks have no entries. The invariant: every address has a frame, a
 * stand-in where symbols have none. */
#include "graph/internal.h"

uint32_t view_n_frames(const struct view *view, addr_ix addr)
{
    const struct symbols *symbols = view->symbols;
    const uint32_t n = symbols ? symbols->addr_at[addr + 1] - symbols->addr_at[addr] : 0;
    return n ? n : 1;
}

const struct frame *view_frame(const struct view *view, addr_ix addr, uint32_t i)
{
    const struct symbols *symbols = view->symbols;
    if (!symbols)
        return view->missing;
    if (symbols->addr_at[addr] != symbols->addr_at[addr + 1])
        return &symbols->frames[symbols->addr_frame[symbols->addr_at[addr] + i]];
    return symbols->addr_state[addr] == ADDRESS_BLANK ? view->blank : view->missing;
}

const struct frame *view_physical(const struct view *view, addr_ix addr)
{
    return view_frame(view, addr, view_n_frames(view, addr) - 1);
}

static const char *text_or_address(const struct view *view, addr_ix addr, str_id name,
                                   const struct frame *frame, char text[20])
{
    if (frame == view->missing)
        return profile_address_text(view->profile, addr, text);
    return strings_text(view->profile->strings, name);
}

const char *view_name_text(const struct view *view, addr_ix addr, const struct frame *frame,
                           char text[20])
{
    return text_or_address(view, addr, frame->name, frame, text);
}

const char *view_full_text(const struct view *view, addr_ix addr, const struct frame *frame,
                           char text[20])
{
    return text_or_address(view, addr, frame->full, frame, text);
}

const char *view_place_text(const struct view *view, const struct frame *frame, struct buf *scratch)
{
    const struct strings *strings = view->profile->strings;
    if (frame->line == LINE_NONE)
        return strings_text(strings, frame->file);
    buf_clear(scratch);
    buf_add(scratch, strings_span(strings, frame->file));
    buf_printf(scratch, ":%u", frame->line);
    return buf_c(scratch);
}

bool view_has_place(const struct view *view, const struct frame *frame)
{
    return frame->file != 0 && !(frame->line == LINE_NONE &&
                                 span_is(strings_span(view->profile->strings, frame->file), "?"));
}

bool view_address_is_skipped(const struct view *view, addr_ix addr)
{
    return view->profile->address_digits == 16 && view->profile->addr_pc[addr] > INT64_MAX;
}
