/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Adding and subtracting profiles. Apart because here two runs must meet that were loaded at other
 * addresses: an address is known by its place in its image, and shown as in the first profile that
 * had the image. The invariant: everything comes in reading order, so sums and ids are the same
 * each time. */
#include "profile/internal.h"

#include <stdlib.h>

#define IMAGE_NONE_WORD UINT64_MAX /* the place is the address itself */

/* Where a place of an image is found again among the merged mappings. */
struct place_map {
    uint32_t image;
    map_ix map;
    uint64_t offset;
};

/* Names that came with a profile, for what its address became. */
struct carried_pick {
    uint64_t pc;
    uint32_t profile, at; /* the n-th that was added, and where in it */
};

struct merger {
    struct profile *out;
    bool by_pc; /* some profile is all names, and they go by address */

    struct idmap images; /* what an image is known by, to its id */
    uint32_t n_images;
    struct place_map *places; /* sorted by image, offset */
    uint32_t n_places, places_cap, maps_cap;

    struct stack_table addrs; /* (image, place) to address id */
    uint32_t addr_pc_cap, addr_map_cap;
    struct stack_table stacks; /* of address ids */
    struct idmap samples;      /* (stack, label) to sample */
    double *values;            /* one row a sample */
    uint32_t stack_cap, label_cap, values_cap, records_cap;

    struct part_table parts;
    uint32_t comments_cap;

    struct carried_pick *picks;
    uint32_t n_picks, picks_cap;

    uint64_t *words; /* scratch for one stack */
    uint32_t words_cap;
};

/* What the profile at hand becomes in the result. */
struct passage {
    const struct profile *in;
    uint32_t number; /* in the order of the caller */
    bool only_known; /* what the result does not have yet is left out */
    uint32_t *map_image;
    map_ix *map_to; /* MAP_NONE: its image came with an earlier profile */
    addr_ix *addr_to;
    stack_ix *stack_to;
};

static uint64_t image_key(const struct mapping *map)
{
    if (map->build_id)
        return (uint64_t)1 << 32 | map->build_id;
    if (map->is_program)
        return (uint64_t)2 << 32;
    return (uint64_t)3 << 32 | map->path;
}

/* Of equal offsets the mapping that came first is last, where the search ends. */
static int compare_places(const void *a, const void *b)
{
    const struct place_map *x = a, *y = b;
    if (x->image != y->image)
        return x->image < y->image ? -1 : 1;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return (x->map < y->map) - (x->map > y->map);
}

/* Gives the passage's mappings their images, and takes over those of images that are new. */
static void add_maps(struct merger *m, struct passage *p)
{
    const uint32_t known = m->n_images;
    struct profile *out = m->out;
    for (map_ix i = 0; i < p->in->n_maps; i++) {
        const struct mapping *map = &p->in->maps[i];
        bool is_new;
        const uint32_t image = idmap_add(&m->images, image_key(map), m->n_images, &is_new);
        if (is_new)
            m->n_images++;
        p->map_image[i] = image;
        p->map_to[i] = MAP_NONE;
        if (image < known)
            continue;
        out->maps = base_grow(out->maps, &m->maps_cap, (size_t)out->n_maps + 1, sizeof *out->maps);
        m->places =
            base_grow(m->places, &m->places_cap, (size_t)m->n_places + 1, sizeof *m->places);
        m->places[m->n_places++] =
            (struct place_map){.image = image, .map = out->n_maps, .offset = map->offset};
        p->map_to[i] = out->n_maps;
        out->maps[out->n_maps++] = *map;
    }
    if (m->n_places)
        qsort(m->places, m->n_places, sizeof *m->places, compare_places);
}

/* The merged mapping of the image that holds the place, or comes nearest before it; the image is
 * known to have one. */
static map_ix map_of_place(const struct merger *m, uint32_t image, uint64_t place)
{
    uint32_t low = 0, high = m->n_places;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const struct place_map *at = &m->places[middle];
        if (at->image < image || (at->image == image && at->offset <= place))
            low = middle + 1;
        else
            high = middle;
    }
    if (low && m->places[low - 1].image == image)
        return m->places[low - 1].map;
    return m->places[low].map;
}

