/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The chain of sources, and the answers on their way into the table that reports read. Frames are
 * kept once each; what sources say of one address lies together in a pool, in any order of
 * addresses, and is laid out by address at the end. */
#include "symbolize/internal.h"

#include <stdio.h>

/* In the order they are asked. */
static const struct symbol_source *const sources[] = {
    &source_embedded,
    &source_perf_map,
    &source_elf,
};

static bool is_same(const struct frame *a, const struct frame *b)
{
    return a->name == b->name && a->full == b->full && a->file == b->file && a->line == b->line &&
           a->entry == b->entry && a->has_entry == b->has_entry && a->is_inlined == b->is_inlined;
}

frame_ix frame_table_add(struct frame_table *table, const struct frame *frame)
{
    uint64_t key = hash_mix((uint64_t)frame->name << 32 | frame->full,
                            (uint64_t)frame->file << 32 | frame->line);
    key = hash_mix(key, frame->entry + (frame->has_entry ? 2 : 0) + frame->is_inlined);
    for (;; key++) {
        bool is_new;
        const frame_ix at = idmap_add(&table->of, key, table->n, &is_new);
        if (!is_new && is_same(&table->frames[at], frame))
            return at;
        if (is_new) {
            table->frames =
                base_grow(table->frames, &table->cap, (size_t)table->n + 1, sizeof *table->frames);
            table->frames[table->n++] = *frame;
            return at;
        }
    }
}

void frame_table_free(struct frame_table *table)
{
    base_free(table->frames);
    idmap_free(&table->of);
    *table = (struct frame_table){0};
}

void resolver_begin(struct resolver *r, addr_ix addr)
{
    r->addr_first[addr] = r->n_pool;
}

static void add(struct resolver *r, addr_ix addr, frame_ix frame)
{
    r->pool = base_grow(r->pool, &r->pool_cap, (size_t)r->n_pool + 1, sizeof *r->pool);
    r->pool[r->n_pool++] = frame;
    r->addr_count[addr]++;
}

void resolver_add(struct resolver *r, addr_ix addr, const struct frame *frame)
{
    add(r, addr, frame_table_add(&r->frames, frame));
}

void resolver_add_again(struct resolver *r, addr_ix addr, uint32_t place)
{
    add(r, addr, r->pool[place]);
}

void resolver_end(struct resolver *r, addr_ix addr, enum address_state state)
{
    r->addr_state[addr] = (uint8_t)state;
}

void resolver_unnamed(struct resolver *r, addr_ix addr, str_id file, uint32_t line)
{
    char text[20];
    const str_id name =
        strings_printf(r->profile->strings, "0x%s", profile_address_text(r->profile, addr, text));
    const struct frame frame = {.name = name, .full = name, .file = file, .line = line};
    resolver_begin(r, addr);
    resolver_add(r, addr, &frame);
    resolver_end(r, addr, ADDRESS_HEX);
}

/* Lays out the answers by address and hands everything over. */
static void finish(struct resolver *r, struct symbols *out)
{
    const uint32_t n = r->profile->n_addrs;
    struct symbols made = {
        .frames = r->frames.frames,
        .n_frames = r->frames.n,
        .addr_at = base_alloc((size_t)n + 1, sizeof *made.addr_at),
        .addr_frame = base_alloc(r->n_pool, sizeof *made.addr_frame),
        .addr_state = r->addr_state,
        .addr_image = r->addr_image,
        .addr_place = r->addr_place,
        .images = base_alloc(r->n_images, sizeof *made.images),
        .n_images = r->n_images,
        .places = r->places,
    };
    uint32_t at = 0;
    for (addr_ix a = 0; a < n; a++) {
        made.addr_at[a] = at;
        for (uint32_t i = 0; i < r->addr_count[a]; i++)
            made.addr_frame[at++] = r->pool[r->addr_first[a] + i];
    }
    made.addr_at[n] = at;
    for (image_ix i = 0; i < r->n_images; i++) {
        made.images[i] = (struct image){
            .path = strings_clean(r->profile->strings,
                                  strings_add_text(r->profile->strings, r->images[i].path)),
            .is_program = r->images[i].is_program,
            .is_deleted = r->images[i].is_deleted,
            .wanted = r->images[i].wanted,
            .build_id = r->images[i].told_id,
            .found_id = r->images[i].found_id,
            .trouble = r->images[i].trouble,
            .place = r->images[i].place,
            .n_places = r->images[i].n_places,
        };
    }
    *out = made;
}

bool symbolize(const struct profile *profile, const struct symbolize_options *options,
               const struct progress *progress, struct object_set *objects, struct symbols *out,
               struct notes *notes, struct error *err)
{
    const uint32_t n = profile->n_addrs;
    struct resolver r = {
        .profile = profile,
        .options = options,
        .progress = progress,
        .notes = notes,
        .objects = objects,
        .arena = arena_new(),
        .names = {.strings = profile->strings, .naming = options->naming},
        .addr_image = base_alloc(n, sizeof *r.addr_image),
        .addr_place = base_alloc(n, sizeof *r.addr_place),
        .addr_state = base_alloc(n, sizeof *r.addr_state),
        .addr_first = base_alloc(n, sizeof *r.addr_first),
        .addr_count = base_alloc(n, sizeof *r.addr_count),
    };
    if (options->debuginfod)
        object_set_ask(objects, debuginfod_new(options->debuginfod, progress));
    for (addr_ix a = 0; a < n; a++) {
        r.addr_state[a] = STATE_OPEN;
        r.addr_image[a] = IMAGE_NONE;
        r.addr_place[a] = profile->addr_pc[a];
    }
    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        if (sources[i]->accepts(&r))
            sources[i]->resolve(&r);
    }
    for (addr_ix a = 0; a < n; a++) {
        if (r.addr_state[a] == STATE_OPEN)
            resolver_end(&r, a, ADDRESS_MISSING);
    }
    finish(&r, out);
    base_free(r.images);
    base_free(r.addr_first);
    base_free(r.addr_count);
    base_free(r.pool);
    idmap_free(&r.frames.of);
    name_cache_free(&r.names);
    arena_free(r.arena);
    if (!progress_is_stopped(progress))
        return true;
    symbols_free(out);
    *out = (struct symbols){0};
    return error_set(err, ERROR_STOPPED, "stopped");
}
