/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Makes small ELF files for tests, of either size and byte order, sound or lying: sections with any
 * header, symbols, segments, notes. */
#pragma once

#include "base_unit.h"

#include <elf.h>

#include "base/buf.h"

#define ELF_PARTS 24

struct elf_part {
    char name[32];
    uint32_t type, link, info;
    uint64_t flags, address, claimed_size; /* claimed_size: what the header says, if not 0 */
    uint64_t claimed_entry;
    struct buf data;
};

struct elf_maker {
    bool is_32, is_big;
    uint16_t type, machine;
    struct elf_part parts[ELF_PARTS]; /* [0] is the null section */
    uint32_t n_parts;
    struct {
        uint32_t type, flags;
        uint64_t offset, address, file_size, size, align;
    } segments[4];
    uint32_t n_segments;
};

static inline struct elf_maker elf_maker(uint16_t type)
{
    return (struct elf_maker){.type = type, .machine = EM_X86_64, .n_parts = 1};
}

static inline void elf_put(const struct elf_maker *m, struct buf *to, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        buf_byte(to, (char)(value >> 8 * (m->is_big ? size - 1 - i : i)));
}

static inline void elf_word(const struct elf_maker *m, struct buf *to, uint64_t value)
{
    elf_put(m, to, value, m->is_32 ? 4 : 8);
}

/* The number of the new section. */
static inline uint32_t elf_section(struct elf_maker *m, const char *name, uint32_t type,
                                   uint64_t flags, uint64_t address, const void *data, size_t n)
{
    assert_true(m->n_parts < ELF_PARTS - 1);
    struct elf_part *part = &m->parts[m->n_parts];
    *part = (struct elf_part){
        .type = type, .flags = flags, .address = address, .data = BUF_MAX(1 << 24)};
    (void)snprintf(part->name, sizeof part->name, "%s", name);
    buf_add(&part->data, span_make(data, n));
    return m->n_parts++;
}

/* A section of n nops. */
static inline uint32_t elf_code(struct elf_maker *m, const char *name, uint64_t address, size_t n)
{
    const uint32_t at =
        elf_section(m, name, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, address, NULL, 0);
    for (size_t i = 0; i < n; i++)
        buf_byte(&m->parts[at].data, (char)0x90);
    return at;
}

/* An empty symbol table with its string table; the number of the former. */
static inline uint32_t elf_symbols(struct elf_maker *m, uint32_t type)
{
    static const char zeros[sizeof(Elf64_Sym)];
    const uint32_t at = elf_section(m, type == SHT_SYMTAB ? ".symtab" : ".dynsym", type, 0, 0,
                                    zeros, m->is_32 ? sizeof(Elf32_Sym) : sizeof(Elf64_Sym));
    const uint32_t names =
        elf_section(m, type == SHT_SYMTAB ? ".strtab" : ".dynstr", SHT_STRTAB, 0, 0, "", 1);
    m->parts[at].link = names;
    return at;
}

static inline void elf_symbol(struct elf_maker *m, uint32_t table, const char *name, uint64_t value,
                              uint64_t size, unsigned binding, unsigned type, uint32_t section)
{
    struct buf *to = &m->parts[table].data, *names = &m->parts[m->parts[table].link].data;
    elf_put(m, to, names->n, 4);
    buf_add(names, span_make(name, strlen(name) + 1));
    if (m->is_32) {
        elf_put(m, to, value, 4);
        elf_put(m, to, size, 4);
    }
    elf_put(m, to, binding << 4 | type, 1);
    elf_put(m, to, 0, 1);
    elf_put(m, to, section, 2);
    if (!m->is_32) {
        elf_put(m, to, value, 8);
        elf_put(m, to, size, 8);
    }
}

static inline void elf_note(struct elf_maker *m, const char *name, const void *id, size_t n)
{
    const uint32_t at = elf_section(m, name, SHT_NOTE, SHF_ALLOC, 0, NULL, 0);
    struct buf *to = &m->parts[at].data;
    elf_put(m, to, 4, 4);
    elf_put(m, to, n, 4);
    elf_put(m, to, NT_GNU_BUILD_ID, 4);
    buf_add(to, span_make("GNU", 4));
    buf_add(to, span_make(id, n));
    while (to->n % 4)
        buf_byte(to, 0);
}

static inline void elf_segment(struct elf_maker *m, uint32_t type, uint32_t flags, uint64_t offset,
                               uint64_t address, uint64_t size)
{
    m->segments[m->n_segments].type = type;
    m->segments[m->n_segments].flags = flags;
    m->segments[m->n_segments].offset = offset;
    m->segments[m->n_segments].address = address;
    m->segments[m->n_segments].file_size = size;
    m->segments[m->n_segments].size = size;
    m->segments[m->n_segments++].align = 4;
}

