/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The symbols of an object that can name code, and which of them an address belongs to; the rules
 * are written down in docs/symbols.md. Read once, sorted once:
 *
 *   symbols    by value, then .symtab before .dynsym, then the order of the table
 *   segments   [i].start up to [i + 1].start belongs to one symbol: the best of those that cover
 * it, or, in a gap, the best of the nearest ones before sections   those with code, by address
 *
 * The invariant: every name lies in a string table that ends in a NUL. */
#include "object/internal.h"

#include "base/idmap.h"
#include "base/radix.h"

/* What comes after so many bytes of a name is not looked at: many symbols may share one endless
 * text. */
#define NAME_MAX_BYTES ((size_t)64 << 10)

struct symbol {
    uint64_t value, size;
    const char *name;
    uint32_t same_name; /* unknown until asked for: see `alias` */
    bool is_untyped;    /* functions are preferred to it */
    bool is_dynamic;    /* from .dynsym */
    bool is_text;       /* nm says T or t */
    bool is_slot;       /* see plt_walk */
    bool is_chooser;    /* decides at run time which function it is */
    bool is_trimmed;    /* without @VERSION, as far as we know */
};

struct segment {
    uint64_t start;
    uint32_t symbol;
};

struct code_section {
    uint64_t low, high;
};

struct symbol_table {
    struct symbol *symbols;
    struct segment *segments;
    struct code_section *sections;
    uint32_t n_symbols, symbols_cap, n_segments, segments_cap, n_sections, sections_cap;
    uint32_t n_slots; /* of n_symbols, those that no table had */
    bool has_symtab;
    struct arena *arena; /* trimmed names */
};

/* ---- reading ------------------------------------------------------------------------------------
 */

struct raw_symbol {
    uint64_t value, size;
    uint32_t name, section;
    uint8_t info;
};

static struct raw_symbol read_symbol(struct cursor *c, bool is_64)
{
    struct raw_symbol raw;
    raw.name = cursor_u32(c);
    if (is_64) {
        raw.info = cursor_u8(c);
        (void)cursor_u8(c);
        raw.section = cursor_u16(c);
        raw.value = cursor_u64(c);
        raw.size = cursor_u64(c);
    } else {
        raw.value = cursor_u32(c);
        raw.size = cursor_u32(c);
        raw.info = cursor_u8(c);
        (void)cursor_u8(c);
        raw.section = cursor_u16(c);
    }
    return raw;
}

/* Marks in the code that tell instructions from data: $x, $d.7, and on RISC-V $xrv64gc. */
static bool is_mark(const char *name, unsigned machine)
{
    if (machine != EM_ARM && machine != EM_AARCH64 && machine != EM_RISCV)
        return false;
    if (machine == EM_RISCV && name[0] == '.' && name[1] == 'L')
        return true;
    if (name[0] != '$' || !name[1] || !strchr("adtx", name[1]))
        return false;
    return name[2] == '\0' || name[2] == '.' || (machine == EM_RISCV && name[1] == 'x');
}

/* A section's string table, up to its last NUL, so that no name runs out of it. */
static struct span read_names(struct elf_file *file, uint32_t section)
{
    const struct span names = elf_file_contents(file, elf_getscn(file->elf, section));
    const size_t end = span_find_last(names, '\0');
    return span_first(names, end == SIZE_MAX ? 0 : end + 1);
}

/* The table of section numbers that do not fit in 16 bits, for the symbol table with this number.
 */
static struct span read_wide_sections(struct elf_file *file, size_t table)
{
    for (Elf_Scn *scn = elf_nextscn(file->elf, NULL); scn; scn = elf_nextscn(file->elf, scn)) {
        GElf_Shdr header;
        if (gelf_getshdr(scn, &header) && header.sh_type == SHT_SYMTAB_SHNDX &&
            header.sh_link == table)
            return elf_file_contents(file, scn);
    }
    return span_make("", 0);
}

