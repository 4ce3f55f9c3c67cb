/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of graph share and nobody else sees. */
#pragma once

#include "graph/graph.h"

/* Fills the view's stacks and values from the profile's samples, without the frames that reports of
 * its kind leave out; stacks that become equal are one. The view has its profile, symbols,
 * stand-ins, column and arena already. */
void prune_stacks(struct view *view, const struct view_options *options, struct notes *notes);

/* Leaves out the frames that --hide and its like are about; see frames.c. */
void filter_frames(struct view *view, const struct view_options *options);

/* Where the profile's stacks went, after the view's own moved once more. */
void follow_stacks(struct view *view, const uint32_t *new_of);

/* Makes one stack of equal ones: room is filled with the addresses, then added; at most so many
 * stacks and addresses in all. The arena's. */
struct join {
    uint32_t *at;
    addr_ix *addrs;
    struct join_slot *slots;
    size_t n_slots;
    uint32_t n;
};
void join_begin(struct join *join, struct arena *arena, uint32_t n_stacks, size_t n_addrs);
addr_ix *join_room(struct join *join);
uint32_t join_add(struct join *join, uint32_t depth); /* its number, new or known */
void join_end(struct join *join, struct view *view);  /* the stacks become the view's */

/* Which short names stand for several functions of a profile and are shown with the address of
 * each. Indexed by frame; base_alloc'ed, NULL where there are none. */
uint8_t *find_shared_names(const struct view *view);

/* Writes the text of an entry: what one row stands for. */
struct entry_style {
    enum granularity_kind granularity;
    bool show_addresses, is_plain;
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
