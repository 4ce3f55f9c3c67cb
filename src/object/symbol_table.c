/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which symbol of an object an address belongs to, and by which of its names it is called; the
 * rules are written down in docs/symbols.md.
 *
 *   symbols    by value, then .symtab before .dynsym, then the order of the table
 *   segments   [i].start up to [i + 1].start belongs to one symbol: the best of those that cover
 *              it, or, in a gap, the best of the nearest ones before
 *   sections   those with code, by address */
#include "object/symbol_table.h"

/* ---- which symbol -------------------------------------------------------------------------------
 */

static uint64_t end_of(const struct symbol *symbol)
{
    return symbol->value + symbol->size;
}

/* Whether symbol a is rather shown than b, where both are possible. Of equals the first in the
 * table, as addr2line has it: which alias a user knows cannot be told from its binding. */
static bool is_better(const struct symbol_table *table, uint32_t a, uint32_t b)
{
    const struct symbol *x = &table->symbols[a], *y = &table->symbols[b];
    if (x->is_untyped != y->is_untyped)
        return y->is_untyped;
    if (x->size != y->size)
        return x->size < y->size;
    return a < b;
}

/* The symbols whose start the sweep has passed, the best on top (a binary heap). */
struct open_symbols {
    uint32_t *heap;
    uint32_t n;
};

static void open_symbol(const struct symbol_table *table, struct open_symbols *open,
                        uint32_t symbol)
{
    uint32_t at = open->n++;
    for (; at > 0 && is_better(table, symbol, open->heap[(at - 1) / 2]); at = (at - 1) / 2)
        open->heap[at] = open->heap[(at - 1) / 2];
    open->heap[at] = symbol;
}

static void close_top(const struct symbol_table *table, struct open_symbols *open)
{
    const uint32_t last = open->heap[--open->n];
    uint32_t at = 0;
    for (;;) {
        uint32_t child = at * 2 + 1;
        if (child >= open->n)
            break;
        if (child + 1 < open->n && is_better(table, open->heap[child + 1], open->heap[child]))
            child++;
        if (!is_better(table, open->heap[child], last))
            break;
        open->heap[at] = open->heap[child];
        at = child;
    }
    open->heap[at] = last;
}

/* Sweeps over the starts of symbols and the ends of those that were on top: each step opens or
 * closes a symbol, so there are at most twice as many segments as symbols. */
static void make_segments(struct symbol_table *table)
{
    struct open_symbols open = {.heap = base_alloc(table->n_symbols, sizeof *open.heap)};
    uint32_t next = 0, nearest = 0;
    uint64_t at = 0;
    for (;;) {
        if (open.n == 0) {
            if (next == table->n_symbols)
                break;
            at = table->symbols[next].value;
        }
        if (next < table->n_symbols && table->symbols[next].value == at) {
            nearest = next;
            for (; next < table->n_symbols && table->symbols[next].value == at; next++) {
                open_symbol(table, &open, next);
                if (is_better(table, next, nearest))
                    nearest = next;
            }
        }
        while (open.n && end_of(&table->symbols[open.heap[0]]) <= at)
            close_top(table, &open);
        const uint32_t shown = open.n ? open.heap[0] : nearest;
        table->segments = base_grow(table->segments, &table->segments_cap,
                                    (size_t)table->n_segments + 1, sizeof *table->segments);
        table->segments[table->n_segments++] = (struct segment){.start = at, .symbol = shown};
        if (open.n) {
            at = end_of(&table->symbols[shown]);
            if (next < table->n_symbols && table->symbols[next].value < at)
                at = table->symbols[next].value;
        }
    }
    base_free(open.heap);
}

