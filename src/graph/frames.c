/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Filters that look at single frames, inlined ones too: they leave frames out of stacks, where
 * those of view.c leave out stacks. An address that loses some of its frames becomes another one
 * with fewer, a variant: the view gets tables of its own in which variants stand behind the
 * profile's addresses, so that nobody else has to know of them. The invariants: expressions run
 * once a distinct frame and mapping, and an address of the profile keeps its number and frames. */
#include "graph/internal.h"

enum { HIDE = 1, SHOW = 2, SHOW_FROM = 4, PRUNE_FROM = 8 }; /* what a frame or mapping matches */

struct variant {
    addr_ix of;
    uint32_t at, n; /* frames, in `kept` */
};

struct frames {
    struct view *view;
    const struct view_options *options;
    uint8_t *of_frame, *of_map;

    /* What hide and show leave of address a: kept[kept_at[a]] .. kept[kept_at[a + 1] - 1],
     * innermost first. An address without symbols has one, FRAME_NONE, or none. */
    uint32_t *kept_at;
    frame_ix *kept;

    struct variant *variants;
    uint32_t n_variants, variants_cap;
    struct idmap variant_of; /* begin << 32 | end in kept to variant */
};

#define FRAME_NONE UINT32_MAX

/* ---- what matches -------------------------------------------------------------------------------
 */

static uint8_t match(const struct view_options *options, struct span text)
{
    const struct {
        const struct regex *regex;
        uint8_t bit;
    } filters[] = {
        {options->hide, HIDE},
        {options->show, SHOW},
        {options->show_from, SHOW_FROM},
        {options->prune_from, PRUNE_FROM},
    };
    uint8_t bits = 0;
    for (size_t i = 0; i < COUNT_OF(filters); i++) {
        if (filters[i].regex && regex_matches(filters[i].regex, text))
            bits |= filters[i].bit;
    }
    return bits;
}

/* Remembers what a text matches: names are shared by many frames, files by more. */
static uint8_t match_once(const struct frames *f, struct idmap *known, str_id text)
{
    uint32_t bits;
    if (idmap_find(known, text, &bits))
        return (uint8_t)bits;
    bits = match(f->options, strings_span(f->view->profile->strings, text));
    (void)idmap_add(known, text, bits, NULL);
    return (uint8_t)bits;
}

static void match_all(struct frames *f)
{
    const struct view *view = f->view;
    const struct profile *profile = view->profile;
    const uint32_t n_frames = view->symbols ? view->symbols->n_frames : 0;
    struct idmap known = {0};
    f->of_frame = base_alloc(n_frames, 1);
    for (frame_ix i = 0; i < n_frames; i++) {
        const struct frame *frame = &view->symbols->frames[i];
        const uint8_t of_name = match_once(f, &known, frame->name);
        const uint8_t of_file =
            view_has_place(view, frame) ? match_once(f, &known, frame->file) : 0;
        /* Pruning is by name: who prunes from "alloc" has no files of that name in mind. */
        f->of_frame[i] = (uint8_t)(of_name | (of_file & ~PRUNE_FROM));
    }
    f->of_map = base_alloc(profile->n_maps, 1);
    for (map_ix m = 0; m < profile->n_maps; m++)
        f->of_map[m] = match_once(f, &known, profile->maps[m].path);
    idmap_free(&known);
}

static uint8_t bits_of_map(const struct frames *f, addr_ix addr)
{
    const map_ix map = f->view->profile->addr_map[addr];
    return map == MAP_NONE ? 0 : f->of_map[map];
}

/* ---- hide and show ------------------------------------------------------------------------------
 */

static bool is_kept(const struct frames *f, uint8_t map_bits, frame_ix frame)
{
    const uint8_t bits = map_bits | (frame == FRAME_NONE ? 0 : f->of_frame[frame]);
    return !(bits & HIDE) && (!f->options->show || (bits & SHOW));
}

static uint32_t count_symbols(const struct view *view, addr_ix addr)
{
    const struct symbols *symbols = view->symbols;
    return symbols ? symbols->addr_at[addr + 1] - symbols->addr_at[addr] : 0;
}

