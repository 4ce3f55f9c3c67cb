/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of report share and nobody else sees: a row each for the table in report.c, and
 * what several outputs have in common. */
#pragma once

#include "report/report.h"

extern const struct emitter text_emitter;
extern const struct emitter collapsed_emitter;
extern const struct emitter symbols_emitter;
extern const struct emitter callgrind_emitter;
extern const struct emitter raw_emitter;
extern const struct emitter dot_emitter;
extern const struct emitter pdf_emitter, ps_emitter, svg_emitter, gif_emitter, png_emitter;

/* The section of --stacks: every stack, and for heap profiles every sample line. */
void stacks_write(const struct report *report, struct out *out);

/* The profile's addresses in increasing order; the arena's. */
addr_ix *report_addresses(const struct report *report);

/* FILE:LINE of a frame, "??:0" where there is no file to speak of. The scratch's. */
const char *report_place(const struct view *view, const struct frame *frame, struct buf *scratch);

/* Whether nothing is known of the frame but its address. */
bool report_is_unknown(const struct view *view, const struct frame *frame);

/* Bounds a frame in words: names of templates run to many thousands of bytes. */
#define WORDS_MAX ((size_t)1 << 24)

/* ---- a call graph cut to a page, for DOT text and pictures ------------------------------------
 */

/* Folds and trims; "No nodes to print" is an error. A note tells the limits. */
bool page_make(const struct report *report, struct trimmed *out, struct error *err) CHECKED;
double page_font_size(const struct trimmed *page, const struct node *node);
double page_edge_width(const struct trimmed *page, const struct edge *edge);
int page_edge_weight(const struct edge *edge);
bool page_edge_is_dashed(const struct view *view, const struct trimmed *page,
                         const struct edge *edge);
/* "5 (50.0%)", and where it called others "of 8 (80.0%)" behind `line_end`. */
void page_node_numbers(const struct view *view, const struct trimmed *page, const struct node *node,
                       const char *line_end, struct buf *out);
