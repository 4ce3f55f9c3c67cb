/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reads the symbol table of an ELF file in pieces, by pread: from the file, or from the memory of
 * this process. */
#include "names/internal.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/pages.h"
#include "base/syscall.h"

enum {
    MOST_SECTIONS = 65535,
    MOST_SEGMENTS = 64,
    BUILD_ID_SIZE = 64,
    NOTES_SIZE = 4096,
};
#define MOST_BYTES ((uint64_t)1 << 30) /* of one section */

struct image {
    int fd;
    uint64_t base; /* what is added to every offset */
};

static bool read_at(const struct image *image, uint64_t offset, void *to, size_t n)
{
    char *at = to;
    while (n > 0) {
        const ssize_t done = sys_pread(image->fd, at, n, (off_t)(image->base + offset));
        if (done == -EINTR)
            continue;
        if (done <= 0)
            return false;
        at += done;
        offset += (uint64_t)done;
        n -= (size_t)done;
    }
    return true;
}

/* Pages with a piece of the file; size is set to what table_free needs. */
static void *read_pages(const struct image *image, uint64_t offset, uint64_t n, size_t extra,
                        size_t *size)
{
    if (n == 0 || n > MOST_BYTES)
        return NULL;
    const size_t whole = (n + extra + SYSTEM_PAGE - 1) & ~(size_t)(SYSTEM_PAGE - 1);
    char *p = pages_map(NULL, whole, SYSTEM_PAGE);
    if (!p)
        return NULL;
    if (!read_at(image, offset, p, n)) {
        pages_unmap(p, whole);
        return NULL;
    }
    *size = whole;
    return p;
}

/* ---- is it the file that is mapped? */

struct build_id {
    uint8_t bytes[BUILD_ID_SIZE];
    size_t n; /* 0: none */
};

static size_t padded(size_t n)
{
    return (n + 3) & ~(size_t)3;
}

static void find_build_id(const struct image *image, const Elf64_Phdr *segment, bool is_memory,
                          uint64_t bias, struct build_id *id)
{
    uint8_t notes[NOTES_SIZE];
    const size_t n = segment->p_filesz < sizeof notes ? segment->p_filesz : sizeof notes;
    if (!read_at(image, is_memory ? segment->p_vaddr - bias : segment->p_offset, notes, n))
        return;
    for (size_t at = 0; at + sizeof(Elf64_Nhdr) <= n;) {
        Elf64_Nhdr note;
        memcpy(&note, notes + at, sizeof note);
        const size_t name = at + sizeof note;
        if (note.n_namesz > n || note.n_descsz > n)
            return;
        const size_t bytes = name + padded(note.n_namesz);
        if (bytes + note.n_descsz > n)
            return;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
            memcmp(notes + name, "GNU", 4) == 0 && note.n_descsz <= sizeof id->bytes) {
            memcpy(id->bytes, notes + bytes, note.n_descsz);
            id->n = note.n_descsz;
            return;
        }
        at = bytes + padded(note.n_descsz);
    }
}

struct headers {
    Elf64_Ehdr file;
    Elf64_Phdr segments[MOST_SEGMENTS];
};

static bool read_headers(const struct image *image, struct headers *headers)
{
    Elf64_Ehdr *e = &headers->file;
    return read_at(image, 0, e, sizeof *e) && memcmp(e->e_ident, ELFMAG, SELFMAG) == 0 &&
           e->e_ident[EI_CLASS] == ELFCLASS64 && e->e_ident[EI_DATA] == ELFDATA2LSB &&
           e->e_phentsize == sizeof(Elf64_Phdr) && e->e_phnum <= MOST_SEGMENTS &&
           read_at(image, e->e_phoff, headers->segments, e->e_phnum * sizeof(Elf64_Phdr));
}

static void build_id_of(const struct image *image, const struct headers *headers, bool is_memory,
                        struct build_id *id)
{
    uint64_t bias = 0; /* the address that the file's first bytes have by their headers */
    for (unsigned i = 0; i < headers->file.e_phnum; i++)
        if (headers->segments[i].p_type == PT_LOAD && headers->segments[i].p_offset == 0)
            bias = headers->segments[i].p_vaddr;
    for (unsigned i = 0; i < headers->file.e_phnum && id->n == 0; i++)
        if (headers->segments[i].p_type == PT_NOTE)
            find_build_id(image, &headers->segments[i], is_memory, bias, id);
}

