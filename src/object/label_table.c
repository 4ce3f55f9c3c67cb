/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What stands at an address, data included: names for the operands of instructions. Apart from
 * symbol_table.c, whose symbols are functions that samples belong to; these are read only when
 * somebody asks for machine code in words.
 *
 * The invariant: labels are sorted by value, and there is one for each. */
#include "object/internal.h"

#include "base/radix.h"

struct label {
    uint64_t value;
    const char *name;
    uint32_t section;
    bool is_untyped; /* a mark of the linker's, as likely as not */
};

struct section_range {
    uint64_t low, high;
};

struct label_table {
    struct label *labels;
    uint32_t n, cap;
    struct section_range *sections; /* of the file that the labels are from, by number */
    size_t n_sections;
};

static void read_ranges(struct label_table *table, struct elf_file *file)
{
    if (elf_getshdrnum(file->elf, &table->n_sections) != 0)
        table->n_sections = 0;
    table->sections = base_alloc(table->n_sections, sizeof *table->sections);
    for (Elf_Scn *scn = elf_nextscn(file->elf, NULL); scn; scn = elf_nextscn(file->elf, scn)) {
        GElf_Shdr header;
        const size_t at = elf_ndxscn(scn);
        if (at < table->n_sections && gelf_getshdr(scn, &header) && (header.sh_flags & SHF_ALLOC) &&
            header.sh_size <= UINT64_MAX - header.sh_addr)
            table->sections[at] =
                (struct section_range){header.sh_addr, header.sh_addr + header.sh_size};
    }
}

static bool is_labelling(const struct label_table *table, const GElf_Sym *symbol)
{
    const unsigned type = GELF_ST_TYPE(symbol->st_info);
    if (type != STT_NOTYPE && type != STT_OBJECT && type != STT_FUNC && type != STT_GNU_IFUNC)
        return false;
    if (symbol->st_shndx == SHN_UNDEF || symbol->st_shndx >= table->n_sections)
        return false;
    const struct section_range *range = &table->sections[symbol->st_shndx];
    return symbol->st_value && symbol->st_value >= range->low && symbol->st_value < range->high;
}

static void read_labels(struct label_table *table, struct elf_file *file, Elf_Scn *scn)
{
    GElf_Shdr header;
    Elf_Data *data = elf_getdata(scn, NULL);
    if (!data || !gelf_getshdr(scn, &header))
        return;
    const size_t size = file->is_64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
    const size_t n = data->d_size / size;
    for (int i = 0; (size_t)i < n && i < INT32_MAX / 2; i++) {
        GElf_Sym symbol;
        if (!gelf_getsym(data, i, &symbol) || !is_labelling(table, &symbol))
            continue;
        const char *name = elf_strptr(file->elf, header.sh_link, symbol.st_name);
        if (!name || !*name)
            continue;
        table->labels =
            base_grow(table->labels, &table->cap, (size_t)table->n + 1, sizeof *table->labels);
        table->labels[table->n++] = (struct label){
            .value = symbol.st_value,
            .name = name,
            .section = symbol.st_shndx,
            .is_untyped = GELF_ST_TYPE(symbol.st_info) == STT_NOTYPE,
        };
    }
}

static void read_tables(struct label_table *table, struct elf_file *file, uint32_t type)
{
    for (Elf_Scn *scn = elf_nextscn(file->elf, NULL); scn; scn = elf_nextscn(file->elf, scn)) {
        GElf_Shdr header;
        if (gelf_getshdr(scn, &header) && header.sh_type == type)
            read_labels(table, file, scn);
    }
}

static void sort_labels(struct label_table *table)
{
    struct radix_item *items = base_alloc(table->n, sizeof *items);
    for (uint32_t i = 0; i < table->n; i++)
        items[i] = (struct radix_item){.key = table->labels[i].value, .value = i};
    radix_sort(items, table->n);
    struct label *sorted = base_alloc(table->n, sizeof *sorted);
    uint32_t n = 0;
    for (uint32_t i = 0; i < table->n; i++) {
        const struct label *label = &table->labels[items[i].value];
        if (n == 0 || sorted[n - 1].value != label->value)
            sorted[n++] = *label;
        else if (sorted[n - 1].is_untyped && !label->is_untyped)
            sorted[n - 1] = *label; /* else the first in the table */
    }
    base_free(items);
    base_free(table->labels);
    table->labels = sorted;
    table->n = n;
    table->cap = n;
}

struct label_table *label_table_new(struct elf_file *code, struct elf_file *debug)
{
    struct label_table *table = base_alloc(1, sizeof *table);
    struct elf_file *const files[] = {debug, code, code};
    static const uint32_t types[] = {SHT_SYMTAB, SHT_SYMTAB, SHT_DYNSYM};
    for (size_t i = 0; i < COUNT_OF(files) && table->n == 0; i++) {
        if (!files[i] || !files[i]->elf)
            continue;
        base_free(table->sections);
        table->sections = NULL;
        read_ranges(table, files[i]);
        read_tables(table, files[i], types[i]);
    }
    if (table->n)
        sort_labels(table);
    return table;
}

void label_table_free(struct label_table *table)
{
    if (!table)
        return;
    base_free(table->labels);
    base_free(table->sections);
    base_free(table);
}

bool label_table_find(const struct label_table *table, uint64_t address, const char **name,
                      uint64_t *value)
{
    uint32_t low = 0, high = table->n; /* labels before low are at or below the address */
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (table->labels[middle].value <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return false;
    const struct label *found = &table->labels[low - 1];
    const struct section_range *range = &table->sections[found->section];
    if (address >= range->high)
        return false;
    *name = found->name;
    *value = found->value;
    return true;
}