static addr_ix add_addr(struct merger *m, const struct passage *p, addr_ix a)
{
    const uint64_t pc = p->in->addr_pc[a];
    const map_ix from = p->in->addr_map[a];
    uint64_t key[2] = {IMAGE_NONE_WORD, pc};
    if (!m->by_pc && from != MAP_NONE) {
        const struct mapping *map = &p->in->maps[from];
        key[0] = p->map_image[from];
        key[1] = pc - map->start + map->offset;
    }
    uint32_t id = UINT32_MAX;
    if (p->only_known)
        return stack_table_find(&m->addrs, key, 2, &id) ? id : UINT32_MAX;
    id = stack_table_add(&m->addrs, key, 2);
    struct profile *out = m->out;
    if (id < out->n_addrs)
        return id;

    out->addr_pc = base_grow(out->addr_pc, &m->addr_pc_cap, (size_t)id + 1, sizeof out->addr_pc[0]);
    out->addr_map =
        base_grow(out->addr_map, &m->addr_map_cap, (size_t)id + 1, sizeof out->addr_map[0]);
    out->addr_pc[id] = pc;
    out->addr_map[id] = from == MAP_NONE ? MAP_NONE : p->map_to[from];
    if (key[0] != IMAGE_NONE_WORD && out->addr_map[id] == MAP_NONE) {
        const map_ix to = map_of_place(m, p->map_image[from], key[1]);
        out->addr_map[id] = to;
        out->addr_pc[id] = key[1] - out->maps[to].offset + out->maps[to].start;
    }
    out->n_addrs = id + 1;
    return id;
}

static stack_ix add_stack(struct merger *m, const struct passage *p, stack_ix s)
{
    const uint32_t at = p->in->stack_at[s], n = p->in->stack_at[s + 1] - at;
    m->words = base_grow(m->words, &m->words_cap, n, sizeof m->words[0]);
    for (uint32_t i = 0; i < n; i++) {
        const addr_ix to = p->addr_to[p->in->stack_addr[at + i]];
        if (to == UINT32_MAX)
            return STACK_NONE;
        m->words[i] = to;
    }
    uint32_t id = STACK_NONE;
    if (p->only_known)
        return stack_table_find(&m->stacks, m->words, n, &id) ? id : STACK_NONE;
    return stack_table_add(&m->stacks, m->words, n);
}

/* The sample's row of values, or NULL where it is left out. */
static double *add_sample(struct merger *m, const struct passage *p, uint32_t i)
{
    struct profile *out = m->out;
    const stack_ix stack = p->stack_to[p->in->sample_stack[i]];
    if (stack == STACK_NONE)
        return NULL;
    const uint64_t key = (uint64_t)stack << 32 | p->in->sample_label[i];
    uint32_t sample;
    if (!idmap_find(&m->samples, key, &sample)) {
        if (p->only_known)
            return NULL;
        sample = idmap_add(&m->samples, key, out->n_samples, NULL);
        const size_t n = (size_t)sample + 1;
        out->sample_stack =
            base_grow(out->sample_stack, &m->stack_cap, n, sizeof out->sample_stack[0]);
        out->sample_label =
            base_grow(out->sample_label, &m->label_cap, n, sizeof out->sample_label[0]);
        m->values = base_grow(m->values, &m->values_cap, n * out->n_columns, sizeof m->values[0]);
        out->sample_stack[sample] = stack;
        out->sample_label[sample] = p->in->sample_label[i];
        for (uint32_t c = 0; c < out->n_columns; c++)
            m->values[(size_t)sample * out->n_columns + c] = 0;
        out->n_samples++;
    }
    return m->values + (size_t)sample * out->n_columns;
}

