/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One ELF file through libelf: opening, sections by name, build ID. The only file that asks libelf
 * for contents, so that bounds are checked in one place: what leaves it are spans that lie in the
 * file (or in memory that a section was unpacked to), and nothing that a header claims is believed.
 */
#include "object/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <dwarf.h>

#include "base/file.h"
#include "base/jobs.h"

/* A build ID is a hash; longer ones are damage. */
#define BUILD_ID_MAX 64

#define PACKED_FOR_THREADS ((uint64_t)256 << 10)
#define CACHE_MAX          ((uint64_t)256 << 20)

static void note_shape(struct elf_file *file)
{
    file->is_64 = file->header.e_ident[EI_CLASS] == ELFCLASS64;
    file->order = file->header.e_ident[EI_DATA] == ELFDATA2MSB ? CURSOR_BIG : CURSOR_LITTLE;
}

bool elf_file_open(const char *path, struct elf_file *out, struct error *err)
{
    /* Not to wait for whoever might write into a pipe of this name. */
    CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return error_system(err, errno, "%s", path);
    struct stat st;
    if (fstat(fd, &st) != 0)
        return error_system(err, errno, "%s", path);
    if (S_ISDIR(st.st_mode))
        return error_system(err, EISDIR, "%s", path);
    if (!S_ISREG(st.st_mode))
        return error_system(err, EINVAL, "%s", path);

    struct elf_file file = {
        .device = st.st_dev,
        .inode = st.st_ino,
        .size = (uint64_t)st.st_size,
        .changed = (uint64_t)st.st_mtim.tv_sec * 1000000000 + (uint64_t)st.st_mtim.tv_nsec,
    };
    (void)elf_version(EV_CURRENT);
    file.elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
    if (file.elf && (elf_kind(file.elf) != ELF_K_ELF || !gelf_getehdr(file.elf, &file.header) ||
                     elf_cntl(file.elf, ELF_C_FDREAD) != 0)) {
        (void)elf_end(file.elf);
        file.elf = NULL;
    }
    if (file.elf)
        note_shape(&file);
    file.path = base_copy(path);
    *out = file;
    return true;
}

bool elf_file_open_inner(struct elf_file *outer, struct elf_file *out)
{
    const struct span packed = elf_file_section(outer, ".gnu_debugdata");
    size_t n;
    struct elf_file file = {.memory = packed.n ? unpack_xz(packed, &n) : NULL};
    if (!file.memory)
        return false;
    file.elf = elf_memory(file.memory, n);
    if (!file.elf || elf_kind(file.elf) != ELF_K_ELF || !gelf_getehdr(file.elf, &file.header)) {
        elf_file_close(&file);
        return false;
    }
    note_shape(&file);
    file.path = base_copy(outer->path);
    *out = file;
    return true;
}

void elf_file_close(struct elf_file *file)
{
    if (file->elf)
        (void)elf_end(file->elf);
    for (uint32_t i = 0; i < file->n_unpacked; i++)
        base_free(file->unpacked[i].bytes);
    base_free(file->unpacked);
    cache_unload(&file->kept);
    for (uint32_t i = 0; i < file->n_places; i++)
        base_free(file->places[i]);
    base_free(file->places);
    base_free(file->path);
    base_free(file->memory);
    *file = (struct elf_file){0};
}

struct span elf_file_whole(const struct elf_file *file)
{
    size_t n = 0;
    const char *p = file->elf ? elf_rawfile(file->elf, &n) : NULL;
    return p ? span_make(p, n) : span_make("", 0);
}

static struct span raw_contents(struct elf_file *file, Elf_Scn *scn, GElf_Shdr *header)
{
    if (!file->elf || !scn || !gelf_getshdr(scn, header) || header->sh_type == SHT_NOBITS)
        return span_make("", 0);
    const Elf_Data *data = elf_rawdata(scn, NULL);
    return data && data->d_buf ? span_make(data->d_buf, data->d_size) : span_make("", 0);
}

/* The place for what a compressed section unpacks to, or NULL: it is not compressed. */
static struct unpacked *find_unpacked(struct elf_file *file, Elf_Scn *scn, bool is_old)
{
    const size_t section = elf_ndxscn(scn);
    for (uint32_t i = 0; i < file->n_unpacked; i++) {
        if (file->unpacked[i].section == section)
            return &file->unpacked[i];
    }
    GElf_Shdr header = {0};
    const struct span raw = raw_contents(file, scn, &header);
    struct unpacked unpacked = {.section = section};
    if (header.sh_flags & SHF_COMPRESSED)
        unpacked.is_done = !packed_read_header(raw, file->order, file->is_64, &unpacked.packed);
    else if (is_old && span_starts(raw, "ZLIB"))
        unpacked.is_done = !packed_read_old_header(raw, &unpacked.packed);
    else
        return NULL;
    file->unpacked = base_grow(file->unpacked, &file->unpacked_cap, (size_t)file->n_unpacked + 1,
                               sizeof file->unpacked[0]);
    file->unpacked[file->n_unpacked] = unpacked;
    return &file->unpacked[file->n_unpacked++];
}

