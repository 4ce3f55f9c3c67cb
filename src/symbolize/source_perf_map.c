/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Names of code that a program made while it ran, as virtual machines write them down for perf:
 * /tmp/perf-PID.map, a line for each piece of code, START SIZE NAME, numbers in hex. Asked only for
 * addresses in no file. The invariant: memory is used again and again, so that of several lines for
 * an address the last one counts. */
#include "symbolize/internal.h"

#include "base/file.h"
#include "base/radix.h"

#define FILE_MAX ((uint64_t)4 << 30)

static bool accepts(const struct resolver *r)
{
    return !r->profile->is_symbolized && r->options->perf_maps;
}

/* Addresses that wait for a name, sorted. next[i] leads to the first at or behind i that has none
 * yet, n where there is none: what lines overlap is walked once. */
struct waiting {
    struct radix_item *items;
    uint32_t *next;
    uint32_t n;
};

static uint32_t first_unnamed(struct waiting *w, uint32_t i)
{
    uint32_t root = i;
    while (w->next[root] != root)
        root = w->next[root];
    while (w->next[i] != root) {
        const uint32_t after = w->next[i];
        w->next[i] = root;
        i = after;
    }
    return root;
}

static uint32_t first_at_or_above(const struct waiting *w, uint64_t address)
{
    uint32_t low = 0, high = w->n; /* those before low are below the address */
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (w->items[middle].key < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void name_piece(struct resolver *r, struct waiting *w, uint64_t start, uint64_t size,
                       struct span text)
{
    uint32_t i = first_unnamed(w, first_at_or_above(w, start));
    if (i == w->n || w->items[i].key - start >= size)
        return;
    struct strings *strings = r->profile->strings;
    const str_id name = strings_clean(strings, strings_add(strings, text));
    const struct frame frame = {
        .name = name, .full = name, .file = strings_add_text(strings, "??")};
    for (; i < w->n && w->items[i].key - start < size; i = first_unnamed(w, i)) {
        const addr_ix addr = w->items[i].value;
        resolver_begin(r, addr);
        resolver_add(r, addr, &frame);
        resolver_end(r, addr, ADDRESS_NAMED);
        w->next[i] = i + 1;
    }
}

/* The last line first. */
static void read_map(struct resolver *r, struct waiting *w, struct span text)
{
    while (text.n) {
        const size_t newline = span_find_last(span_first(text, text.n - 1), '\n');
        const size_t at = newline == SIZE_MAX ? 0 : newline + 1;
        struct span line = span_trim(span_skip(text, at));
        uint64_t start, size;
        text = span_first(text, at);
        (void)(span_take(&line, "0x") || span_take(&line, "0X"));
        if (!span_take_hex(&line, &start) || !line.n || !span_is_space(line.p[0]))
            continue;
        line = span_trim_left(line);
        (void)(span_take(&line, "0x") || span_take(&line, "0X"));
        if (!span_take_hex(&line, &size) || !line.n || !span_is_space(line.p[0]))
            continue;
        line = span_trim_left(line);
        if (line.n)
            name_piece(r, w, start, size, line);
    }
}

static void collect(const struct resolver *r, struct waiting *w)
{
    const struct profile *profile = r->profile;
    w->items = base_alloc(profile->n_addrs, sizeof *w->items);
    for (addr_ix a = 0; a < profile->n_addrs; a++) {
        if (r->addr_state[a] == STATE_OPEN && profile->addr_map[a] == MAP_NONE)
            w->items[w->n++] = (struct radix_item){.key = profile->addr_pc[a], .value = a};
    }
    radix_sort(w->items, w->n);
    w->next = base_alloc((size_t)w->n + 1, sizeof *w->next);
    for (uint32_t i = 0; i <= w->n; i++)
        w->next[i] = i;
}

static void resolve(struct resolver *r)
{
    struct waiting waiting = {0};
    collect(r, &waiting);
    for (const char *const *path = r->options->perf_maps; *path && waiting.n; path++) {
        struct file file;
        struct error err;
        if (file_open(&file, *path, FILE_MAX, &err)) {
            read_map(r, &waiting, file.bytes);
            file_close(&file);
        } else {
            notes_add(r->notes, "%s", err.text);
        }
    }
    base_free(waiting.items);
    base_free(waiting.next);
}

const struct symbol_source source_perf_map = {
    .name = "perf-map",
    .accepts = accepts,
    .resolve = resolve,
};