/* For each section number whether it holds code. */
static uint8_t *find_code(struct elf_file *file, size_t *n)
{
    if (elf_getshdrnum(file->elf, n) != 0)
        *n = 0;
    uint8_t *is_code = base_alloc(*n + 1, 1);
    for (Elf_Scn *scn = elf_nextscn(file->elf, NULL); scn; scn = elf_nextscn(file->elf, scn)) {
        GElf_Shdr header;
        const size_t at = elf_ndxscn(scn);
        if (at < *n && gelf_getshdr(scn, &header))
            is_code[at] = (header.sh_flags & SHF_EXECINSTR) && (header.sh_flags & SHF_ALLOC);
    }
    return is_code;
}

static void read_table(struct symbol_table *table, struct elf_file *file, Elf_Scn *scn,
                       bool is_dynamic)
{
    GElf_Shdr header;
    if (!gelf_getshdr(scn, &header))
        return;
    const struct span bytes = elf_file_contents(file, scn);
    const struct span names = read_names(file, header.sh_link);
    struct cursor wide = cursor_over(read_wide_sections(file, elf_ndxscn(scn)), file->order);
    size_t n_sections;
    uint8_t *is_code = find_code(file, &n_sections);

    const size_t n = bytes.n / (file->is_64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym));
    struct cursor c = cursor_over(bytes, file->order);
    for (size_t i = 0; i < n && table->n_symbols < UINT32_MAX / 2; i++) {
        struct raw_symbol raw = read_symbol(&c, file->is_64);
        const unsigned type = raw.info & 15, binding = raw.info >> 4;
        if (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE)
            continue;
        if (raw.section == SHN_XINDEX) {
            cursor_seek(&wide, i * sizeof(uint32_t));
            raw.section = cursor_u32(&wide);
        } else if (raw.section >= SHN_LORESERVE) {
            continue;
        }
        if (raw.section >= n_sections || !is_code[raw.section] || raw.name >= names.n)
            continue;
        if (file->header.e_machine == EM_ARM && type == STT_FUNC)
            raw.value &= ~(uint64_t)1; /* the mark of Thumb code */
        const char *name = names.p + raw.name;
        if (raw.value == 0 || !*name || is_mark(name, file->header.e_machine))
            continue;
        if (raw.size > UINT64_MAX - raw.value)
            raw.size = UINT64_MAX - raw.value;
        table->symbols = base_grow(table->symbols, &table->symbols_cap,
                                   (size_t)table->n_symbols + 1, sizeof *table->symbols);
        table->symbols[table->n_symbols++] = (struct symbol){
            .value = raw.value,
            .size = raw.size,
            .name = name,
            .same_name = UINT32_MAX,
            .is_untyped = type == STT_NOTYPE,
            .is_dynamic = is_dynamic,
            .is_chooser = type == STT_GNU_IFUNC,
            .is_text = type != STT_GNU_IFUNC && (binding == STB_GLOBAL || binding == STB_LOCAL),
        };
        table->has_symtab |= !is_dynamic;
    }
    base_free(is_code);
}

/* The first table of a type that has names for code. */
static bool read_tables(struct symbol_table *table, struct elf_file *file, uint32_t type)
{
    if (!file || !file->elf)
        return false;
    const uint32_t before = table->n_symbols;
    for (Elf_Scn *scn = elf_nextscn(file->elf, NULL); scn && table->n_symbols == before;
         scn = elf_nextscn(file->elf, scn)) {
        GElf_Shdr header;
        if (gelf_getshdr(scn, &header) && header.sh_type == type)
            read_table(table, file, scn, type == SHT_DYNSYM);
    }
    return table->n_symbols != before;
}

/* ---- slots --------------------------------------------------------------------------------------
 */

struct slots {
    struct symbol_table *table;
    uint32_t n_read; /* symbols that the tables had */
    struct idmap
        by_value; /* of those that slots without a name lead to; filled for the first one */
    bool has_values;
};

/* The name of the first function at an address, as it is called if it has several: not that of the
 * code which decides what it is. NULL: none is there. */
static const char *name_at(struct slots *slots, uint64_t value)
{
    const struct symbol *symbols = slots->table->symbols;
    for (int pass = 0; pass < 2 && !slots->has_values; pass++) {
        for (uint32_t i = 0; i < slots->n_read; i++) {
            if (!symbols[i].is_untyped && symbols[i].is_chooser == (pass == 0))
                (void)idmap_add(&slots->by_value, symbols[i].value, i, NULL);
        }
    }
    slots->has_values = true;
    uint32_t at;
    return idmap_find(&slots->by_value, value, &at) ? symbols[at].name : NULL;
}

