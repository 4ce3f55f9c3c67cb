/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a row of a report stands for: the table of granularities and the text of an entry in each.
 * The texts are those that users of the Perl tool know, odd ones included, because reports are
 * compared and scripts read them; docs/reports.md has the table. */
#include "graph/internal.h"

const struct granularity granularities[GRANULARITY_COUNT] = {
    [GRANULARITY_FUNCTIONS] = {.name = "functions", .help = "one row a function (the default)"},
    [GRANULARITY_LINES] = {.name = "lines", .help = "one row a source line"},
    [GRANULARITY_ADDRESSES] = {.name = "addresses", .help = "one row an address"},
    [GRANULARITY_FILES] = {.name = "files", .help = "one row a source file"},
};
_Static_assert(COUNT_OF(granularities) == GRANULARITY_COUNT, "a row each");

uint8_t *find_shared_names(const struct view *view)
{
    const struct profile *profile = view->profile;
    const struct symbols *symbols = view->symbols;
    if (!symbols)
        return NULL;
    uint8_t *is_seen = base_alloc(symbols->n_frames, 1);
    struct idmap first_of = {0}; /* short name to the first frame that has it */
    struct idmap shared = {0};
    bool is_any = false;
    for (addr_ix a = 0; a < profile->n_addrs; a++) {
        if (symbols->addr_at[a] == symbols->addr_at[a + 1])
            continue;
        const frame_ix f = symbols->addr_frame[symbols->addr_at[a + 1] - 1];
        const struct frame *frame = &symbols->frames[f];
        if (is_seen[f] || !frame->has_entry)
            continue;
        is_seen[f] = 1;
        const struct frame *first = &symbols->frames[idmap_add(&first_of, frame->name, f, NULL)];
        if (first->full != frame->full || first->entry != frame->entry) {
            (void)idmap_add(&shared, frame->name, 0, NULL);
            is_any = true;
        }
    }
    idmap_free(&first_of);

    if (!is_any) {
        base_free(is_seen);
        is_seen = NULL;
    } else {
        uint32_t id;
        for (frame_ix f = 0; f < symbols->n_frames; f++)
            is_seen[f] =
                symbols->frames[f].has_entry && idmap_find(&shared, symbols->frames[f].name, &id);
    }
    idmap_free(&shared);
    return is_seen;
}

static bool is_stand_in(const struct view *view, const struct frame *frame)
{
    return frame == view->blank || frame == view->missing;
}

static bool is_shared(const struct view *view, const struct entry_style *style,
                      const struct frame *frame)
{
    return style->is_shared && !is_stand_in(view, frame) &&
           style->is_shared[frame - view->symbols->frames];
}

bool entry_is_callback(const struct view *view, const struct entry_style *style,
                       const struct frame *frame)
{
    if (style->granularity == GRANULARITY_FILES || frame->is_inlined ||
        is_shared(view, style, frame))
        return false;
    const struct span name = strings_span(view->profile->strings, frame->name);
    if (!span_ends(name, "::Run"))
        return false;
    return span_find_text(span_first(name, name.n - strlen("::Run")), "Callback") != SIZE_MAX;
}

/* Whether the address has to stand for the frame, for want of anything better. */
static bool is_unknown(const struct view *view, const struct entry_style *style,
                       const struct frame *frame)
{
    const bool is_unnamed = frame->name == view->blank->name;
    const bool is_unplaced = frame->file == view->blank->file && frame->line == 0;
    switch (style->granularity) {
    case GRANULARITY_FILES:
        return is_unplaced || frame->file == 0;
    case GRANULARITY_LINES:
        return is_unnamed && is_unplaced;
    case GRANULARITY_FUNCTIONS:
        return is_unnamed || frame == view->missing;
    default:
        return false;
    }
}

bool entry_is_of_frame(const struct view *view, const struct entry_style *style,
                       const struct frame *frame)
{
    return !is_stand_in(view, frame) && style->granularity != GRANULARITY_ADDRESSES &&
           !(style->show_addresses && style->granularity != GRANULARITY_FILES) &&
           !is_unknown(view, style, frame);
}

static void add_name(const struct view *view, const struct entry_style *style, addr_ix addr,
                     const struct frame *frame, uint32_t run, struct buf *out)
{
    char text[20];
    if (run) {
        buf_printf(out, "Run#%u", run);
        return;
    }
    buf_text(out, view_name_text(view, addr, frame, text));
    if (is_shared(view, style, frame))
        buf_printf(out, "@%llx", (unsigned long long)frame->entry);
    if (frame->is_inlined)
        buf_text(out, " (inline)");
}

/* "FILE:LINE", "FILE" where a line has no meaning, nothing for a missing frame. */
static void add_place(const struct view *view, const struct frame *frame, struct buf *out)
{
    buf_add(out, strings_span(view->profile->strings, frame->file));
    if (frame->line != LINE_NONE)
        buf_printf(out, ":%u", frame->line);
}

str_id entry_label(const struct view *view, const struct entry_style *style, addr_ix addr,
                   const struct frame *frame, uint32_t run, struct buf *scratch)
{
    struct strings *strings = view->profile->strings;
    char text[20];
    const char *address = profile_address_text(view->profile, addr, text);
    if (is_unknown(view, style, frame))
        return strings_add_text(strings, address);
    if (style->granularity == GRANULARITY_FILES)
        return frame->file;

    buf_clear(scratch);
    if (style->granularity == GRANULARITY_ADDRESSES)
        buf_printf(scratch, "%s ", address);
    add_name(view, style, addr, frame, run, scratch);
    if (style->granularity != GRANULARITY_FUNCTIONS) {
        buf_byte(scratch, ' ');
        add_place(view, frame, scratch);
    }
    if (style->show_addresses && style->granularity != GRANULARITY_ADDRESSES &&
        frame != view->missing)
        buf_printf(scratch, " (%s)", address);
    return strings_add(strings, buf_span(scratch));
}