/* One of a file's compressed sections; a damaged one stays empty. */
static void unpack(void *shared, uint32_t i)
{
    struct unpacked *unpacked = &((struct elf_file *)shared)->unpacked[i];
    if (unpacked->is_done)
        return;
    unpacked->is_done = true;
    unpacked->bytes = base_alloc(unpacked->packed.size, 1);
    if (!packed_unpack(&unpacked->packed, unpacked->bytes)) {
        base_free(unpacked->bytes);
        unpacked->bytes = NULL;
    }
}

static struct span section_contents(struct elf_file *file, Elf_Scn *scn, bool is_old)
{
    GElf_Shdr header;
    struct unpacked *unpacked = find_unpacked(file, scn, is_old);
    if (!unpacked)
        return raw_contents(file, scn, &header);
    unpack(file, (uint32_t)(unpacked - file->unpacked));
    if (unpacked->kept)
        return span_make(unpacked->kept, unpacked->packed.size);
    return unpacked->bytes ? span_make(unpacked->bytes, unpacked->packed.size) : span_make("", 0);
}

struct span elf_file_contents(struct elf_file *file, Elf_Scn *scn)
{
    return file->elf && scn ? section_contents(file, scn, false) : span_make("", 0);
}

/* Whether `name` is `wanted`, or ".zdebug_X" where ".debug_X" is wanted. */
static bool is_named(const char *name, const char *wanted, bool *is_old)
{
    *is_old =
        name[0] == '.' && name[1] == 'z' && wanted[0] == '.' && strcmp(name + 2, wanted + 1) == 0;
    return *is_old || strcmp(name, wanted) == 0;
}

/* The first of this name behind `scn`, or of all if that is NULL. */
static Elf_Scn *next_section(struct elf_file *file, Elf_Scn *scn, const char *name, bool *is_old)
{
    size_t names;
    if (!file->elf || elf_getshdrstrndx(file->elf, &names) != 0)
        return NULL;
    while ((scn = elf_nextscn(file->elf, scn))) {
        GElf_Shdr header;
        const char *found =
            gelf_getshdr(scn, &header) ? elf_strptr(file->elf, names, header.sh_name) : NULL;
        if (found && header.sh_type != SHT_NOBITS && header.sh_size &&
            is_named(found, name, is_old))
            return scn;
    }
    return NULL;
}

static Elf_Scn *find_section(struct elf_file *file, const char *name, bool *is_old)
{
    return next_section(file, NULL, name, is_old);
}

struct span elf_file_section(struct elf_file *file, const char *name)
{
    bool is_old;
    Elf_Scn *scn = find_section(file, name, &is_old);
    if (!scn)
        return span_make("", 0);
    return section_contents(file, scn, is_old);
}

bool elf_file_has_dwarf(struct elf_file *file)
{
    bool is_old;
    return find_section(file, ".debug_info", &is_old) != NULL;
}

/* The GNU build ID in a run of notes:
 *   name size, description size, type, name, description; both padded to `align`. */
static struct span note_build_id(struct span notes, enum cursor_order order, uint64_t align)
{
    const size_t pad = align == 8 ? 8 : 4;
    struct cursor c = cursor_over(notes, order);
    while (!cursor_failed(&c) && cursor_left(&c)) {
        const uint32_t name_size = cursor_u32(&c), size = cursor_u32(&c), type = cursor_u32(&c);
        const struct span name = cursor_bytes(&c, name_size);
        cursor_skip(&c, -cursor_offset(&c) & (pad - 1));
        const struct span id = cursor_bytes(&c, size);
        if (cursor_failed(&c))
            break;
        if (type == NT_GNU_BUILD_ID && span_equal(name, span_make("GNU", 4)) && id.n &&
            id.n <= BUILD_ID_MAX)
            return id;
        /* The last one may do without. */
        cursor_skip(&c, -cursor_offset(&c) & (pad - 1));
    }
    return span_make("", 0);
}