/* The whole file:  header | segments | sections' bytes, each at a multiple of 16 | section headers.
 * The first section's bytes start at 512. The maker's sections are freed. */
static inline struct buf elf_bytes(struct elf_maker *m)
{
    struct buf out = BUF_MAX(1 << 26);
    const uint32_t names = elf_section(m, ".shstrtab", SHT_STRTAB, 0, 0, "", 1);
    uint32_t name_at[ELF_PARTS] = {0};
    for (uint32_t i = 1; i < m->n_parts; i++) {
        name_at[i] = (uint32_t)m->parts[names].data.n;
        buf_add(&m->parts[names].data, span_make(m->parts[i].name, strlen(m->parts[i].name) + 1));
    }
    uint64_t offset[ELF_PARTS] = {0}, end = 512;
    for (uint32_t i = 1; i < m->n_parts; i++) {
        offset[i] = end;
        if (m->parts[i].type != SHT_NOBITS)
            end = (end + m->parts[i].data.n + 15) / 16 * 16;
    }
    const char ident[] = {0x7f, 'E', 'L', 'F', m->is_32 ? 1 : 2, m->is_big ? 2 : 1, 1};
    buf_add(&out, span_make(ident, sizeof ident));
    while (out.n < EI_NIDENT)
        buf_byte(&out, 0);
    elf_put(m, &out, m->type, 2);
    elf_put(m, &out, m->machine, 2);
    elf_put(m, &out, 1, 4);
    elf_word(m, &out, 0);
    elf_word(m, &out, m->n_segments ? (m->is_32 ? 52 : 64) : 0);
    elf_word(m, &out, end);
    elf_put(m, &out, 0, 4);
    elf_put(m, &out, m->is_32 ? 52 : 64, 2);
    elf_put(m, &out, m->is_32 ? 32 : 56, 2);
    elf_put(m, &out, m->n_segments, 2);
    elf_put(m, &out, m->is_32 ? 40 : 64, 2);
    elf_put(m, &out, m->n_parts, 2);
    elf_put(m, &out, names, 2);
    for (uint32_t i = 0; i < m->n_segments; i++) {
        elf_put(m, &out, m->segments[i].type, 4);
        if (!m->is_32)
            elf_put(m, &out, m->segments[i].flags, 4);
        elf_word(m, &out, m->segments[i].offset);
        elf_word(m, &out, m->segments[i].address);
        elf_word(m, &out, m->segments[i].address);
        elf_word(m, &out, m->segments[i].file_size);
        elf_word(m, &out, m->segments[i].size);
        if (m->is_32)
            elf_put(m, &out, m->segments[i].flags, 4);
        elf_word(m, &out, m->segments[i].align);
    }
    for (uint32_t i = 1; i < m->n_parts; i++) {
        while (out.n < offset[i])
            buf_byte(&out, 0);
        if (m->parts[i].type != SHT_NOBITS)
            buf_add(&out, buf_span(&m->parts[i].data));
    }
    while (out.n < end)
        buf_byte(&out, 0);
    for (uint32_t i = 0; i < m->n_parts; i++) {
        const struct elf_part *part = &m->parts[i];
        elf_put(m, &out, name_at[i], 4);
        elf_put(m, &out, part->type, 4);
        elf_word(m, &out, part->flags);
        elf_word(m, &out, part->address);
        elf_word(m, &out, offset[i]);
        elf_word(m, &out, part->claimed_size ? part->claimed_size : part->data.n);
        elf_put(m, &out, part->link, 4);
        elf_put(m, &out, part->info, 4);
        elf_word(m, &out, 1);
        elf_word(m, &out, part->claimed_entry);
    }
    for (uint32_t i = 0; i < m->n_parts; i++)
        buf_free(&m->parts[i].data);
    return out;
}

static inline void elf_write(struct elf_maker *m, const char *path)
{
    struct buf bytes = elf_bytes(m);
    write_file(path, bytes.p, bytes.n);
    buf_free(&bytes);
}

/* A path in a folder, one at a time. */
static inline const char *path_in(const char *folder, const char *name, char path[256])
{
    (void)snprintf(path, 256, "%s/%s", folder, name);
    return path;
}

static inline void make_folder_in(const char *folder, const char *name)
{
    char path[256];
    assert_int_equal(mkdir(path_in(folder, name, path), 0700), 0);
}
