/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The symbols of an object that can name code: of .symtab and .dynsym, and one for each slot of the
 * PLT, which no table has. The invariant: every name lies in a string table that ends in a NUL. */
#include "object/symbol_table.h"

#include "base/idmap.h"
#include "base/radix.h"

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

/* ---- all of it ----------------------------------------------------------------------------------
 */

void symbols_read(struct symbol_table *table, struct elf_file *code, struct elf_file *debug)
{
    /* The debug file's table is the whole one; a stripped object may have kept a part. */
    if (!read_tables(table, debug, SHT_SYMTAB))
        (void)read_tables(table, code, SHT_SYMTAB);
    (void)read_tables(table, code, SHT_DYNSYM);
    read_slots(table, code);
    if (table->n_symbols == 0)
        return;
    sort_symbols(table);
    read_sections(table, code);
    if (table->n_sections == 0)
        read_sections(table, debug);
}
