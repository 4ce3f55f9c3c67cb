/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Where names lie when they do not lie in the object: the separate debug file by path, link and
 * build ID, the file that several of them share, and the files of split units. Apart because it is
 * all custom of distributions. The invariant: a file is only taken if its build ID or its checksum
 * says that it belongs to the object; only where neither is there do we believe its place.
 */
#include "object/internal.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/file.h"

static const char *const usual_dirs[] = {"/usr/lib/debug", NULL};

/* Paths from files are cut off here: the system takes no longer ones. */
#define PATH_BUF ((struct buf)BUF_MAX(PATH_MAX))

/* A search for one file: what it is of, and who hears of those that do not fit. */
struct search {
    struct elf_file *file;
    const char *const *dirs;
    bool has_own_dirs;    /* somebody named them: files may lie there side by side */
    bool force;           /* any will do */
    struct span build_id; /* the one that it must have; empty: any */
    struct notes *notes;
    struct elf_file *out;
};

static struct span folder_of(const char *path)
{
    const struct span whole = span_of(path);
    const size_t slash = span_find_last(whole, '/');
    return slash == SIZE_MAX ? span_make(".", 1) : span_first(whole, slash ? slash : 1);
}

/* The CRC-32 that .gnu_debuglink carries: the one of IEEE 802.3, bits reflected. */
static uint32_t checksum(struct span bytes)
{
    uint32_t table[256];
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++)
            c = c & 1 ? c >> 1 ^ 0xedb88320u : c >> 1;
        table[i] = c;
    }
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < bytes.n; i++)
        crc = crc >> 8 ^ table[(crc ^ (unsigned char)bytes.p[i]) & 255];
    return ~crc;
}

/* Whether an open candidate belongs to the object. `crc`: what it must have where build IDs do not
 * decide; NULL: nothing more is asked. */
static bool belongs(const struct search *search, struct elf_file *found, const uint32_t *crc)
{
    if (!found->elf) {
        notes_add(search->notes, "%s: not an ELF file, so no debug file of %s", found->path,
                  search->file->path);
        return false;
    }
    const struct span id = elf_file_build_id(found);
    if (search->build_id.n && id.n) {
        if (span_equal(search->build_id, id))
            return true;
        notes_add(search->notes, "%s: build ID differs from that of %s%s", found->path,
                  search->file->path, search->force ? "; names may be wrong" : "");
        return search->force;
    }
    if (crc && checksum(elf_file_whole(found)) != *crc) {
        notes_add(search->notes, "%s: checksum differs from what %s asks for%s", found->path,
                  search->file->path, search->force ? "; names may be wrong" : "");
        return search->force;
    }
    return true;
}

static void note_place(struct elf_file *file, const char *path)
{
    file->places = base_grow(file->places, &file->places_cap, (size_t)file->n_places + 1,
                             sizeof *file->places);
    file->places[file->n_places++] = base_copy(path);
}

static bool try_path(const struct search *search, const char *path, const uint32_t *crc)
{
    struct elf_file found;
    note_place(search->file, path);
    if (!file_is_regular(path) || !elf_file_open(path, &found, NULL))
        return false;
    const bool is_itself =
        found.inode == search->file->inode && found.device == search->file->device;
    if (is_itself || !belongs(search, &found, crc)) {
        search->file->refused = is_itself ? search->file->refused : search->file->n_places;
        elf_file_close(&found);
        return false;
    }
    *search->out = found;
    return true;
}

static bool try_printf(const struct search *search, const uint32_t *crc, const char *format, ...)
    PRINTF_LIKE(3, 4);
static bool try_printf(const struct search *search, const uint32_t *crc, const char *format, ...)
{
    char path[PATH_MAX];
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(path, sizeof path, format, args);
    va_end(args);
    return n > 0 && (size_t)n < sizeof path && try_path(search, path, crc);
}

static bool find_by_path(const struct search *search, const char *absolute)
{
    for (const char *const *dir = search->dirs; *dir; dir++) {
        if (try_printf(search, NULL, "%s%s", *dir, absolute) ||
            try_printf(search, NULL, "%s%s.debug", *dir, absolute))
            return true;
    }
    return false;
}

/* .gnu_debuglink: a file name, zeros up to a multiple of four, the CRC of the file. */
static bool find_by_link(const struct search *search, const char *absolute)
{
    struct cursor c =
        cursor_over(elf_file_section(search->file, ".gnu_debuglink"), search->file->order);
    const char *name = cursor_text(&c);
    cursor_skip(&c, -cursor_offset(&c) & 3);
    const uint32_t crc = cursor_u32(&c);
    if (cursor_failed(&c) || !*name || strchr(name, '/'))
        return false;
    const struct span folder = folder_of(absolute);
    const int n = (int)folder.n;
    if (try_printf(search, &crc, "%.*s/%s", n, folder.p, name) ||
        try_printf(search, &crc, "%.*s/.debug/%s", n, folder.p, name))
        return true;
    for (const char *const *dir = search->dirs; *dir; dir++) {
        if (try_printf(search, &crc, "%s%.*s/%s", *dir, n, folder.p, name) ||
            (search->has_own_dirs && try_printf(search, &crc, "%s/%s", *dir, name)))
            return true;
    }
    return false;
}

