/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Compressed sections of debug files, kept unpacked for the next run: to unpack those of the C
 * library takes most of the time of a small report, and it is the same C library every time. What
 * is kept is known by the build ID, size and time of the file, and is
 *
 *     for each section: number, size of its stream, size, where it is    8 bytes each
 *     sections */
#include "object/internal.h"

#include "base/buf.h"

#define SECTIONS_MAX 64

static void add_u64(struct buf *to, uint64_t value)
{
    buf_add(to, span_make(&value, sizeof value));
}

/* "BUILDID-sections"; false: the file has no build ID. */
static bool make_name(struct elf_file *file, struct buf *name, struct buf *key)
{
    const struct span id = elf_file_build_id(file);
    buf_hex(name, id);
    buf_text(name, "-sections");
    elf_file_identify(file, key);
    return id.n && !name->is_full && !key->is_full;
}

/* Where what is kept of a section is; empty: nowhere. */
static struct span find_kept(struct span bytes, const struct unpacked *wanted)
{
    struct cursor rows = cursor_over(bytes, CURSOR_NATIVE);
    for (uint64_t n = cursor_u64(&rows); n && !cursor_failed(&rows); n--) {
        const uint64_t section = cursor_u64(&rows), stream = cursor_u64(&rows);
        const uint64_t size = cursor_u64(&rows), at = cursor_u64(&rows);
        if (section != wanted->section)
            continue;
        if (stream != wanted->packed.stream.n || size != wanted->packed.size || at > bytes.n ||
            size > bytes.n - at)
            break;
        return span_first(span_skip(bytes, (size_t)at), (size_t)size);
    }
    return (struct span){0};
}

bool section_cache_take(struct elf_file *file, struct span bytes)
{
    bool has_all = true;
    for (uint32_t i = 0; i < file->n_unpacked && has_all; i++) {
        struct unpacked *unpacked = &file->unpacked[i];
        if (unpacked->is_done)
            continue;
        unpacked->kept = find_kept(bytes, unpacked).p;
        has_all = unpacked->kept != NULL;
    }
    for (uint32_t i = 0; i < file->n_unpacked; i++) {
        if (!has_all)
            file->unpacked[i].kept = NULL;
        file->unpacked[i].is_done |= file->unpacked[i].kept != NULL;
    }
    return has_all;
}

bool section_cache_load(struct elf_file *file)
{
    struct buf name = BUF_MAX(200), key = BUF_MAX(200);
    struct cached cached = {0};
    const bool is_there = file->cache && !file->kept.mapped && make_name(file, &name, &key) &&
                          cache_load(file->cache, buf_c(&name), buf_span(&key), &cached);
    const bool is_taken = is_there && section_cache_take(file, cached.bytes);
    if (is_taken)
        file->kept = cached;
    else
        cache_unload(&cached);
    buf_free(&name);
    buf_free(&key);
    return is_taken;
}

void section_cache_store(struct elf_file *file, uint64_t most)
{
    const uint32_t n = file->n_unpacked;
    struct buf name = BUF_MAX(200), key = BUF_MAX(200), rows = BUF_MAX(4096);
    struct span parts[SECTIONS_MAX + 1];
    bool is_whole = n && n <= SECTIONS_MAX && !file->kept.mapped && make_name(file, &name, &key);
    add_u64(&rows, n);
    uint64_t at = sizeof(uint64_t) * (1 + 4 * (uint64_t)n);
    for (uint32_t i = 0; i < n && is_whole; i++) {
        const struct unpacked *unpacked = &file->unpacked[i];
        const uint64_t size = unpacked->packed.size;
        at = (at + CACHE_ALIGN - 1) / CACHE_ALIGN * CACHE_ALIGN;
        add_u64(&rows, unpacked->section);
        add_u64(&rows, unpacked->packed.stream.n);
        add_u64(&rows, size);
        add_u64(&rows, at);
        at += size;
        parts[i + 1] = span_make(unpacked->bytes, (size_t)size);
        is_whole = unpacked->bytes != NULL; /* not damaged */
    }
    parts[0] = buf_span(&rows);
    if (is_whole)
        cache_store(file->cache, buf_c(&name), buf_span(&key), parts, n + 1, most);
    buf_free(&name);
    buf_free(&key);
    buf_free(&rows);
}
