/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The object: one ELF file with its debug files, behind object.h. Code and segments come from the
 * file itself; symbols and DWARF from its debug file where there is one. Symbols are read when the
 * first is asked for, DWARF likewise, since many an object is only opened to know what it is. */
#include "object/internal.h"

#include <limits.h>
#include <stdio.h>

#include "base/file.h"
#include "base/idmap.h"

/* A piece of the file that the loader maps. */
struct segment {
    uint64_t offset, file_size, address, size;
    bool is_code;
};

struct object {
    struct elf_file code, debug, inner, alt, package;
    bool has_debug, has_inner, has_alt, has_package, has_sought_inner, has_sought_package;
    struct segment *segments;
    uint32_t n_segments;
    struct span build_id;
    struct object_options options;
    struct arena *arena; /* texts of the options */

    struct symbol_table *symbols; /* NULL: not read yet */
    struct label_table *labels;   /* NULL: not read yet */
    struct dwarf *dwarf;          /* NULL: not read yet, or there is none */
    struct dwarf_sections alt_sections;
    struct elf_file **splits; /* by path; they outlive the dwarf */
    uint32_t n_splits, splits_cap;
    struct idmap split_of; /* hash of folder and name to place in splits */
};

static void read_segments(struct object *object)
{
    size_t n = 0;
    if (elf_getphdrnum(object->code.elf, &n) != 0 || n == 0)
        return;
    object->segments = base_alloc(n, sizeof *object->segments);
    for (size_t i = 0; i < n; i++) {
        GElf_Phdr header;
        if (!gelf_getphdr(object->code.elf, (int)i, &header))
            break;
        if (header.p_type != PT_LOAD || header.p_filesz > UINT64_MAX - header.p_offset ||
            header.p_memsz > UINT64_MAX - header.p_vaddr)
            continue;
        object->segments[object->n_segments++] = (struct segment){
            .offset = header.p_offset,
            .file_size = header.p_filesz,
            .address = header.p_vaddr,
            .size = header.p_memsz,
            .is_code = header.p_flags & PF_X,
        };
    }
}

static const char *const *copy_dirs(struct arena *arena, const char *const *dirs)
{
    if (!dirs)
        return NULL;
    size_t n = 0;
    while (dirs[n])
        n++;
    const char **copy = arena_alloc(arena, n + 1, sizeof *copy);
    for (size_t i = 0; i < n; i++)
        copy[i] = arena_text(arena, span_of(dirs[i]));
    return copy;
}

bool object_open(const char *path, const struct object_options *options, struct notes *notes,
                 struct object **out, struct error *err)
{
    struct elf_file file;
    if (!elf_file_open(path, &file, err))
        return false;
    struct object *object = base_alloc(1, sizeof *object);
    object->code = file;
    object->arena = arena_new();
    if (options) {
        object->options = *options;
        object->options.debug_dirs = copy_dirs(object->arena, options->debug_dirs);
        object->options.sysroot =
            options->sysroot ? arena_text(object->arena, span_of(options->sysroot)) : NULL;
        object->options.cache =
            options->cache ? arena_text(object->arena, span_of(options->cache)) : NULL;
    }
    if (object->code.elf) {
        object->build_id = elf_file_build_id(&object->code);
        read_segments(object);
        object->has_debug = debug_file_find(&object->code, &object->options, notes, &object->debug);
        object->code.cache = object->debug.cache = object->options.cache;
        object->code.threads = object->debug.threads = object->options.threads;
    }
    *out = object;
    return true;
}

void object_close(struct object *object)
{
    if (!object)
        return;
    dwarf_free(object->dwarf);
    symbol_table_free(object->symbols);
    label_table_free(object->labels);
    for (uint32_t i = 0; i < object->n_splits; i++) {
        elf_file_close(object->splits[i]);
        base_free(object->splits[i]);
    }
    base_free(object->splits);
    idmap_free(&object->split_of);
    elf_file_close(&object->package);
    elf_file_close(&object->alt);
    elf_file_close(&object->inner);
    elf_file_close(&object->debug);
    elf_file_close(&object->code);
    base_free(object->segments);
    arena_free(object->arena);
    base_free(object);
}

bool object_read_build_id(const char *path, uint8_t *id, size_t cap, size_t *n)
{
    struct elf_file file;
    if (!elf_file_open(path, &file, NULL))
        return false;
    const struct span found = elf_file_build_id(&file);
    const bool fits = found.n && found.n <= cap;
    if (fits) {
        memcpy(id, found.p, found.n);
        *n = found.n;
    }
    elf_file_close(&file);
    return fits;
}

/* ---- what it is ---------------------------------------------------------------------------------
 */

const char *object_path(const struct object *object)
{
    return object->code.path;
}

const char *object_debug_path(const struct object *object)
{
    return object->has_debug ? object->debug.path : object->code.path;
}

struct span object_build_id(const struct object *object)
{
    return object->build_id;
}