/* For each column of the result the one that goes into it, or COLUMNS_MAX. */
static void match_columns(const struct profile *out, const struct profile *in,
                          column_ix from[COLUMNS_MAX])
{
    bool has_any = false;
    for (uint32_t c = 0; c < COLUMNS_MAX; c++)
        from[c] = COLUMNS_MAX;
    for (uint32_t c = 0; c < out->n_columns; c++) {
        for (uint32_t d = 0; d < in->n_columns && from[c] == COLUMNS_MAX; d++) {
            if (in->columns[d].name == out->columns[c].name)
                from[c] = d;
        }
        has_any = has_any || from[c] != COLUMNS_MAX;
    }
    for (uint32_t c = 0; c < out->n_columns && !has_any && in->n_columns; c++)
        from[c] = in->default_column;
}

static void add_values(struct merger *m, const struct passage *p, double sign)
{
    column_ix from[COLUMNS_MAX];
    match_columns(m->out, p->in, from);
    for (uint32_t i = 0; i < p->in->n_samples; i++) {
        double *row = add_sample(m, p, i);
        for (uint32_t c = 0; row && c < m->out->n_columns; c++) {
            if (from[c] != COLUMNS_MAX)
                row[c] += sign * p->in->sample_value[(size_t)from[c] * p->in->n_samples + i];
        }
    }
}

static void add_parts(struct merger *m, const struct passage *p, double sign)
{
    column_ix from[COLUMNS_MAX];
    match_columns(m->out, p->in, from);
    const struct parts *parts = &p->in->parts;
    for (uint32_t i = 0; i < parts->n; i++) {
        const stack_ix stack = p->stack_to[parts->stack[i]];
        if (stack == STACK_NONE)
            continue;
        double *row = part_table_row(&m->parts, stack, parts->labels[i], m->out->n_columns);
        for (uint32_t c = 0; c < m->out->n_columns; c++) {
            if (from[c] != COLUMNS_MAX)
                row[c] += sign * parts->value[(size_t)i * p->in->n_columns + from[c]];
        }
    }
}

/* Each once. */
static void add_comments(struct merger *m, const struct profile *in)
{
    struct profile *out = m->out;
    for (uint32_t i = 0; i < in->n_comments; i++) {
        uint32_t k = 0;
        while (k < out->n_comments && out->comments[k] != in->comments[i])
            k++;
        if (k < out->n_comments)
            continue;
        out->comments =
            base_grow(out->comments, &m->comments_cap, (size_t)k + 1, sizeof out->comments[0]);
        out->comments[out->n_comments++] = in->comments[i];
    }
}

static void add_records(struct merger *m, const struct passage *p)
{
    struct profile *out = m->out;
    const uint32_t n = p->in->n_records;
    out->records = base_grow(out->records, &m->records_cap, (size_t)out->n_records + n,
                             sizeof out->records[0]);
    for (uint32_t i = 0; i < n; i++) {
        struct record record = p->in->records[i];
        record.stack = p->stack_to[record.stack];
        out->records[out->n_records++] = record;
    }
}

static void add_pick(struct merger *m, const struct passage *p, uint64_t pc, uint32_t at)
{
    m->picks = base_grow(m->picks, &m->picks_cap, (size_t)m->n_picks + 1, sizeof m->picks[0]);
    m->picks[m->n_picks++] = (struct carried_pick){.pc = pc, .profile = p->number, .at = at};
}

static bool find_carried(const struct profile *profile, uint64_t pc, uint32_t *at)
{
    uint32_t low = 0, high = profile->n_carried;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (profile->carried_pc[middle] < pc)
            low = middle + 1;
        else
            high = middle;
    }
    *at = low;
    return low < profile->n_carried && profile->carried_pc[low] == pc;
}

static void add_carried(struct merger *m, const struct passage *p)
{
    uint32_t at;
    for (uint32_t i = 0; m->by_pc && i < p->in->n_carried; i++)
        add_pick(m, p, p->in->carried_pc[i], i);
    for (addr_ix a = 0; !m->by_pc && p->in->n_carried && a < p->in->n_addrs; a++) {
        if (p->addr_to[a] != UINT32_MAX && find_carried(p->in, p->in->addr_pc[a], &at))
            add_pick(m, p, m->out->addr_pc[p->addr_to[a]], at);
    }
}