static void keep_frames(struct frames *f)
{
    const struct view *view = f->view;
    const uint32_t n = view->profile->n_addrs;
    size_t most = 0;
    for (addr_ix a = 0; a < n; a++)
        most += view_n_frames(view, a);
    f->kept_at = base_alloc((size_t)n + 1, sizeof f->kept_at[0]);
    f->kept = base_alloc(most, sizeof f->kept[0]);
    uint32_t end = 0;
    for (addr_ix a = 0; a < n; a++) {
        const uint8_t map_bits = bits_of_map(f, a);
        const uint32_t count = count_symbols(view, a);
        if (count == 0 && is_kept(f, map_bits, FRAME_NONE))
            f->kept[end++] = FRAME_NONE;
        for (uint32_t i = 0; i < count; i++) {
            const frame_ix frame = view->symbols->addr_frame[view->symbols->addr_at[a] + i];
            if (is_kept(f, map_bits, frame))
                f->kept[end++] = frame;
        }
        f->kept_at[a + 1] = end;
    }
}

/* ---- cutting stacks -----------------------------------------------------------------------------
 */

/* The frames begin .. end of `kept` as an address: itself where nothing is missing. */
static addr_ix find_variant(struct frames *f, addr_ix addr, uint32_t begin, uint32_t end)
{
    const uint32_t count = view_n_frames(f->view, addr);
    if (f->options->no_inlines)
        begin = end - 1;
    if (end - begin == count)
        return addr;
    bool is_new;
    const uint32_t variant =
        idmap_add(&f->variant_of, (uint64_t)begin << 32 | end, f->n_variants, &is_new);
    if (is_new) {
        f->variants = base_grow(f->variants, &f->variants_cap, (size_t)f->n_variants + 1,
                                sizeof f->variants[0]);
        f->variants[f->n_variants++] = (struct variant){.of = addr, .at = begin, .n = end - begin};
    }
    return f->view->profile->n_addrs + variant;
}

/* Where in a stack, and behind which frame of the address there, it ends; or begins. */
struct cut {
    uint32_t place;
    uint32_t frame; /* in kept */
};

/* The outermost match: the frame is the last that stays. */
static bool find_end(const struct frames *f, const addr_ix *addrs, uint32_t depth, struct cut *cut)
{
    for (uint32_t i = depth; i-- > 0;) {
        const uint32_t begin = f->kept_at[addrs[i]], end = f->kept_at[addrs[i] + 1];
        if (begin == end)
            continue;
        *cut = (struct cut){.place = i, .frame = end - 1};
        if (bits_of_map(f, addrs[i]) & SHOW_FROM)
            return true;
        for (uint32_t k = end; k-- > begin;) {
            cut->frame = k;
            if (f->kept[k] != FRAME_NONE && (f->of_frame[f->kept[k]] & SHOW_FROM))
                return true;
        }
    }
    return false;
}

/* The innermost match at or inside `last`: the frame is the first that stays. */
static bool find_begin(const struct frames *f, const addr_ix *addrs, struct cut last,
                       struct cut *cut)
{
    for (uint32_t i = 0; i <= last.place; i++) {
        const uint32_t end = i == last.place ? last.frame + 1 : f->kept_at[addrs[i] + 1];
        for (uint32_t k = f->kept_at[addrs[i]]; k < end; k++) {
            *cut = (struct cut){.place = i, .frame = k};
            if (f->kept[k] != FRAME_NONE && (f->of_frame[f->kept[k]] & PRUNE_FROM))
                return true;
        }
    }
    return false;
}

/* Writes what is left of a stack; 0 where nothing is. */
static uint32_t cut_stack(struct frames *f, const addr_ix *addrs, uint32_t depth, addr_ix *out)
{
    if (depth == 0)
        return 0;
    struct cut first = {.place = 0, .frame = f->kept_at[addrs[0]]};
    struct cut last = {.place = depth - 1, .frame = f->kept_at[addrs[depth - 1] + 1] - 1};
    struct cut cut;
    if (f->options->show_from && !find_end(f, addrs, depth, &last))
        return 0;
    if (f->options->prune_from && find_begin(f, addrs, last, &cut))
        first = cut;
    uint32_t n = 0;
    for (uint32_t i = first.place; i <= last.place; i++) {
        const uint32_t begin = i == first.place ? first.frame : f->kept_at[addrs[i]];
        const uint32_t end = i == last.place ? last.frame + 1 : f->kept_at[addrs[i] + 1];
        if (begin < end)
            out[n++] = find_variant(f, addrs[i], begin, end);
    }
    return n;
}