static bool is_what_is_mapped(const struct image *image, const struct headers *headers,
                              uintptr_t mapped)
{
    const int fd = mapped ? sys_open("/proc/self/mem", O_RDONLY | O_CLOEXEC, 0) : -1;
    if (fd < 0)
        return true; /* nothing speaks against it */
    const struct image memory = {fd, mapped};
    struct headers in_memory;
    struct build_id one = {.n = 0}, two = {.n = 0};
    bool is_same = true;
    if (read_headers(&memory, &in_memory)) {
        build_id_of(image, headers, false, &one);
        build_id_of(&memory, &in_memory, true, &two);
        is_same = one.n == two.n && memcmp(one.bytes, two.bytes, one.n) == 0;
    }
    (void)sys_close(fd);
    return is_same;
}

/* ---- symbols */

static bool is_before(const struct names_symbol *a, const struct names_symbol *b)
{
    return a->value != b->value ? a->value < b->value : a->name < b->name;
}

static void sift(struct names_symbol *heap, size_t at, size_t n)
{
    const struct names_symbol moving = heap[at];
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && is_before(&heap[child], &heap[child + 1]))
            child++;
        if (!is_before(&moving, &heap[child]))
            break;
        heap[at] = heap[child];
    }
    heap[at] = moving;
}

/* By heap: in place, and as fast for tables that someone made to be slow. */
static void sort(struct names_symbol *symbols, size_t n)
{
    for (size_t i = n / 2; i-- > 0;)
        sift(symbols, i, n);
    for (size_t end = n; end-- > 1;) {
        const struct names_symbol last = symbols[end];
        symbols[end] = symbols[0];
        symbols[0] = last;
        sift(symbols, 0, end);
    }
}

/* Keeps the functions of a table, at its front. */
static size_t keep_functions(struct names_symbol *to, const Elf64_Sym *from, size_t n,
                             const Elf64_Shdr *sections, size_t n_sections,
                             const struct names_table *table)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        const Elf64_Sym *s = &from[i];
        const unsigned type = ELF64_ST_TYPE(s->st_info);
        const bool is_function = type == STT_FUNC || type == STT_GNU_IFUNC;
        if ((!is_function && type != STT_NOTYPE) || s->st_value == 0 || s->st_shndx == 0 ||
            s->st_shndx >= n_sections || (sections[s->st_shndx].sh_flags & SHF_EXECINSTR) == 0 ||
            s->st_name >= table->n_strings || table->strings[s->st_name] == '\0')
            continue;
        to[kept++] = (struct names_symbol){.value = s->st_value,
                                           .size = s->st_size,
                                           .name = s->st_name,
                                           .section = s->st_shndx,
                                           .is_function = is_function};
    }
    return kept;
}

static bool read_symbols(struct names_table *table, const struct image *image,
                         const Elf64_Shdr *sections, size_t n_sections, const Elf64_Shdr *from)
{
    if (from->sh_link >= n_sections || from->sh_entsize != sizeof(Elf64_Sym))
        return false;
    const Elf64_Shdr *strings = &sections[from->sh_link];
    table->strings =
        read_pages(image, strings->sh_offset, strings->sh_size, 1, &table->strings_size);
    if (!table->strings)
        return false;
    table->n_strings = strings->sh_size; /* a NUL stands behind them */
    size_t raw_size;
    Elf64_Sym *raw = read_pages(image, from->sh_offset, from->sh_size, 0, &raw_size);
    if (!raw)
        return false;
    const size_t n = from->sh_size / sizeof *raw;
    table->symbols_size = (n * sizeof *table->symbols + SYSTEM_PAGE) & ~(size_t)(SYSTEM_PAGE - 1);
    table->symbols = pages_map(NULL, table->symbols_size, SYSTEM_PAGE);
    if (table->symbols) {
        table->n_symbols = keep_functions(table->symbols, raw, n, sections, n_sections, table);
        sort(table->symbols, table->n_symbols);
    }
    pages_unmap(raw, raw_size);
    return table->n_symbols > 0;
}

