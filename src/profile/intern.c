/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Distinct sequences of 64-bit words: stacks of raw addresses while a profile is read, stacks of
 * address ids while profiles are merged. Apart because ten million samples go through it: a known
 * sequence costs one hash, one slot and one comparison, and allocates nothing. */
#include "profile/internal.h"

/* Of 64-bit words: in a line of the caches, and in so much of them that what is there need not be
 * fetched. */
enum { WORDS_A_LINE = 8, WORDS_CACHED = 32 * 1024 };

static const uint64_t hash_keys[16] = {
    0xb492b66fbe98f273u, 0x9ae16a3b2f90404fu, 0xc949c7defeb8a8a5u, 0x2d358dccaa6c78a5u,
    0x8bb84b93962eacc9u, 0x4b33a62ed433d4a3u, 0x4d5a2da51de1aa47u, 0xa0761d6478bd642fu,
    0xe7037ed1a0b428dbu, 0x589965cc75374cc3u, 0x1d8e4e27c47d124fu, 0xd6e8feb86659fd93u,
    0xa24baed4963ee407u, 0x9fb21c651e98df25u, 0x94d049bb133111ebu, 0xbf58476d1ce4e5b9u,
};

/* A sum of products of neighbours, each with a key of its place added (Black et al., "UMAC", 1999:
 * the function NH): no product waits for another. Up to 16 words. */
static inline uint64_t hash_block(uint64_t hash, const uint64_t *words, uint32_t n)
{
    unsigned __int128 sum = hash;
#pragma GCC unroll 8
    for (uint32_t i = 0; i + 2 <= n; i += 2)
        sum += (unsigned __int128)(words[i] + hash_keys[i]) * (words[i + 1] + hash_keys[i + 1]);
    return hash_mix((uint64_t)sum, (uint64_t)(sum >> 64));
}

/* By blocks of a fixed size, since a loop whose length differs from stack to stack costs more in
 * wrong guesses of the processor than in multiplications: the last block reaches back into the one
 * before. The length goes in first, so that a sequence and its beginning differ. */
static inline uint64_t hash_words(const uint64_t *words, uint32_t n)
{
    enum { BLOCK = 16, HALF = 8 };
    uint64_t hash = n;
    if (n >= BLOCK) {
        uint32_t i = 0;
        for (; i + BLOCK < n; i += BLOCK)
            hash = hash_block(hash, words + i, BLOCK);
        return hash_block(hash, words + n - BLOCK, BLOCK);
    }
    if (n >= HALF)
        return hash_block(hash_block(hash, words, HALF), words + n - HALF, HALF);
    for (uint32_t i = 0; i < n; i++)
        hash = hash_mix(hash ^ words[i], hash_keys[i]);
    return hash;
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

/* Hashes are made again rather than kept: a pass over the pool is cheap, and it happens seldom. */
static void grow_slots(struct stack_table *table)
{
    base_free(table->slots);
    table->n_slots = table->n_slots ? table->n_slots * 2 : 1024;
    table->slots = base_alloc(table->n_slots, sizeof table->slots[0]);
    for (uint32_t id = 0; id < table->n; id++) {
        const uint32_t at = table->at[id];
        const uint64_t hash = hash_words(table->pool + at, table->at[id + 1] - at);
        size_t i = hash & (table->n_slots - 1);
        while (table->slots[i].id)
            i = (i + 1) & (table->n_slots - 1);
        table->slots[i] = (struct stack_slot){.check = (uint32_t)(hash >> 32), .id = id + 1};
    }
}

uint32_t stack_table_add_hashed(struct stack_table *table, const uint64_t *words, uint32_t n,
                                uint64_t hash)
{
    if ((size_t)table->n * 2 >= table->n_slots)
        grow_slots(table);
    const size_t i = probe(table, words, n, hash);
    if (table->slots[i].id)
        return table->slots[i].id - 1;

    table->at = base_grow(table->at, &table->at_cap, (size_t)table->n + 2, sizeof table->at[0]);
    table->pool =
        base_grow(table->pool, &table->pool_cap, (size_t)table->pool_n + n, sizeof table->pool[0]);
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
    return stack_table_add_hashed(table, words, n, hash_words(words, n));
}

void stack_table_fetch(const struct stack_table *table, const struct raw_sample *samples,
                       uint32_t n, uint64_t *hashes, uint32_t *guesses)
{
    for (uint32_t i = 0; i < n; i++) {
        guesses[i] = STACK_NONE;
        hashes[i] = hash_words(samples[i].pcs, samples[i].depth);
        if (table->n_slots)
            __builtin_prefetch(&table->slots[hashes[i] & (table->n_slots - 1)]);
    }
    if (table->pool_n < WORDS_CACHED)
        return;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t id = table->slots[hashes[i] & (table->n_slots - 1)].id;
        if (id == 0)
            continue;
        guesses[i] = id - 1;
        __builtin_prefetch(&table->at[id - 1]);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (guesses[i] == STACK_NONE)
            continue;
        const uint64_t *words = table->pool + table->at[guesses[i]];
        const uint32_t depth = table->at[guesses[i] + 1] - table->at[guesses[i]];
        for (uint32_t k = 0; k < depth && k < 4 * WORDS_A_LINE; k += WORDS_A_LINE)
            __builtin_prefetch(words + k);
    }
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