/* DIR/.build-id/XX/REST.debug */
static bool find_by_build_id(const struct search *search)
{
    struct buf hex = BUF_MAX(256);
    buf_hex(&hex, span_first(search->build_id, 1));
    buf_byte(&hex, '/');
    buf_hex(&hex, span_skip(search->build_id, 1));
    bool is_found = false;
    for (const char *const *dir = search->dirs; *dir && search->build_id.n > 1 && !is_found; dir++)
        is_found = try_printf(search, NULL, "%s/.build-id/%s.debug", *dir, buf_c(&hex));
    buf_free(&hex);
    return is_found;
}

/* From whoever has files that are not on this machine. */
static bool find_elsewhere(const struct search *search, const struct object_fetcher *fetcher)
{
    if (!fetcher || !search->build_id.n)
        return false;
    const char *path =
        fetcher->fetch(fetcher->to, search->build_id, search->file->path, search->notes);
    if (path)
        return try_path(search, path, NULL);
    note_place(search->file, fetcher->name);
    return false;
}

static struct search search_for(struct elf_file *file, const struct object_options *options,
                                struct notes *notes, struct elf_file *out)
{
    return (struct search){
        .file = file,
        .dirs = options->debug_dirs ? options->debug_dirs : usual_dirs,
        .has_own_dirs = options->debug_dirs != NULL,
        .force = options->force,
        .notes = notes,
        .out = out,
    };
}

/* The path as those who live in the sysroot see it; the same where it is not in there. */
static const char *path_inside(const char *absolute, const char *sysroot)
{
    char *root = sysroot ? realpath(sysroot, NULL) : NULL;
    const size_t n = root ? strlen(root) : 0;
    const bool is_inside = n > 1 && strncmp(absolute, root, n) == 0 && absolute[n] == '/';
    free(root);
    return is_inside ? absolute + n : absolute;
}

bool debug_file_find(struct elf_file *file, const struct object_options *options,
                     struct notes *notes, struct elf_file *out)
{
    struct search search = search_for(file, options, notes, out);
    search.build_id = elf_file_build_id(file);
    char *absolute = realpath(file->path, NULL);
    const char *inside = absolute ? path_inside(absolute, options->sysroot) : NULL;
    bool is_found = absolute && find_by_path(&search, inside);
    if (!is_found && !elf_file_has_dwarf(file)) {
        is_found = absolute && find_by_link(&search, absolute);
        if (!is_found && inside != absolute)
            is_found = find_by_link(&search, inside);
        is_found =
            is_found || find_by_build_id(&search) || find_elsewhere(&search, options->fetcher);
    }
    free(absolute);
    return is_found;
}

/* .gnu_debugaltlink: a file name, relative to the file that has the link, and the build ID. */
bool debug_file_find_alt(struct elf_file *file, const struct object_options *options,
                         struct notes *notes, struct elf_file *out)
{
    struct cursor c = cursor_over(elf_file_section(file, ".gnu_debugaltlink"), file->order);
    const char *name = cursor_text(&c);
    const struct span id = cursor_bytes(&c, cursor_left(&c));
    if (cursor_failed(&c) || !*name)
        return false;
    struct search search = search_for(file, options, notes, out);
    search.build_id = id;
    char *absolute = realpath(file->path, NULL);
    const struct span beside = folder_of(file->path), really = folder_of(absolute ? absolute : "");
    bool is_found;
    if (name[0] == '/')
        is_found =
            (options->sysroot && try_printf(&search, NULL, "%s%s", options->sysroot, name)) ||
            try_path(&search, name, NULL);
    else
        is_found =
            try_printf(&search, NULL, "%.*s/%s", (int)beside.n, beside.p, name) ||
            (absolute && try_printf(&search, NULL, "%.*s/%s", (int)really.n, really.p, name));
    is_found = is_found || find_by_build_id(&search) || find_elsewhere(&search, options->fetcher);
    free(absolute);
    if (!is_found)
        notes_add(notes, "%s: shares names with %s, which is not there", file->path, name);
    return is_found;
}

static bool try_split(const char *path, struct elf_file *out)
{
    struct elf_file found;
    if (!file_is_regular(path) || !elf_file_open(path, &found, NULL))
        return false;
    if (found.elf) {
        *out = found;
        return true;
    }
    elf_file_close(&found);
    return false;
}

bool debug_file_find_split(const char *object, const char *comp_dir, const char *name,
                           struct elf_file *out)
{
    const struct span folder = folder_of(object);
    struct buf path = PATH_BUF;
    bool is_found = false;
    for (unsigned way = 0; way < 3 && !is_found; way++) {
        buf_clear(&path);
        if (way == 0 && name[0] == '/')
            buf_text(&path, name);
        else if (way == 0)
            buf_printf(&path, "%s/%s", comp_dir && *comp_dir ? comp_dir : ".", name);
        else if (way == 1 && name[0] != '/')
            buf_printf(&path, "%.*s/%s", (int)folder.n, folder.p, name);
        else
            buf_printf(&path, "%.*s/%s", (int)folder.n, folder.p, span_file_name(span_of(name)).p);
        is_found = !path.is_full && try_split(buf_c(&path), out);
    }
    buf_free(&path);
    return is_found;
}
