/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Names from ELF files and their debug files: one sorted batch an image. DWARF says which frames an
 * address has; the symbol table says what their function is called where DWARF does not, and which
 * of its names reports show. */
#include <stdio.h>

#include "base/radix.h"
#include "symbolize/answers.h"

struct batch {
    struct resolver *r;
    const struct planned_image *image;
    const struct radix_item *items; /* place in the image, address; by place */
    uint32_t n;
    str_id unknown; /* "??" */
};

static bool accepts(const struct resolver *r)
{
    return !r->profile->is_symbolized;
}

/* The symbol's own spelling of a function's name wins where it begins with the short one: it may
 * say more (".part.0", "[clone .isra.0]"), and it tells functions of one name apart. */
static void choose_name(const struct batch *batch, const char *dwarf_name,
                        const struct object_symbol *symbol, struct frame *frame)
{
    struct name_cache *names = &batch->r->names;
    struct name name = name_of_raw(names, dwarf_name ? dwarf_name : symbol->name);
    if (symbol) {
        const struct name alias = name_of_raw(names, symbol->alias);
        if (name_is_spelled(names, name, alias)) {
            name = alias;
            frame->has_entry = symbol->alias_is_tagged;
            frame->entry = frame->has_entry ? symbol->value : 0;
        }
    }
    frame->name = name.shown;
    frame->full = name.full;
    frame->brief = name.brief == name.shown ? 0 : name.brief;
}

static struct frame place_frame(const struct batch *batch, const struct object_frame *from)
{
    struct frame frame = {.name = batch->unknown, .full = batch->unknown, .file = batch->unknown};
    if (from && from->file) {
        frame.file = text_of_raw(&batch->r->names, from->file);
        frame.line = from->line;
    }
    return frame;
}

/* A name that only the source knows gives way to the symbol's: Fortran's "p" is MAIN__. */
static const char *name_in_dwarf(const struct object_frame *physical, bool has_symbol)
{
    if (!physical || (has_symbol && !physical->is_linkage_name))
        return NULL;
    return physical->name;
}

/* What was named last: calls around one address are often those around the next one, too. */
struct named {
    const struct object_frame *frames;
    uint32_t n;
    addr_ix addr;
};

static bool is_same(const struct object_frame *a, const struct object_frame *b)
{
    return a->name == b->name && a->file == b->file && a->line == b->line &&
           a->is_linkage_name == b->is_linkage_name;
}

/* Takes an inlined call from the last address, where it is called from the same place. */
static bool add_again(struct resolver *r, addr_ix addr, const struct object_frame *frame,
                      uint32_t outside, const struct named *last)
{
    if (outside >= last->n)
        return false;
    const uint32_t i = last->n - 1 - outside;
    if (!is_same(frame, &last->frames[i]))
        return false;
    resolver_add_again(r, addr, r->addr_first[last->addr] + i);
    return true;
}

/* Names the address of one item, from what DWARF says of its place. */
static void name_item(const struct batch *batch, addr_ix addr, uint64_t place,
                      const struct object_frame *frames, uint32_t n, struct named *last)
{
    struct resolver *r = batch->r;
    struct object_symbol symbol;
    const bool has_symbol = object_symbol(batch->image->object, place, &symbol);
    const struct object_frame *physical = n ? &frames[n - 1] : NULL;
    const bool has_name = has_symbol || (physical && physical->name);
    if (!has_name && n <= 1) {
        resolver_unnamed(r, addr, batch->unknown, 0);
        return;
    }
    resolver_begin(r, addr);
    for (uint32_t i = 0; i + 1 < n; i++) {
        if (add_again(r, addr, &frames[i], n - 1 - i, last))
            continue;
        struct frame frame = place_frame(batch, &frames[i]);
        frame.is_inlined = true;
        if (frames[i].name)
            choose_name(batch, frames[i].name, NULL, &frame);
        resolver_add(r, addr, &frame);
    }
    struct frame frame = place_frame(batch, physical);
    if (has_name)
        choose_name(batch, name_in_dwarf(physical, has_symbol), has_symbol ? &symbol : NULL,
                    &frame);
    resolver_add(r, addr, &frame);
    resolver_end(r, addr, ADDRESS_NAMED);
    *last = (struct named){.frames = frames, .n = n, .addr = addr};
}

/* Hears of the share of one batch and tells of the share of the whole. */
struct batch_progress {
    const struct resolver *r;
    const char *doing;
    uint32_t n;
};

static void tell_share(void *to, const char *doing, double share)
{
    (void)doing;
    const struct batch_progress *p = to;
    progress_step(p->r->progress, p->doing,
                  (p->r->n_done + share * p->n) /
                      (p->r->profile->n_addrs ? p->r->profile->n_addrs : 1));
}

static bool is_stopped(void *to)
{
    const struct batch_progress *p = to;
    return progress_is_stopped(p->r->progress);
}

