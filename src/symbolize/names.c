/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Each distinct name demangled and shortened once. The invariant: `by_raw` holds addresses of texts
 * that live as long as the cache, so an address stands for its text. */
#include "symbolize/internal.h"

/* The name at cache->n, of which nobody has heard yet. */
static void add_name(struct name_cache *cache, const char *raw, str_id full)
{
    cache->names = base_grow(cache->names, &cache->cap, (size_t)cache->n + 1, sizeof *cache->names);
    struct name name = {.full = strings_clean(cache->strings, full)};
    name.brief = name_shorten(cache->strings, name.full, cache->naming.keep_templates);
    name.shown = cache->naming.style == NAMES_SHORT
                     ? name.brief
                     : name_show(cache->strings, raw, name.full, cache->naming);
    cache->names[cache->n++] = name;
}

static uint32_t place_of_full(struct name_cache *cache, str_id full)
{
    bool is_new;
    const uint32_t at = idmap_add(&cache->by_full, full, cache->n, &is_new);
    if (is_new)
        add_name(cache, NULL, full);
    return at;
}

/* Several raw names have one full name, the constructors of a class for instance: where raw ones
 * are shown, they stay apart. */
static uint32_t place_of_text(struct name_cache *cache, const char *raw)
{
    if (cache->naming.style != NAMES_MANGLED)
        return place_of_full(cache, name_demangle(cache->strings, raw));
    bool is_new;
    const str_id text = strings_add_text(cache->strings, raw);
    const uint32_t at = idmap_add(&cache->by_text, text, cache->n, &is_new);
    if (is_new)
        add_name(cache, raw, name_demangle(cache->strings, raw));
    return at;
}

struct name name_of_full(struct name_cache *cache, str_id full)
{
    const uint32_t at = place_of_full(cache, full); /* may move the names */
    return cache->names[at];
}

struct name name_of_raw(struct name_cache *cache, const char *raw)
{
    const uint64_t key = (uint64_t)(uintptr_t)raw;
    uint32_t at;
    if (!idmap_find(&cache->by_raw, key, &at)) {
        at = place_of_text(cache, raw);
        (void)idmap_add(&cache->by_raw, key, at, NULL);
    }
    return cache->names[at];
}

str_id text_of_raw(struct name_cache *cache, const char *raw)
{
    const uint64_t key = (uint64_t)(uintptr_t)raw;
    uint32_t id;
    if (!idmap_find(&cache->texts, key, &id)) {
        id = strings_clean(cache->strings, strings_add_text(cache->strings, raw));
        (void)idmap_add(&cache->texts, key, id, NULL);
    }
    return id;
}

str_id text_of_id(struct name_cache *cache, str_id text)
{
    uint32_t id;
    if (!idmap_find(&cache->clean, text, &id)) {
        id = strings_clean(cache->strings, text);
        (void)idmap_add(&cache->clean, text, id, NULL);
    }
    return id;
}

bool name_is_spelled(struct name_cache *cache, struct name a, struct name b)
{
    if (a.full == b.full && a.brief == a.full)
        return true;
    const uint64_t key = (uint64_t)a.full << 32 | b.full;
    uint32_t is_spelled;
    if (!idmap_find(&cache->pairs, key, &is_spelled)) {
        const struct span brief = strings_span(cache->strings, a.brief);
        const struct span full = strings_span(cache->strings, b.full);
        is_spelled = span_equal(span_first(full, brief.n), brief);
        (void)idmap_add(&cache->pairs, key, is_spelled, NULL);
    }
    return is_spelled;
}

void name_cache_free(struct name_cache *cache)
{
    base_free(cache->names);
    idmap_free(&cache->by_raw);
    idmap_free(&cache->by_full);
    idmap_free(&cache->by_text);
    idmap_free(&cache->texts);
    idmap_free(&cache->clean);
    idmap_free(&cache->pairs);
}