struct span elf_file_build_id(struct elf_file *file)
{
    if (!file->elf)
        return span_make("", 0);
    /* Sections first: in a file that only holds debug information the segments point nowhere. */
    for (Elf_Scn *scn = elf_nextscn(file->elf, NULL); scn; scn = elf_nextscn(file->elf, scn)) {
        GElf_Shdr header;
        if (!gelf_getshdr(scn, &header) || header.sh_type != SHT_NOTE)
            continue;
        const struct span id =
            note_build_id(elf_file_contents(file, scn), file->order, header.sh_addralign);
        if (id.n)
            return id;
    }
    const struct span whole = elf_file_whole(file);
    size_t n = 0;
    if (elf_getphdrnum(file->elf, &n) != 0)
        return span_make("", 0);
    for (size_t i = 0; i < n; i++) {
        GElf_Phdr header;
        if (!gelf_getphdr(file->elf, (int)i, &header) || header.p_type != PT_NOTE ||
            header.p_offset > whole.n)
            continue;
        const struct span notes = span_first(span_skip(whole, header.p_offset), header.p_filesz);
        const struct span id = note_build_id(notes, file->order, header.p_align);
        if (id.n)
            return id;
    }
    return span_make("", 0);
}

void elf_file_identify(struct elf_file *file, struct buf *to)
{
    const uint64_t numbers[] = {file->size, file->changed};
    buf_add(to, span_make(numbers, sizeof numbers));
    buf_add(to, elf_file_build_id(file));
}

/* Whether units of DWARF begin with one of types, which nobody asks for addresses. */
static bool holds_types(struct span info, enum cursor_order order)
{
    struct cursor c = cursor_over(info, order);
    if (cursor_u32(&c) == UINT32_MAX)
        cursor_skip(&c, 8);
    const uint16_t version = cursor_u16(&c);
    const uint8_t type = cursor_u8(&c);
    return !cursor_failed(&c) && version >= 5 && (type == DW_UT_type || type == DW_UT_split_type);
}

/* The section with the code's unit: compilers put each unit of types of a split file into a section
 * of its own, by the same name. */
static Elf_Scn *find_split_info(struct elf_file *file, const char *name, bool *is_old)
{
    Elf_Scn *scn = find_section(file, name, is_old), *next;
    while (scn && holds_types(section_contents(file, scn, *is_old), file->order) &&
           (next = next_section(file, scn, name, is_old)))
        scn = next;
    return scn;
}

/* Only what is read: unpacking is a large part of the time that compressed debug files cost. */
void elf_file_dwarf_sections(struct elf_file *file, bool is_split, struct dwarf_sections *out)
{
    static const struct {
        const char *name;
        size_t at;
        bool is_in_split; /* has a .dwo spelling */
    } rows[] = {
        {".debug_info", offsetof(struct dwarf_sections, info), true},
        {".debug_types", offsetof(struct dwarf_sections, types), true},
        {".debug_abbrev", offsetof(struct dwarf_sections, abbrev), true},
        {".debug_line", offsetof(struct dwarf_sections, line), true},
        {".debug_str", offsetof(struct dwarf_sections, str), true},
        {".debug_line_str", offsetof(struct dwarf_sections, line_str), false},
        {".debug_ranges", offsetof(struct dwarf_sections, ranges), false},
        {".debug_rnglists", offsetof(struct dwarf_sections, rnglists), true},
        {".debug_addr", offsetof(struct dwarf_sections, addr), false},
        {".debug_str_offsets", offsetof(struct dwarf_sections, str_offsets), true},
        {".debug_aranges", offsetof(struct dwarf_sections, aranges), false},
        {".debug_cu_index", offsetof(struct dwarf_sections, cu_index), false},
        {".debug_tu_index", offsetof(struct dwarf_sections, tu_index), false},
    };
    *out = (struct dwarf_sections){.order = file->order, .path = file->path};
    Elf_Scn *sections[COUNT_OF(rows)];
    bool is_old[COUNT_OF(rows)];
    uint64_t n_packed = 0;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char name[40];
        const bool is_dwo = is_split && rows[i].is_in_split;
        (void)snprintf(name, sizeof name, "%s%s", rows[i].name, is_dwo ? ".dwo" : "");
        const bool may_be_several = is_dwo && rows[i].at == offsetof(struct dwarf_sections, info);
        sections[i] = (may_be_several ? find_split_info : find_section)(file, name, &is_old[i]);
        const struct unpacked *unpacked =
            sections[i] ? find_unpacked(file, sections[i], is_old[i]) : NULL;
        n_packed += unpacked ? unpacked->packed.stream.n : 0;
    }
    /* Sections are independent; a thread for little costs more than it saves, and so does a file.
     */
    const bool is_much = n_packed >= PACKED_FOR_THREADS;
    const bool is_kept = is_much && section_cache_load(file);
    jobs_run(unpack, file, file->n_unpacked, is_much ? file->threads : 1, NULL);
    if (is_much && !is_kept)
        section_cache_store(file, CACHE_MAX);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct span bytes =
            sections[i] ? section_contents(file, sections[i], is_old[i]) : span_make("", 0);
        memcpy((char *)out + rows[i].at, &bytes, sizeof bytes);
    }
}