static void add_profile(struct merger *m, const struct profile *in, uint32_t number, int sign,
                        bool only_known)
{
    struct passage p = {
        .in = in,
        .number = number,
        .only_known = only_known,
        .map_image = base_alloc(in->n_maps, sizeof *p.map_image),
        .map_to = base_alloc(in->n_maps, sizeof *p.map_to),
        .addr_to = base_alloc(in->n_addrs, sizeof *p.addr_to),
        .stack_to = base_alloc(in->n_stacks, sizeof *p.stack_to),
    };
    add_maps(m, &p);
    for (addr_ix a = 0; a < in->n_addrs; a++)
        p.addr_to[a] = add_addr(m, &p, a);
    for (stack_ix s = 0; s < in->n_stacks; s++)
        p.stack_to[s] = add_stack(m, &p, s);
    add_values(m, &p, sign);
    add_parts(m, &p, sign);
    add_comments(m, in);
    if (sign > 0)
        add_records(m, &p);
    add_carried(m, &p);
    base_free(p.map_image);
    base_free(p.map_to);
    base_free(p.addr_to);
    base_free(p.stack_to);
}

/* By address, the last profile first. */
static int compare_picks(const void *a, const void *b)
{
    const struct carried_pick *x = a, *y = b;
    if (x->pc != y->pc)
        return x->pc < y->pc ? -1 : 1;
    if (x->profile != y->profile)
        return x->profile > y->profile ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

/* All names of all profiles; where two have names for one address, those of the later. */
static void unite_carried(struct merger *m, const struct profile *const *in)
{
    struct profile *out = m->out;
    if (m->n_picks == 0)
        return;
    qsort(m->picks, m->n_picks, sizeof m->picks[0], compare_picks);
    size_t n_frames = 0;
    for (uint32_t i = 0; i < m->n_picks; i++) {
        const uint32_t *at = &in[m->picks[i].profile]->carried_at[m->picks[i].at];
        n_frames += at[1] - at[0];
    }
    out->carried_pc = base_alloc(m->n_picks, sizeof out->carried_pc[0]);
    out->carried_at = base_alloc((size_t)m->n_picks + 1, sizeof out->carried_at[0]);
    out->carried_frames = base_alloc(n_frames, sizeof out->carried_frames[0]);
    uint32_t at = 0;
    for (uint32_t i = 0; i < m->n_picks; i++) {
        if (i && m->picks[i].pc == m->picks[i - 1].pc)
            continue;
        const struct profile *from = in[m->picks[i].profile];
        const uint32_t *range = &from->carried_at[m->picks[i].at];
        out->carried_pc[out->n_carried] = m->picks[i].pc;
        for (uint32_t f = range[0]; f < range[1]; f++)
            out->carried_frames[at++] = from->carried_frames[f];
        out->carried_at[++out->n_carried] = at;
    }
}

/* Hands over what the tables hold, in the shape that profiles have. */
static void finish(struct merger *m)
{
    struct profile *out = m->out;
    out->n_stacks = m->stacks.n;
    out->stack_addr = base_alloc(m->stacks.pool_n, sizeof out->stack_addr[0]);
    for (uint32_t i = 0; i < m->stacks.pool_n; i++)
        out->stack_addr[i] = (addr_ix)m->stacks.pool[i];
    out->stack_at = m->stacks.at ? m->stacks.at : base_alloc(1, sizeof out->stack_at[0]);
    m->stacks.at = NULL;

    out->parts = part_table_take(&m->parts);
    const size_t n = out->n_samples;
    out->sample_value = base_alloc(n * out->n_columns, sizeof out->sample_value[0]);
    for (size_t i = 0; i < n; i++) {
        for (size_t c = 0; c < out->n_columns; c++)
            out->sample_value[c * n + i] = m->values[i * out->n_columns + c];
    }
}

/* What is left of a sample is not told by its labels any more. */
static void drop_negative_values(struct profile *out)
{
    parts_free(&out->parts);
    const size_t n = (size_t)out->n_samples * out->n_columns;
    for (size_t i = 0; i < n; i++) {
        if (out->sample_value[i] < 0)
            out->sample_value[i] = 0;
    }
}

/* What is not a sum of samples: taken from the first or the last, or true of all if of one. */
static void start_result(const struct profile *const *in, uint32_t n, struct profile *out)
{
    *out = (struct profile){
        .strings = in[0]->strings,
        .kind = in[n - 1]->kind,
        .address_digits = 16,
        .signals_left_out = true,
        .period = in[0]->period,
        .n_columns = in[0]->n_columns,
        .default_column = in[0]->default_column,
    };
    memcpy(out->columns, in[0]->columns, sizeof out->columns);
    for (uint32_t k = 0; k < n; k++) {
        if (in[k]->address_digits == 8)
            out->address_digits = 8;
        if (in[k]->program)
            out->program = in[k]->program;
        if (in[k]->time_ns && (!out->time_ns || in[k]->time_ns < out->time_ns))
            out->time_ns = in[k]->time_ns;
        if (__builtin_add_overflow(out->duration_ns, in[k]->duration_ns, &out->duration_ns))
            out->duration_ns = INT64_MAX;
        out->is_symbolized = out->is_symbolized || in[k]->is_symbolized;
        out->allocator_is_innermost |= in[k]->allocator_is_innermost;
        out->signals_left_out &= in[k]->signals_left_out;
        out->is_cut_short |= in[k]->is_cut_short;
    }
}

/* Ids are 32 bits wide: what cannot fit even if nothing meets is refused beforehand. */
static bool check_sizes(const struct profile *const *in, uint32_t n, struct error *err)
{
    uint64_t frames = 0, samples = 0, addrs = 0, records = 0, values = 0, maps = 0, parts = 0;
    for (uint32_t k = 0; k < n; k++) {
        frames += in[k]->stack_at[in[k]->n_stacks];
        samples += (uint64_t)in[k]->n_samples + in[k]->n_stacks;
        addrs += (uint64_t)in[k]->n_addrs * 2;
        records += in[k]->n_records;
        values += (uint64_t)in[k]->n_samples * in[0]->n_columns;
        maps += in[k]->n_maps;
        parts += in[k]->parts.n;
    }
    if (frames < UINT32_MAX && samples < UINT32_MAX && addrs < UINT32_MAX && records < UINT32_MAX &&
        values < UINT32_MAX && maps < UINT32_MAX && parts < UINT32_MAX)
        return true;
    return error_set(err, ERROR_LIMIT, "adding up %u profiles: together they are too big", n);
}

bool profile_merge(const struct profile *const *in, const int *sign, uint32_t n, bool drop_negative,
                   struct profile *out, struct error *err)
{
    if (!check_sizes(in, n, err))
        return false;
    struct profile made;
    start_result(in, n, &made);
    struct merger m = {.out = &made, .by_pc = made.is_symbolized};
    bool has_base = false;
    for (uint32_t k = 0; k < n; k++) {
        has_base = has_base || sign[k] < 0;
        if (sign[k] > 0 || !drop_negative)
            add_profile(&m, in[k], k, sign[k], false);
    }
    /* What only a subtracted profile has is left out, so these come when the rest is known. */
    for (uint32_t k = 0; k < n && drop_negative; k++) {
        if (sign[k] < 0)
            add_profile(&m, in[k], k, sign[k], true);
    }
    finish(&m);
    unite_carried(&m, in);
    if (drop_negative && has_base)
        drop_negative_values(&made);

    idmap_free(&m.images);
    base_free(m.places);
    stack_table_free(&m.addrs);
    stack_table_free(&m.stacks);
    idmap_free(&m.samples);
    base_free(m.values);
    base_free(m.words);
    base_free(m.picks);
    profile_check(&made);
    *out = made;
    return true;
}