bool object_is_elf(const struct object *object)
{
    return object->code.elf != NULL;
}

bool object_is_movable(const struct object *object)
{
    return object->code.elf && object->code.header.e_type == ET_DYN;
}

const char *object_machine(const struct object *object, bool *is_64, bool *is_little)
{
    static const struct {
        unsigned machine;
        const char *name;
    } names[] = {
        {EM_X86_64, "x86-64"},       {EM_386, "i386"},
        {EM_AARCH64, "AArch64"},     {EM_ARM, "ARM"},
        {EM_RISCV, "RISC-V"},        {EM_PPC64, "PowerPC64"},
        {EM_PPC, "PowerPC"},         {EM_S390, "S/390"},
        {EM_MIPS, "MIPS"},           {EM_SPARCV9, "SPARC64"},
        {EM_LOONGARCH, "LoongArch"},
    };
    *is_64 = object->code.is_64;
    *is_little = object->code.order == CURSOR_LITTLE;
    for (size_t i = 0; i < COUNT_OF(names) && object->code.elf; i++) {
        if (names[i].machine == object->code.header.e_machine)
            return names[i].name;
    }
    return "unknown";
}

/* ---- addresses ----------------------------------------------------------------------------------
 */

bool object_address_of(const struct object *object, uint64_t file_offset, uint64_t *address)
{
    const struct segment *found = NULL;
    for (uint32_t i = 0; i < object->n_segments; i++) {
        const struct segment *s = &object->segments[i];
        if (file_offset < s->offset || file_offset - s->offset >= s->file_size)
            continue;
        /* Pieces may overlap in the file; what runs is code. */
        if (!found || (s->is_code && !found->is_code))
            found = s;
    }
    if (!found)
        return false;
    *address = found->address + (file_offset - found->offset);
    return true;
}

bool object_covers(const struct object *object, uint64_t address)
{
    for (uint32_t i = 0; i < object->n_segments; i++) {
        const struct segment *s = &object->segments[i];
        if (s->is_code && address >= s->address && address - s->address < s->size)
            return true;
    }
    return false;
}

struct span object_code(struct object *object, uint64_t low, uint64_t high)
{
    const struct span whole = elf_file_whole(&object->code);
    for (uint32_t i = 0; i < object->n_segments && low < high; i++) {
        const struct segment *s = &object->segments[i];
        if (low < s->address || low - s->address >= s->file_size)
            continue;
        const uint64_t skip = low - s->address, wanted = high - low;
        const uint64_t left = s->file_size - skip;
        if (s->offset + skip >= whole.n)
            break;
        return span_first(span_skip(whole, s->offset + skip), wanted < left ? wanted : left);
    }
    return span_make("", 0);
}

/* ---- symbols ------------------------------------------------------------------------------------
 */

/* The file that has the symbols which the object lacks; NULL: none has. */
static struct elf_file *names_of(struct object *object)
{
    if (object->has_debug && elf_file_section(&object->debug, ".symtab").n)
        return &object->debug;
    if (!object->has_sought_inner && !elf_file_section(&object->code, ".symtab").n)
        object->has_inner = elf_file_open_inner(&object->code, &object->inner);
    object->has_sought_inner = true;
    return object->has_inner ? &object->inner : object->has_debug ? &object->debug : NULL;
}

static struct symbol_table *symbols_of(struct object *object)
{
    if (!object->symbols)
        object->symbols = symbol_table_new(&object->code, names_of(object));
    return object->symbols;
}

bool object_symbol(struct object *object, uint64_t address, struct object_symbol *out)
{
    return symbol_table_find(symbols_of(object), address, out);
}

void object_functions(struct object *object, object_function_fn *fn, void *payload)
{
    symbol_table_walk(symbols_of(object), fn, payload);
}

bool object_label(struct object *object, uint64_t address, const char **name, uint64_t *value)
{
    if (!object->labels)
        object->labels = label_table_new(&object->code, names_of(object));
    return label_table_find(object->labels, address, name, value);
}

/* The file whose DWARF speaks for the object; NULL: there is none. */
static struct elf_file *dwarf_file_of(struct object *object)
{
    if (object->has_debug && elf_file_has_dwarf(&object->debug))
        return &object->debug;
    return elf_file_has_dwarf(&object->code) ? &object->code : NULL;
}

bool object_has_symbols(struct object *object)
{
    return dwarf_file_of(object) != NULL || symbol_table_count(symbols_of(object)) != 0;
}

bool object_identify(struct object *object, uint64_t worth, struct buf *to)
{
    struct elf_file *file = dwarf_file_of(object);
    /* Files of split units are known once the units are read. */
    if (!file || file->size < worth || object->has_sought_package || !object->build_id.n ||
        !elf_file_build_id(file).n || elf_file_section(file, ".gnu_debugaltlink").n)
        return false;
    elf_file_identify(&object->code, to);
    if (object->has_debug)
        elf_file_identify(&object->debug, to);
    return true;
}

