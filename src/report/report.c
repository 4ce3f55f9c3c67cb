/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The table of outputs. A row here is an option, a prompt command and a paragraph of the manual;
 * the order is that of help. The first row is what comes out when nothing is asked for. */
#include "report/internal.h"

#include "base/radix.h"

const struct emitter *const emitters[] = {
    /* clang-format off */
    &text_emitter, &collapsed_emitter, &callgrind_emitter, &dot_emitter,
    &pdf_emitter,  &ps_emitter,        &svg_emitter,       &gif_emitter,
    &png_emitter,  &list_emitter,     &disasm_emitter,     &weblist_emitter,
    &raw_emitter,  &proto_emitter,    &symbols_emitter,
    &top_emitter,  &tree_emitter,     &peek_emitter,       &traces_emitter,
    &doctor_emitter,
    NULL,
    /* clang-format on */
};

const struct emitter *emitter_find(struct span name)
{
    for (size_t i = 0; emitters[i]; i++) {
        if (span_is(name, emitters[i]->name))
            return emitters[i];
    }
    return NULL;
}

const char *report_place(const struct view *view, const struct frame *frame, struct buf *scratch)
{
    return view_has_place(view, frame) ? view_place_text(view, frame, scratch) : "??:0";
}

bool report_is_unknown(const struct view *view, const struct frame *frame)
{
    return frame == view->missing;
}

const char *report_thread(const struct report *report)
{
    const char *thread = report->options->thread;
    return thread ? arena_printf(report->arena, " (%s)", thread) : "";
}

double report_whole(const struct view *view, double flat_total)
{
    if (view->base_total > 0)
        return view->base_total;
    return view->is_balanced ? view->magnitude : flat_total;
}

addr_ix *report_addresses(const struct report *report)
{
    const struct profile *profile = report->view->profile;
    const uint32_t n = profile->n_addrs;
    struct radix_item *items = base_alloc(n, sizeof *items);
    for (addr_ix a = 0; a < n; a++)
        items[a] = (struct radix_item){.key = profile->addr_pc[a], .value = a};
    radix_sort(items, n);
    addr_ix *order = arena_alloc(report->arena, n, sizeof *order);
    for (uint32_t i = 0; i < n; i++)
        order[i] = items[i].value;
    base_free(items);
    return order;
}
