/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of graph share and nobody else sees. */
#pragma once

#include "graph/graph.h"

/* Fills the view's stacks and values from the profile's samples, without the frames that reports of
 * its kind leave out; stacks that become equal are one. The view has its profile, symbols,
 * stand-ins, column and arena already. */
void prune_stacks(struct view *view, bool keep_signal_frames, struct notes *notes);

/* Which short names stand for several functions of a profile and are shown with the address of
 * each. Indexed by frame; base_alloc'ed, NULL where there are none. */
uint8_t *find_shared_names(const struct view *view);

/* Writes the text of an entry: what one row stands for. */
struct entry_style {
    enum granularity_kind granularity;
    bool show_addresses;
    const uint8_t *is_shared; /* from find_shared_names */
};

/* Whether the frame is one entry wherever it stands; else each address has its own. */
bool entry_is_of_frame(const struct view *view, const struct entry_style *style,
                       const struct frame *frame);

/* The entry of a frame at an address, interned. `run` is not 0 for a callback that is named
 * Run#<run>. */
str_id entry_label(const struct view *view, const struct entry_style *style, addr_ix addr,
                   const struct frame *frame, uint32_t run, struct buf *scratch);

/* Whether the frame is a callback's Run: told apart by what it called. */
bool entry_is_callback(const struct view *view, const struct entry_style *style,
                       const struct frame *frame);