/* ---- frames -------------------------------------------------------------------------------------
 */

/* One .dwp for all of the object's split units, beside it or beside its debug file. */
static bool find_package(struct object *object)
{
    if (object->has_sought_package)
        return object->has_package;
    object->has_sought_package = true;
    const struct elf_file *const files[] = {&object->code, &object->debug};
    for (size_t i = 0; i < COUNT_OF(files) && !object->has_package; i++) {
        char path[PATH_MAX];
        const int n = files[i]->path ? snprintf(path, sizeof path, "%s.dwp", files[i]->path) : 0;
        if (n <= 0 || (size_t)n >= sizeof path || !file_is_regular(path) ||
            !elf_file_open(path, &object->package, NULL))
            continue;
        object->has_package = object->package.elf != NULL;
        if (!object->has_package)
            elf_file_close(&object->package);
    }
    return object->has_package;
}

static bool find_split(void *to, const char *comp_dir, const char *name, uint64_t dwo_id,
                       struct dwarf_sections *out, bool *is_package)
{
    (void)dwo_id; /* whoever reads the unit compares it */
    struct object *object = to;
    if (find_package(object)) {
        elf_file_dwarf_sections(&object->package, true, out);
        *is_package = true;
        return true;
    }
    if (!name || !*name)
        return false;
    const uint64_t key = hash_mix(comp_dir ? hash_bytes(comp_dir, strlen(comp_dir)) : 0,
                                  hash_bytes(name, strlen(name)));
    uint32_t at;
    if (!idmap_find(&object->split_of, key, &at)) {
        struct elf_file found;
        if (!debug_file_find_split(object->code.path, comp_dir, name, &found))
            return false;
        object->splits = base_grow(object->splits, &object->splits_cap,
                                   (size_t)object->n_splits + 1, sizeof *object->splits);
        object->splits[object->n_splits] = base_alloc(1, sizeof found);
        *object->splits[object->n_splits] = found;
        at = idmap_add(&object->split_of, key, object->n_splits++, NULL);
    }
    elf_file_dwarf_sections(object->splits[at], true, out);
    *is_package = false;
    return true;
}

static struct dwarf *dwarf_of(struct object *object, struct notes *notes)
{
    struct elf_file *file = object->dwarf ? NULL : dwarf_file_of(object);
    if (!file)
        return object->dwarf;
    struct dwarf_sections sections;
    elf_file_dwarf_sections(file, false, &sections);
    if (!object->has_alt)
        object->has_alt = debug_file_find_alt(file, &object->options, notes, &object->alt);
    object->alt.cache = object->options.cache;
    object->alt.threads = object->options.threads;
    if (object->has_alt)
        elf_file_dwarf_sections(&object->alt, false, &object->alt_sections);
    const struct dwarf_files files = {.split = find_split, .to = object};
    object->dwarf = dwarf_new(&sections, object->has_alt ? &object->alt_sections : NULL, &files);
    return object->dwarf;
}

void object_frames(struct object *object, const uint64_t *sorted, uint32_t n,
                   const struct progress *progress, struct notes *notes, struct object_answer *out)
{
    struct dwarf *dwarf = n ? dwarf_of(object, notes) : NULL;
    if (dwarf) {
        dwarf_frames(dwarf, sorted, n, object->options.threads, progress, notes, out);
        return;
    }
    *out = (struct object_answer){.at = base_alloc((size_t)n + 1, sizeof *out->at)};
}

void object_answer_free(struct object_answer *answer)
{
    base_free(answer->at);
    base_free(answer->frames);
    *answer = (struct object_answer){0};
}

/* ---- for people ---------------------------------------------------------------------------------
 */

static bool has_section(struct object *object, const char *name)
{
    return elf_file_section(&object->code, name).n ||
           (object->has_debug && elf_file_section(&object->debug, name).n);
}

void object_describe(struct object *object, struct object_facts *out)
{
    struct elf_file *file = dwarf_file_of(object);
    *out = (struct object_facts){
        .has_symtab = has_section(object, ".symtab"),
        .has_dynsym = has_section(object, ".dynsym"),
        .refused = object->code.refused ? object->code.places[object->code.refused - 1] : NULL,
    };
    struct dwarf *dwarf = dwarf_of(object, NULL);
    if (!file || !dwarf)
        return;
    out->dwarf_path = file->path;
    for (uint32_t i = 0; i < file->n_unpacked; i++)
        out->packed = file->unpacked[i].packed.is_zstd ? "zstd" : "zlib";
    out->package_path = object->has_package ? object->package.path : NULL;
    out->shared_path = object->has_alt ? object->alt.path : NULL;
    out->lacks_shared = !object->has_alt && elf_file_section(file, ".gnu_debugaltlink").n;
    dwarf_describe(dwarf, out);
}

const char *object_place(const struct object *object, uint32_t i)
{
    return i < object->code.n_places ? object->code.places[i] : NULL;
}
