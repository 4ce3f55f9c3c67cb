/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Each distinct name demangled and shortened once. The invariant: `by_raw` holds addresses of texts
 * that live as long as the cache, so an address stands for its text. */
#include "symbolize/internal.h"

static uint32_t place_of_full(struct name_cache *cache, str_id full)
{
    bool is_new;
    const uint32_t at = idmap_add(&cache->by_full, full, cache->n, &is_new);
    if (is_new) {
        cache->names =
            base_grow(cache->names, &cache->cap, (size_t)cache->n + 1, sizeof *cache->names);
        const str_id clean = strings_clean(cache->strings, full);
        cache->names[cache->n++] = (struct name){
            .full = clean,
            .brief = name_shorten(cache->strings, clean, cache->keep_templates),
        };
    }
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
        at = place_of_full(cache, name_demangle(cache->strings, raw));
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
    idmap_free(&cache->texts);
    idmap_free(&cache->clean);
    idmap_free(&cache->pairs);
}
