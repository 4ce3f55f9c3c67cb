/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The table of interned text. The invariant: neither a text nor its entry ever moves, so ids can be
 * turned into text by other threads while one thread adds.
 *
 *   slots   { hash, id + 1 } by hash, open addressing   (moves when it grows)
 *   chunks  chunk k holds 1024 << k entries { text, n }  (never moves)
 *   arena   the bytes */
#include "base/strings.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/idmap.h"

#define CHUNK_BITS 10
#define CHUNKS     (32 - CHUNK_BITS)
/* Ids are counted from the first chunk's size, and the sum must stay in 32 bits. */
#define MAX_COUNT (UINT32_MAX - ((uint32_t)1 << CHUNK_BITS))

struct entry {
    const char *text;
    uint32_t n;
};

struct slot {
    uint32_t hash; /* the low half; text is only looked at where it agrees */
    uint32_t value;
};

struct strings {
    struct arena *arena;
    struct slot *slots;
    uint32_t cap;
    uint32_t count; /* read by other threads' asserts: relaxed atomic */
    struct entry *chunks[CHUNKS];
};

static struct entry *entry_of(const struct strings *strings, str_id id)
{
    const uint32_t place = id + ((uint32_t)1 << CHUNK_BITS);
    const unsigned top = 31 - (unsigned)__builtin_clz(place);
    return &strings->chunks[top - CHUNK_BITS][place - ((uint32_t)1 << top)];
}

struct strings *strings_new(void)
{
    struct strings *strings = base_alloc(1, sizeof *strings);
    strings->arena = arena_new();
    const str_id empty = strings_add(strings, span_make("", 0));
    assert(empty == 0);
    (void)empty;
    return strings;
}

void strings_free(struct strings *strings)
{
    if (!strings)
        return;
    for (unsigned i = 0; i < CHUNKS; i++)
        base_free(strings->chunks[i]);
    base_free(strings->slots);
    arena_free(strings->arena);
    base_free(strings);
}

/* What can be kept: up to a NUL, and a length that fits in 32 bits. */
static struct span cut(struct span text)
{
    text = span_first(text, span_find(text, '\0'));
    return span_first(text, UINT32_MAX - 1);
}

/* The slot of `text`, or the free one where it would go. The table is not empty. */
static struct slot *find_slot(const struct strings *strings, struct span text, uint32_t hash)
{
    const uint32_t mask = strings->cap - 1;
    uint32_t at = hash & mask;
    for (; strings->slots[at].value; at = (at + 1) & mask) {
        const struct slot *slot = &strings->slots[at];
        if (slot->hash != hash)
            continue;
        const struct entry *entry = entry_of(strings, slot->value - 1);
        if (span_equal(span_make(entry->text, entry->n), text))
            break;
    }
    return &strings->slots[at];
}

static void grow(struct strings *strings)
{
    if (strings->cap > UINT32_MAX / 2)
        base_oom();
    const uint32_t cap = strings->cap ? strings->cap * 2 : 1024;
    struct slot *slots = base_alloc(cap, sizeof *slots);
    for (uint32_t i = 0; i < strings->cap; i++) {
        if (!strings->slots[i].value)
            continue;
        uint32_t at = strings->slots[i].hash & (cap - 1);
        while (slots[at].value)
            at = (at + 1) & (cap - 1);
        slots[at] = strings->slots[i];
    }
    base_free(strings->slots);
    strings->slots = slots;
    strings->cap = cap;
}

static uint32_t hash_text(struct span text)
{
    return (uint32_t)hash_bytes(text.p, text.n);
}

str_id strings_add(struct strings *strings, struct span text)
{
    text = cut(text);
    if (strings->count >= strings->cap / 4 * 3)
        grow(strings);
    const uint32_t hash = hash_text(text);
    struct slot *slot = find_slot(strings, text, hash);
    if (slot->value)
        return slot->value - 1;

    const str_id id = strings->count;
    if (id >= MAX_COUNT)
        base_oom();
    const uint32_t place = id + ((uint32_t)1 << CHUNK_BITS);
    if ((place & (place - 1)) == 0) { /* a power of two: the first of its chunk */
        struct entry **chunk = &strings->chunks[__builtin_ctz(place) - CHUNK_BITS];
        *chunk = base_alloc(place, sizeof **chunk);
    }
    *entry_of(strings, id) = (struct entry){
        .text = arena_text(strings->arena, text),
        .n = (uint32_t)text.n,
    };
    *slot = (struct slot){.hash = hash, .value = id + 1};
    __atomic_store_n(&strings->count, id + 1, __ATOMIC_RELAXED);
    return id;
}

str_id strings_printf(struct strings *strings, const char *format, ...)
{
    char small[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    if (n < 0)
        base_oom();
    if ((size_t)n < sizeof small)
        return strings_add(strings, span_make(small, (size_t)n));

    char *large = NULL;
    va_start(args, format);
    n = vasprintf(&large, format, args);
    va_end(args);
    if (n < 0)
        base_oom();
    const str_id id = strings_add(strings, span_make(large, (size_t)n));
    free(large);
    return id;
}

static bool is_control(char byte)
{
    return (unsigned char)byte < ' ' || byte == 0x7f;
}

str_id strings_clean(struct strings *strings, str_id id)
{
    const struct span text = strings_span(strings, id);
    size_t at = 0;
    while (at < text.n && !is_control(text.p[at]))
        at++;
    if (at == text.n)
        return id;
    char *clean = base_alloc(text.n, 1);
    for (size_t i = 0; i < text.n; i++)
        clean[i] = is_control(text.p[i]) ? '?' : text.p[i];
    const str_id made = strings_add(strings, span_make(clean, text.n));
    base_free(clean);
    return made;
}

bool strings_find(const struct strings *strings, struct span text, str_id *id)
{
    text = cut(text);
    const struct slot *slot = find_slot(strings, text, hash_text(text));
    if (!slot->value)
        return false;
    *id = slot->value - 1;
    return true;
}

const char *strings_text(const struct strings *strings, str_id id)
{
    assert(id < strings_count(strings));
    return entry_of(strings, id)->text;
}

struct span strings_span(const struct strings *strings, str_id id)
{
    assert(id < strings_count(strings));
    const struct entry *entry = entry_of(strings, id);
    return span_make(entry->text, entry->n);
}

uint32_t strings_count(const struct strings *strings)
{
    return __atomic_load_n(&strings->count, __ATOMIC_RELAXED);
}
