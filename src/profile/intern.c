/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Distinct sequences of 64-bit words: stacks of raw addresses while a profile is read, stacks of
 * address ids while profiles are merged. Apart because ten million samples go through it: a known
 * sequence costs one hash, one slot and one comparison, and allocates nothing. */
#include "profile/internal.h"

#include <sys/mman.h>

/* Of 64-bit words in a line of the caches. */
enum { WORDS_A_LINE = 8 };

/* Two independent chains of multiplications keep the processor busy; the length goes in first, so
 * that a sequence and its beginning differ. */
static uint64_t hash_words(const uint64_t *words, uint32_t n)
{
    uint64_t a = hash_mix(n, 0x2d358dccaa6c78a5u);
    uint64_t b = 0x8bb84b93962eacc9u;
    uint32_t i = 0;
    for (; i + 4 <= n; i += 4) {
        a = hash_mix(a ^ words[i], words[i + 1]);
        b = hash_mix(b ^ words[i + 2], words[i + 3]);
    }
    for (; i < n; i++)
        a = hash_mix(a ^ words[i], b);
    return hash_mix(a, b);
}

/* The slot where the sequence is, or where it would go. */
static size_t probe(const struct stack_table *table, const uint64_t *words, uint32_t n,
                    uint64_t hash)
{
    const uint32_t check = (uint32_t)(hash >> 32);
    size_t i = hash & (table->n_slots - 1);
    for (;; i = (i + 1) & (table->n_slots - 1)) {
        const struct stack_slot slot = table->slots[i];
        if (slot.id == 0)
            return i;
        if (slot.check != check)
            continue;
        const uint32_t at = table->at[slot.id - 1];
        if (table->at[slot.id] - at == n &&
            (n == 0 || memcmp(table->pool + at, words, n * sizeof *words) == 0))
            return i;
    }
}

/* Look-ups jump about in memory: with pages of 2 MB, where the system has them to give, they miss
 * the caches but not the page tables. It is a wish, and may be refused. */
static void ask_for_huge_pages(void *p, size_t bytes)
{
    const uintptr_t size = (uintptr_t)2 << 20;
    const uintptr_t start = ((uintptr_t)p + size - 1) / size * size;
    const uintptr_t end = ((uintptr_t)p + bytes) / size * size;
    if (start < end)
        (void)madvise((char *)p + (start - (uintptr_t)p), end - start, MADV_HUGEPAGE);
}

/* Hashes are made again rather than kept: a pass over the pool is cheap, and it happens seldom. */
static void grow_slots(struct stack_table *table)
{
    base_free(table->slots);
    table->n_slots = table->n_slots ? table->n_slots * 2 : 1024;
    table->slots = base_alloc(table->n_slots, sizeof table->slots[0]);
    ask_for_huge_pages(table->slots, table->n_slots * sizeof table->slots[0]);
    for (uint32_t id = 0; id < table->n; id++) {
        const uint32_t at = table->at[id];
        const uint64_t hash = hash_words(table->pool + at, table->at[id + 1] - at);
        size_t i = hash & (table->n_slots - 1);
        while (table->slots[i].id)
            i = (i + 1) & (table->n_slots - 1);
        table->slots[i] = (struct stack_slot){.check = (uint32_t)(hash >> 32), .id = id + 1};
    }
}

static uint32_t add_hashed(struct stack_table *table, const uint64_t *words, uint32_t n,
                           uint64_t hash)
{
    if ((size_t)table->n * 2 >= table->n_slots)
        grow_slots(table);
    const size_t i = probe(table, words, n, hash);
    if (table->slots[i].id)
        return table->slots[i].id - 1;

    table->at = base_grow(table->at, &table->at_cap, (size_t)table->n + 2, sizeof table->at[0]);
    if (table->pool_cap - table->pool_n < n) {
        table->pool = base_grow(table->pool, &table->pool_cap, (size_t)table->pool_n + n,
                                sizeof table->pool[0]);
        ask_for_huge_pages(table->pool, (size_t)table->pool_cap * sizeof table->pool[0]);
    }
    if (n)
        memcpy(table->pool + table->pool_n, words, n * sizeof *words);
    table->at[table->n] = table->pool_n;
    table->pool_n += n;
    table->at[++table->n] = table->pool_n;
    table->slots[i] = (struct stack_slot){.check = (uint32_t)(hash >> 32), .id = table->n};
    return table->n - 1;
}

uint32_t stack_table_add(struct stack_table *table, const uint64_t *words, uint32_t n)
{
    return add_hashed(table, words, n, hash_words(words, n));
}

void stack_table_add_batch(struct stack_table *table, const struct raw_sample *samples, uint32_t n,
                           uint32_t ids[BATCH_MAX])
{
    uint64_t hashes[BATCH_MAX];
    uint32_t at[BATCH_MAX];
    const size_t mask = table->n_slots - 1;
    for (uint32_t i = 0; i < n; i++) {
        hashes[i] = hash_words(samples[i].pcs, samples[i].depth);
        if (table->n_slots)
            __builtin_prefetch(&table->slots[hashes[i] & mask]);
    }
    for (uint32_t i = 0; i < n && table->n_slots; i++) {
        at[i] = table->slots[hashes[i] & mask].id;
        __builtin_prefetch(&table->at[at[i] ? at[i] - 1 : 0]);
    }
    for (uint32_t i = 0; i < n && table->pool; i++) {
        const uint64_t *words = table->pool + table->at[at[i] ? at[i] - 1 : 0];
        for (uint32_t k = 0; k < 4 * WORDS_A_LINE; k += WORDS_A_LINE)
            __builtin_prefetch(words + k);
    }
    for (uint32_t i = 0; i < n; i++)
        ids[i] = add_hashed(table, samples[i].pcs, samples[i].depth, hashes[i]);
}

bool stack_table_find(const struct stack_table *table, const uint64_t *words, uint32_t n,
                      uint32_t *id)
{
    if (table->n == 0)
        return false;
    const size_t i = probe(table, words, n, hash_words(words, n));
    if (table->slots[i].id == 0)
        return false;
    *id = table->slots[i].id - 1;
    return true;
}

void stack_table_free(struct stack_table *table)
{
    base_free(table->slots);
    base_free(table->at);
    base_free(table->pool);
    *table = (struct stack_table){0};
}