/* The code section that holds an address; NULL: none. */
static const struct code_section *find_section(const struct symbol_table *table, uint64_t address)
{
    uint32_t low = 0, high = table->n_sections; /* sections before low start at or below address */
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (table->sections[middle].low <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low && address < table->sections[low - 1].high ? &table->sections[low - 1] : NULL;
}

/* ---- names --------------------------------------------------------------------------------------
 */

static int compare_names(const struct symbol *a, const struct symbol *b)
{
    return strncmp(a->name, b->name, NAME_MAX_BYTES);
}

/* The name without @VERSION; NULL where it has no end to speak of. */
static const char *trimmed_name(struct symbol_table *table, struct symbol *symbol)
{
    if (symbol->is_trimmed)
        return symbol->name;
    const size_t n = strnlen(symbol->name, NAME_MAX_BYTES);
    if (n == NAME_MAX_BYTES)
        return NULL;
    const size_t version = span_find(span_make(symbol->name, n), '@');
    if (version != SIZE_MAX && version > 0)
        symbol->name = arena_text(table->arena, span_make(symbol->name, version));
    symbol->is_trimmed = true;
    return symbol->name;
}

/* Which of the symbols of equal value `nm -n` lists so that its readers keep it: of the names in
 * the order of their bytes the first, or the last T or t after it. Symbols of .dynsym count only
 * where there are no others. Bit 31: it is the first. */
static uint32_t choose_alias(const struct symbol_table *table, uint32_t first, uint32_t end)
{
    uint32_t least = first, last_text = UINT32_MAX;
    const bool is_dynamic = table->symbols[first].is_dynamic;
    for (uint32_t i = first; i < end && table->symbols[i].is_dynamic == is_dynamic; i++) {
        if (i != first && compare_names(&table->symbols[i], &table->symbols[least]) < 0)
            least = i;
        if (table->symbols[i].is_text &&
            (last_text == UINT32_MAX ||
             compare_names(&table->symbols[i], &table->symbols[last_text]) >= 0))
            last_text = i;
    }
    if (last_text == UINT32_MAX || last_text == least)
        return least | (uint32_t)1 << 31;
    return last_text;
}

static uint32_t first_of_value(const struct symbol_table *table, uint64_t value)
{
    uint32_t low = 0, high = table->n_symbols; /* symbols before low have lower values */
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (table->symbols[middle].value < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static uint32_t end_of_value(const struct symbol_table *table, uint32_t first)
{
    uint32_t end = first + 1;
    while (end < table->n_symbols && table->symbols[end].value == table->symbols[first].value)
        end++;
    return end;
}

static bool answer(struct symbol_table *table, uint32_t at, struct object_symbol *out)
{
    struct symbol *symbol = &table->symbols[at];
    if (symbol->same_name == UINT32_MAX) {
        /* Answered once for all of this value, before any of their names is trimmed. */
        const uint32_t first = first_of_value(table, symbol->value);
        const uint32_t end = end_of_value(table, first);
        const uint32_t alias = choose_alias(table, first, end);
        for (uint32_t i = first; i < end; i++)
            table->symbols[i].same_name = alias;
    }
    struct symbol *alias = &table->symbols[symbol->same_name & ~((uint32_t)1 << 31)];
    const char *name = trimmed_name(table, symbol), *alias_name = trimmed_name(table, alias);
    if (!name)
        return false;
    *out = (struct object_symbol){
        .name = name,
        .alias = alias_name ? alias_name : name,
        .alias_is_tagged = symbol->same_name >> 31,
        .value = symbol->value,
        .size = symbol->size,
    };
    return true;
}

bool symbol_table_find(struct symbol_table *table, uint64_t address, struct object_symbol *out)
{
    uint32_t low = 0, high = table->n_segments; /* segments before low start at or below address */
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (table->segments[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return false;
    const uint32_t at = table->segments[low - 1].symbol;
    const struct symbol *symbol = &table->symbols[at];
    if (address >= end_of(symbol)) {
        /* Nothing covers it. Where all symbols are known it still belongs to the one before. */
        const struct code_section *section = find_section(table, address);
        if (!section || symbol->value < section->low || symbol->is_slot ||
            (symbol->size && !table->has_symtab))
            return false;
    }
    return answer(table, at, out);
}

void symbol_table_walk(struct symbol_table *table, object_function_fn *fn, void *payload)
{
    for (uint32_t first = 0, end; first < table->n_symbols; first = end) {
        end = end_of_value(table, first);
        uint32_t best = first;
        for (uint32_t i = first + 1; i < end; i++) {
            if (is_better(table, i, best))
                best = i;
        }
        struct object_symbol symbol;
        if (!answer(table, best, &symbol))
            continue;
        uint64_t high = symbol.value + symbol.size;
        if (symbol.size == 0) {
            const struct code_section *section = find_section(table, symbol.value);
            high = end < table->n_symbols ? table->symbols[end].value : UINT64_MAX;
            if (section && section->high < high)
                high = section->high;
            else if (!section && end == table->n_symbols)
                high = symbol.value;
        }
        if (!fn(payload, &symbol, symbol.value, high))
            return;
    }
}

/* ---- the table ----------------------------------------------------------------------------------
 */

struct symbol_table *symbol_table_new(struct elf_file *code, struct elf_file *debug)
{
    struct symbol_table *table = base_alloc(1, sizeof *table);
    table->arena = arena_new();
    symbols_read(table, code, debug);
    if (table->n_symbols)
        make_segments(table);
    return table;
}

void symbol_table_free(struct symbol_table *table)
{
    if (!table)
        return;
    base_free(table->symbols);
    base_free(table->segments);
    base_free(table->sections);
    arena_free(table->arena);
    base_free(table);
}

uint32_t symbol_table_count(const struct symbol_table *table)
{
    return table->n_symbols - table->n_slots;
}