static void cut_stacks(struct frames *f)
{
    struct view *view = f->view;
    const uint32_t n = view->n_stacks;
    const uint32_t *at = view->stack_at;
    const addr_ix *addrs = view->stack_addr;
    const double *values = view->stack_value;
    uint32_t *new_of = base_alloc(n, sizeof *new_of);
    struct join join;
    join_begin(&join, view->arena, n, at[n]);
    double *sums = arena_alloc(view->arena, n, sizeof *sums);
    for (uint32_t s = 0; s < n; s++) {
        const uint32_t depth = cut_stack(f, addrs + at[s], at[s + 1] - at[s], join_room(&join));
        new_of[s] = depth ? join_add(&join, depth) : STACK_NONE;
        if (depth)
            sums[new_of[s]] += values[s];
    }
    join_end(&join, view);
    view->stack_value = sums;
    follow_stacks(view, new_of);
    base_free(new_of);
}

/* ---- tables with the variants in them -----------------------------------------------------------
 */

static void *copy_longer(struct arena *arena, const void *from, size_t n, size_t more, size_t size)
{
    void *to = arena_alloc(arena, n + more, size);
    if (n)
        memcpy(to, from, n * size);
    return to;
}

static void extend_profile(const struct frames *f)
{
    struct view *view = f->view;
    const uint32_t n = view->profile->n_addrs;
    struct profile *profile = arena_alloc(view->arena, 1, sizeof *profile);
    *profile = *view->profile;
    profile->n_addrs = n + f->n_variants;
    profile->addr_pc = copy_longer(view->arena, view->profile->addr_pc, n, f->n_variants,
                                   sizeof profile->addr_pc[0]);
    profile->addr_map = copy_longer(view->arena, view->profile->addr_map, n, f->n_variants,
                                    sizeof profile->addr_map[0]);
    for (uint32_t i = 0; i < f->n_variants; i++) {
        profile->addr_pc[n + i] = profile->addr_pc[f->variants[i].of];
        profile->addr_map[n + i] = profile->addr_map[f->variants[i].of];
    }
    view->profile = profile;
}

/* Only addresses with frames have variants. */
static void extend_symbols(const struct frames *f)
{
    struct view *view = f->view;
    const struct symbols *old = view->symbols;
    const uint32_t n = view->profile->n_addrs - f->n_variants, n_more = f->n_variants;
    size_t n_frames = 0;
    for (uint32_t i = 0; i < n_more; i++)
        n_frames += f->variants[i].n;
    struct symbols *symbols = arena_alloc(view->arena, 1, sizeof *symbols);
    *symbols = *old;
    symbols->addr_at =
        copy_longer(view->arena, old->addr_at, (size_t)n + 1, n_more, sizeof symbols->addr_at[0]);
    symbols->addr_frame = copy_longer(view->arena, old->addr_frame, old->addr_at[n], n_frames,
                                      sizeof symbols->addr_frame[0]);
    symbols->addr_state = copy_longer(view->arena, old->addr_state, n, n_more, 1);
    symbols->addr_image =
        copy_longer(view->arena, old->addr_image, n, n_more, sizeof symbols->addr_image[0]);
    symbols->addr_place =
        copy_longer(view->arena, old->addr_place, n, n_more, sizeof symbols->addr_place[0]);
    uint32_t end = old->addr_at[n];
    for (uint32_t i = 0; i < n_more; i++) {
        const struct variant *v = &f->variants[i];
        memcpy(symbols->addr_frame + end, f->kept + v->at, v->n * sizeof f->kept[0]);
        end += v->n;
        symbols->addr_at[n + i + 1] = end;
        symbols->addr_state[n + i] = old->addr_state[v->of];
        symbols->addr_image[n + i] = old->addr_image[v->of];
        symbols->addr_place[n + i] = old->addr_place[v->of];
    }
    view->symbols = symbols;
}

void filter_frames(struct view *view, const struct view_options *options)
{
    if (!options->hide && !options->show && !options->show_from && !options->prune_from &&
        !options->no_inlines)
        return;
    struct frames f = {.view = view, .options = options};
    match_all(&f);
    keep_frames(&f);
    cut_stacks(&f);
    view->n_variants = f.n_variants;
    if (f.n_variants) {
        extend_profile(&f);
        extend_symbols(&f);
    }
    base_free(f.of_frame);
    base_free(f.of_map);
    base_free(f.kept_at);
    base_free(f.kept);
    base_free(f.variants);
    idmap_free(&f.variant_of);
}