/* Names an address as an earlier run did. */
static bool name_kept(const struct batch *batch, struct answers *kept,
                      const struct radix_item *item)
{
    uint32_t i;
    if (!answers_find(kept, item->key, &i))
        return false;
    struct resolver *r = batch->r;
    if (kept->at[i] == kept->at[i + 1]) {
        resolver_unnamed(r, item->value, batch->unknown, 0);
        return true;
    }
    resolver_begin(r, item->value);
    for (uint32_t k = kept->at[i]; k < kept->at[i + 1]; k++) {
        const struct frame frame = answers_frame(kept, kept->refs[k], r->profile->strings);
        resolver_add(r, item->value, &frame);
    }
    resolver_end(r, item->value, ADDRESS_NAMED);
    return true;
}

/* Asks DWARF for the places of those that have no name yet. */
static void name_asked(const struct batch *batch)
{
    struct resolver *r = batch->r;
    const struct radix_item *items = batch->items;
    uint64_t *places = base_alloc(batch->n, sizeof *places);
    uint32_t n_places = 0;
    for (uint32_t i = 0; i < batch->n; i++) {
        if (r->addr_state[items[i].value] == STATE_OPEN &&
            (n_places == 0 || items[i].key != places[n_places - 1]))
            places[n_places++] = items[i].key;
    }
    struct batch_progress told = {.r = r, .n = batch->n};
    told.doing = span_file_name(span_of(batch->image->path)).p;
    const struct progress progress = {.step = tell_share, .is_stopped = is_stopped, .to = &told};
    tell_share(&told, NULL, 0);

    struct object_answer answer;
    object_frames(batch->image->object, places, n_places, &progress, r->notes, &answer);
    struct named last = {0};
    uint32_t p = 0;
    for (uint32_t i = 0; i < batch->n; i++) {
        if (r->addr_state[items[i].value] != STATE_OPEN)
            continue;
        p += items[i].key != places[p];
        name_item(batch, items[i].value, items[i].key, answer.frames + answer.at[p],
                  answer.at[p + 1] - answer.at[p], &last);
    }
    object_answer_free(&answer);
    base_free(places);
}

static void name_batch(const struct batch *batch)
{
    struct resolver *r = batch->r;
    const uint32_t n_notes = r->notes ? r->notes->n : 0;
    struct answers kept;
    answers_load(&kept, r, batch->image->object);
    uint32_t n_kept = 0;
    for (uint32_t i = 0; i < batch->n; i++)
        n_kept += name_kept(batch, &kept, &batch->items[i]);
    if (n_kept < batch->n) {
        name_asked(batch);
        /* Who was stopped does not know all, and what is damaged is told again. */
        if (!progress_is_stopped(r->progress) && r->notes && r->notes->n == n_notes)
            answers_store(&kept, r, batch->image->object, batch->items, batch->n);
    }
    answers_free(&kept);
}

/* Addresses that wait for an image, those of one image together: of image i items[at[i]] up to
 * items[at[i + 1]]. */
static struct radix_item *collect(const struct resolver *r, uint32_t *at)
{
    const uint32_t n = r->profile->n_addrs;
    for (addr_ix a = 0; a < n; a++) {
        if (r->addr_state[a] == STATE_OPEN && r->addr_image[a] != IMAGE_NONE)
            at[r->addr_image[a]]++;
    }
    uint32_t sum = 0;
    for (image_ix i = 0; i <= r->n_images; i++) {
        const uint32_t count = at[i];
        at[i] = sum;
        sum += count;
    }
    struct radix_item *items = base_alloc(sum, sizeof *items);
    for (addr_ix a = 0; a < n; a++) {
        if (r->addr_state[a] == STATE_OPEN && r->addr_image[a] != IMAGE_NONE)
            items[at[r->addr_image[a]]++] =
                (struct radix_item){.key = r->addr_place[a], .value = a};
    }
    for (image_ix i = r->n_images; i > 0; i--) /* each start is now where the next one starts */
        at[i] = at[i - 1];
    at[0] = 0;
    return items;
}

static void resolve(struct resolver *r)
{
    images_plan(r);
    uint32_t *at = base_alloc((size_t)r->n_images + 1, sizeof *at);
    struct radix_item *items = collect(r, at);
    for (image_ix i = 0; i < r->n_images && !progress_is_stopped(r->progress); i++) {
        const struct batch batch = {
            .r = r,
            .image = &r->images[i],
            .items = items + at[i],
            .n = at[i + 1] - at[i],
            .unknown = strings_add_text(r->profile->strings, "??"),
        };
        if (!batch.n || !batch.image->object)
            continue;
        radix_sort(items + at[i], batch.n);
        name_batch(&batch);
        r->n_done += batch.n;
    }
    base_free(items);
    base_free(at);
}

const struct symbol_source source_elf = {
    .name = "elf",
    .accepts = accepts,
    .resolve = resolve,
};