static void add_slot(void *to, uint64_t slot, uint64_t size, const char *name, uint64_t function)
{
    struct slots *slots = to;
    struct symbol_table *table = slots->table;
    if (!name)
        name = name_at(slots, function);
    const size_t n = name ? strnlen(name, NAME_MAX_BYTES) : 0;
    if (n == 0 || n == NAME_MAX_BYTES || slot == 0 || size > UINT64_MAX - slot ||
        table->n_symbols >= UINT32_MAX / 2)
        return;
    const size_t version = span_find(span_make(name, n), '@');
    table->symbols = base_grow(table->symbols, &table->symbols_cap, (size_t)table->n_symbols + 1,
                               sizeof *table->symbols);
    table->symbols[table->n_symbols++] = (struct symbol){
        .value = slot,
        .size = size,
        .name = arena_printf(table->arena, "%.*s@plt", (int)(version < n ? version : n), name),
        .same_name = UINT32_MAX,
        .is_dynamic = true,
        .is_text = true,
        .is_trimmed = true,
        .is_slot = true,
    };
    table->n_slots++;
}

static void read_slots(struct symbol_table *table, struct elf_file *code)
{
    struct slots slots = {.table = table, .n_read = table->n_symbols};
    plt_walk(code, add_slot, &slots);
    idmap_free(&slots.by_value);
}

static void sort_symbols(struct symbol_table *table)
{
    struct radix_item *items = base_alloc(table->n_symbols, sizeof *items);
    for (uint32_t i = 0; i < table->n_symbols; i++)
        items[i] = (struct radix_item){.key = table->symbols[i].value, .value = i};
    radix_sort(items, table->n_symbols);
    struct symbol *sorted = base_alloc(table->n_symbols, sizeof *sorted);
    for (uint32_t i = 0; i < table->n_symbols; i++)
        sorted[i] = table->symbols[items[i].value];
    base_free(items);
    base_free(table->symbols);
    table->symbols = sorted;
    table->symbols_cap = table->n_symbols;
}

static void read_sections(struct symbol_table *table, struct elf_file *file)
{
    if (!file || !file->elf)
        return;
    struct radix_item *items = NULL;
    uint32_t n = 0, cap = 0;
    struct code_section *found = NULL;
    uint32_t found_cap = 0;
    for (Elf_Scn *scn = elf_nextscn(file->elf, NULL); scn; scn = elf_nextscn(file->elf, scn)) {
        GElf_Shdr header;
        if (!gelf_getshdr(scn, &header) || !(header.sh_flags & SHF_EXECINSTR) ||
            !(header.sh_flags & SHF_ALLOC) || header.sh_size == 0 ||
            header.sh_size > UINT64_MAX - header.sh_addr || n >= UINT32_MAX / 2)
            continue;
        items = base_grow(items, &cap, (size_t)n + 1, sizeof *items);
        found = base_grow(found, &found_cap, (size_t)n + 1, sizeof *found);
        items[n] = (struct radix_item){.key = header.sh_addr, .value = n};
        found[n++] = (struct code_section){header.sh_addr, header.sh_addr + header.sh_size};
    }
    if (n) {
        radix_sort(items, n);
        table->sections = base_alloc(n, sizeof *table->sections);
        for (uint32_t i = 0; i < n; i++)
            table->sections[i] = found[items[i].value];
        table->n_sections = n;
    }
    base_free(items);
    base_free(found);
}

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
    /* The debug file's table is the whole one; a stripped object may have kept a part. */
    if (!read_tables(table, debug, SHT_SYMTAB))
        (void)read_tables(table, code, SHT_SYMTAB);
    (void)read_tables(table, code, SHT_DYNSYM);
    read_slots(table, code);
    if (table->n_symbols == 0)
        return table;
    sort_symbols(table);
    make_segments(table);
    read_sections(table, code);
    if (table->n_sections == 0)
        read_sections(table, debug);
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
