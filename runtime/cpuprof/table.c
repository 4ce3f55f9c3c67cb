/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Counting stacks in signal handlers of many threads at once. Room for a record is taken by one
 * addition, the record is filled, and it becomes visible when its depth is written; then it is
 * hung into the index by compare-and-exchange. Who loses that race to another stack looks on; who
 * loses it to the same stack leaves a record behind whose count stays 0. Records never move and
 * never go, so a table can be read while it is added to.
 *
 *   words:  | count | depth | pc ... | count | depth | pc ... |
 *   index:  0, or 24 bits of the hash above 40 bits of place + 1 */
#include "cpuprof/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/pages.h"

enum {
    WORDS_MOST = 1 << 20, /* address space alone, until it is used */
    WORDS_LEAST = 1 << 14,
    WORDS_A_SLOT = 16, /* of the index */
    PROBES = 64,
    PLACE_BITS = 40,
};

static uint64_t next_era(void)
{
    static uint64_t last;
    return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}

bool table_open(struct table *table)
{
    memset(table, 0, sizeof *table);
    table->era = next_era();
    for (size_t n = WORDS_MOST; n >= WORDS_LEAST; n /= 8) {
        table->n_words = n;
        table->n_index = n / WORDS_A_SLOT;
        table->words = pages_map(NULL, n * sizeof *table->words, SYSTEM_PAGE);
        table->index = pages_map(NULL, table->n_index * sizeof *table->index, SYSTEM_PAGE);
        if (table->words && table->index)
            return true;
        table_close(table);
    }
    return false;
}

void table_close(struct table *table)
{
    if (table->words)
        pages_unmap(table->words, table->n_words * sizeof *table->words);
    if (table->index)
        pages_unmap(table->index, table->n_index * sizeof *table->index);
    table->words = table->index = NULL;
}

void table_clear(struct table *table)
{
    pages_zero(table->words, table->n_words * sizeof *table->words);
    pages_zero(table->index, table->n_index * sizeof *table->index);
    table->era = next_era();
    __atomic_store_n(&table->used, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&table->users, 0, __ATOMIC_RELEASE);
}

/* Two lanes, so that a long stack is not one chain of multiplications. */
static uint64_t hash_of(const uintptr_t *pcs, size_t n)
{
    const uint64_t k = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t a = n * k, b = ~a;
    size_t i = 0;
    for (; i + 2 <= n; i += 2) {
        a = (a << 5 ^ a >> 59 ^ pcs[i]) * k;
        b = (b << 5 ^ b >> 59 ^ pcs[i + 1]) * k;
    }
    if (i < n)
        a = (a << 5 ^ a >> 59 ^ pcs[i]) * k;
    const uint64_t h = (a ^ (b << 31 | b >> 33)) * k;
    return h ^ h >> 32;
}

static bool is_same(const struct table *table, uint64_t place, const uintptr_t *pcs, size_t n)
{
    const uint64_t *record = table->words + place;
    return record[1] == n && memcmp(record + 2, pcs, n * sizeof *pcs) == 0;
}

enum { NOT_MADE = -1 };

/* Its place, or NOT_MADE: there is no room. */
static int64_t make(struct table *table, const uintptr_t *pcs, size_t n)
{
    if (__atomic_load_n(&table->used, __ATOMIC_RELAXED) + n + 2 > table->n_words)
        return NOT_MADE;
    const size_t place = __atomic_fetch_add(&table->used, n + 2, __ATOMIC_RELAXED);
    if (place + n + 2 > table->n_words)
        return NOT_MADE;
    memcpy(table->words + place + 2, pcs, n * sizeof *pcs);
    __atomic_store_n(&table->words[place + 1], n, __ATOMIC_RELEASE);
    return (int64_t)place;
}

static struct mark count(struct table *table, uint64_t place, uint64_t weight)
{
    const struct mark mark = {&table->words[place], table->era};
    (void)__atomic_fetch_add(mark.count, weight, __ATOMIC_RELAXED);
    return mark;
}

bool table_add_to(struct table *table, struct mark mark, uint64_t weight)
{
    if (!mark.count || mark.era != table->era)
        return false;
    (void)__atomic_fetch_add(mark.count, weight, __ATOMIC_RELAXED);
    return true;
}

struct mark table_add(struct table *table, const uintptr_t *pcs, size_t n, uint64_t weight)
{
    const uint64_t hash = hash_of(pcs, n), tag = hash >> PLACE_BITS << PLACE_BITS;
    const uint64_t place_mask = (UINT64_C(1) << PLACE_BITS) - 1;
    int64_t made = NOT_MADE;
    for (size_t probe = 0; probe < PROBES; probe++) {
        uint64_t *slot = &table->index[(hash + probe) & (table->n_index - 1)];
        uint64_t entry = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
        if (entry == 0) {
            if (made == NOT_MADE && (made = make(table, pcs, n)) == NOT_MADE)
                return (struct mark){0};
            if (__atomic_compare_exchange_n(slot, &entry, tag | ((uint64_t)made + 1), false,
                                            __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
                return count(table, (uint64_t)made, weight);
        }
        const uint64_t place = (entry & place_mask) - 1;
        if ((entry & ~place_mask) == tag && is_same(table, place, pcs, n))
            return count(table, place, weight);
    }
    return (struct mark){0};
}

const uint64_t *table_next(const struct table *table, size_t *at)
{
    const size_t used = __atomic_load_n(&table->used, __ATOMIC_ACQUIRE);
    const size_t end = used < table->n_words ? used : table->n_words;
    while (*at + 2 < end) {
        const uint64_t *record = table->words + *at;
        const uint64_t depth = __atomic_load_n(&record[1], __ATOMIC_ACQUIRE);
        if (depth == 0)
            return NULL;
        *at += depth + 2;
        if (__atomic_load_n(&record[0], __ATOMIC_RELAXED) != 0)
            return record;
    }
    return NULL;
}

uint64_t table_weight(const struct table *table)
{
    uint64_t weight = 0;
    size_t at = 0;
    for (const uint64_t *record; (record = table_next(table, &at));)
        weight += __atomic_load_n(&record[0], __ATOMIC_RELAXED);
    return weight;
}

/* Every entry of the index leads to a record that it is the hash of, and each record with a count
 * is led to once. */
void table_check(const struct table *table)
{
    const uint64_t place_mask = (UINT64_C(1) << PLACE_BITS) - 1;
    uint64_t indexed = 0, counted = 0;
    size_t at = 0;
    for (size_t i = 0; i < table->n_index; i++) {
        const uint64_t entry = table->index[i], place = (entry & place_mask) - 1;
        if (entry == 0)
            continue;
        if (place + 2 > table->n_words || table->words[place + 1] == 0 ||
            table->words[place + 1] > SAMPLE_MAX ||
            place + 2 + table->words[place + 1] > table->n_words)
            abort();
        const uint64_t hash = hash_of(table->words + place + 2, table->words[place + 1]);
        if ((hash & ~place_mask) != (entry & ~place_mask) ||
            ((i - hash) & (table->n_index - 1)) >= PROBES)
            abort();
        indexed++;
    }
    while (table_next(table, &at))
        counted++;
    if (indexed != counted)
        abort();
}