static bool read_table(struct names_table *table, const struct image *image,
                       const struct headers *headers)
{
    const Elf64_Ehdr *e = &headers->file;
    if (e->e_shentsize != sizeof(Elf64_Shdr) || e->e_shnum == 0)
        return false;
    size_t size;
    Elf64_Shdr *sections =
        read_pages(image, e->e_shoff, (uint64_t)e->e_shnum * sizeof *sections, 0, &size);
    if (!sections)
        return false;
    const Elf64_Shdr *chosen = NULL;
    for (unsigned i = 0; i < e->e_shnum; i++)
        if (sections[i].sh_type == SHT_SYMTAB || (sections[i].sh_type == SHT_DYNSYM && !chosen))
            chosen = &sections[i];
    table->is_full = chosen && chosen->sh_type == SHT_SYMTAB;
    const bool is_read = chosen && read_symbols(table, image, sections, e->e_shnum, chosen);
    pages_unmap(sections, size);
    return is_read;
}

static bool read_segments(struct names_table *table, const struct headers *headers)
{
    table->segments = arena_take(headers->file.e_phnum * sizeof *table->segments);
    for (unsigned i = 0; table->segments && i < headers->file.e_phnum; i++) {
        const Elf64_Phdr *p = &headers->segments[i];
        if (p->p_type == PT_LOAD)
            table->segments[table->n_segments++] =
                (struct names_segment){p->p_offset, p->p_filesz, p->p_vaddr};
    }
    return table->n_segments > 0;
}

bool table_read(struct names_table *table, const char *path, uintptr_t mapped)
{
    const struct image image = {
        .fd = sys_open(path ? path : "/proc/self/mem", O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0),
        .base = path ? 0 : mapped,
    };
    if (image.fd < 0)
        return false;
    struct headers headers;
    *table = (struct names_table){0};
    const bool is_read = read_headers(&image, &headers) &&
                         (!path || is_what_is_mapped(&image, &headers, mapped)) &&
                         read_segments(table, &headers) && read_table(table, &image, &headers);
    (void)sys_close(image.fd);
    if (!is_read)
        table_free(table);
    return is_read;
}

void table_free(struct names_table *table)
{
    if (table->symbols)
        pages_unmap(table->symbols, table->symbols_size);
    if (table->strings)
        pages_unmap(table->strings, table->strings_size);
    *table = (struct names_table){0}; /* segments lie in the arena, and are few */
}

/* ---- looking up */

bool table_address(const struct names_table *table, uint64_t offset, uint64_t *address)
{
    for (size_t i = 0; i < table->n_segments; i++) {
        const struct names_segment *s = &table->segments[i];
        if (offset >= s->offset && offset - s->offset < s->size) {
            *address = offset - s->offset + s->address;
            return true;
        }
    }
    return false;
}

static bool covers(const struct names_symbol *s, uint64_t address)
{
    return address - s->value < s->size;
}

static bool is_better(const struct names_symbol *a, const struct names_symbol *b)
{
    if (a->is_function != b->is_function)
        return a->is_function;
    return a->size < b->size;
}

/* docs/symbols.md has the rules. */
const struct names_symbol *table_find(const struct names_table *table, uint64_t address)
{
    enum { LOOK_BACK = 64 }; /* symbols that may begin inside of one that covers the address */
    size_t low = 0, high = table->n_symbols;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (table->symbols[middle].value <= address)
            low = middle + 1;
        else
            high = middle;
    }
    const struct names_symbol *best = NULL;
    for (size_t i = low; i > 0 && low - i < LOOK_BACK; i--) {
        const struct names_symbol *s = &table->symbols[i - 1];
        if (covers(s, address) && (!best || is_better(s, best)))
            best = s;
    }
    if (best || low == 0)
        return best;
    const struct names_symbol *nearest = &table->symbols[low - 1];
    return table->is_full || nearest->size == 0 ? nearest : NULL;
}
