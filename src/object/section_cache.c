/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Compressed sections of debug files, kept unpacked in the person's cache folder: to unpack those
 * of the C library takes most of the time of a small report, and it is the same C library every
 * time. Apart because whatever lies in a folder may be damaged, or not ours: a file is believed if
 * it and its folder are ours alone, it says that it was made of this very file, and its sums are
 * right. The invariant: a file has its name when it is complete, and is never written to again, so
 * that readers and writers need no lock.
 *
 *     magic, size of the debug file, its time, size of the build ID, sections    8 bytes each
 *     build ID, padded to a multiple of 8
 *     for each section: number, size of its stream, size, where it is, its sum   8 bytes each
 *     the sum of all that
 *     sections, each at a multiple of 8
 *
 * in the byte order of this machine; in that of another one the magic differs. */
#include "object/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"

#define MAGIC       ((uint64_t)0x3130636573707263) /* "crpsec01" */
#define ENDING      ".sections"
#define BEGINNING   ".new-" /* of files that are being written */
#define ENTRY_MAX   ((uint64_t)128 << 20)
#define HEADER_MAX  ((uint64_t)1 << 16)
#define OLD_SECONDS 3600 /* nobody writes for so long */
#define USED_SECONDS                                                                               \
    86400 /* to note more often that a file was used would cost more than it tells */

/* Against damage, not against enemies; as fast as memory. Each step can be undone, so that a change
 * in one place always shows. */
static uint64_t sum_of(struct span bytes)
{
    enum { LANES = 8 };
    static const uint64_t factor = 0x9e3779b97f4a7c15u;
    uint64_t sums[LANES] = {bytes.n, 1, 2, 3, 4, 5, 6, 7}, words[LANES];
    size_t i = 0;
    for (; i + sizeof words <= bytes.n; i += sizeof words) {
        memcpy(words, bytes.p + i, sizeof words);
#pragma GCC unroll 8 /* or gcc keeps the sums in memory */
        for (unsigned k = 0; k < LANES; k++)
            sums[k] = (sums[k] ^ words[k]) * factor;
    }
    for (; i < bytes.n; i++)
        sums[i % LANES] = (sums[i % LANES] ^ (unsigned char)bytes.p[i]) * factor;
    for (unsigned k = 1; k < LANES; k++)
        sums[0] = (sums[0] ^ sums[0] >> 29) * factor ^ sums[k];
    return sums[0];
}

static uint64_t padded(uint64_t n)
{
    return (n + 7) & ~(uint64_t)7;
}

/* ---- reading ------------------------------------------------------------------------------------
 */

/* Where what is kept of a section is in `bytes`; empty: nowhere. */
static struct span find_kept(struct span bytes, struct cursor rows, uint64_t n,
                             const struct unpacked *wanted)
{
    for (uint64_t i = 0; i < n; i++) {
        const uint64_t section = cursor_u64(&rows), stream = cursor_u64(&rows);
        const uint64_t size = cursor_u64(&rows), at = cursor_u64(&rows), sum = cursor_u64(&rows);
        if (section != wanted->section)
            continue;
        if (stream != wanted->packed.stream.n || size != wanted->packed.size || at > bytes.n ||
            size > bytes.n - at)
            return (struct span){0};
        const struct span kept = span_first(span_skip(bytes, (size_t)at), (size_t)size);
        return sum_of(kept) == sum ? kept : (struct span){0};
    }
    return (struct span){0};
}

/* Whether the bytes were made of this file and are what they were; then its sections are there. */
static bool take(struct span bytes, struct elf_file *file)
{
    const struct span id = elf_file_build_id(file);
    struct cursor c = cursor_over(bytes, CURSOR_NATIVE);
    const bool is_of_it = cursor_u64(&c) == MAGIC && cursor_u64(&c) == file->size &&
                          cursor_u64(&c) == file->changed && cursor_u64(&c) == id.n;
    const uint64_t n = cursor_u64(&c);
    if (!is_of_it || cursor_failed(&c) || n > HEADER_MAX || !span_equal(cursor_bytes(&c, id.n), id))
        return false;
    cursor_skip(&c, (size_t)(padded(id.n) - id.n));
    const struct cursor rows = c;
    cursor_skip(&c, (size_t)n * 5 * sizeof(uint64_t));
    const size_t size = cursor_offset(&c);
    if (cursor_u64(&c) != sum_of(span_first(bytes, size)) || cursor_failed(&c))
        return false;
    for (uint32_t i = 0; i < file->n_unpacked; i++) {
        struct unpacked *unpacked = &file->unpacked[i];
        if (unpacked->is_done)
            continue;
        const struct span kept = find_kept(bytes, rows, n, unpacked);
        if (!kept.p)
            return false;
        unpacked->kept = kept.p;
    }
    for (uint32_t i = 0; i < file->n_unpacked; i++)
        file->unpacked[i].is_done |= file->unpacked[i].kept != NULL;
    return true;
}

/* Ours, and nobody else may write to it. */
static bool is_ours(const struct stat *st)
{
    return st->st_uid == geteuid() && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

static int open_folder(const char *folder)
{
    struct stat st;
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && (fstat(fd, &st) != 0 || !is_ours(&st))) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* "BUILDID.sections"; false: the file has no build ID. */
static bool name_of(struct elf_file *file, char *name, size_t cap)
{
    const struct span id = elf_file_build_id(file);
    struct buf text = BUF_MAX(cap - 1);
    buf_hex(&text, id);
    buf_text(&text, ENDING);
    const bool is_named = id.n && !text.is_full;
    if (is_named)
        memcpy(name, buf_c(&text), text.n + 1);
    buf_free(&text);
    return is_named;
}

bool section_cache_load(struct elf_file *file)
{
    char name[256];
    CLEANUP(fd_close) int folder = -1;
    CLEANUP(fd_close) int fd = -1;
    struct stat st;
    if (!file->cache || file->kept || !name_of(file, name, sizeof name) ||
        (folder = open_folder(file->cache)) < 0)
        return false;
    fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || !is_ours(&st) || st.st_size <= 0 ||
        (uint64_t)st.st_size > ENTRY_MAX)
        return false;
    void *mapped = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (mapped == MAP_FAILED)
        return false;
    if (!take(span_make(mapped, (size_t)st.st_size), file)) {
        for (uint32_t i = 0; i < file->n_unpacked; i++)
            file->unpacked[i].kept = NULL;
        (void)munmap(mapped, (size_t)st.st_size);
        return false;
    }
    file->kept = mapped;
    file->kept_size = (size_t)st.st_size;
    if (time(NULL) - st.st_mtime > USED_SECONDS)
        (void)futimens(fd, NULL);
    return true;
}

/* ---- bounds -------------------------------------------------------------------------------------
 */

struct entry {
    char *name;
    int64_t used, size;
};

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return (x->used > y->used) - (x->used < y->used);
}

/* Removes what was not used for longest until the rest is small enough, and what somebody left
 * behind who was stopped. */
static void sweep(int folder, uint64_t most)
{
    struct entry *entries = NULL;
    uint32_t n = 0, cap = 0;
    uint64_t total = 0;
    const int fd = dup(folder);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    for (struct dirent *found; dir && (found = readdir(dir));) {
        struct stat st;
        const struct span name = span_of(found->d_name);
        const bool is_new = span_starts(name, BEGINNING);
        if ((!is_new && !span_ends(name, ENDING)) ||
            fstatat(folder, found->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (is_new && time(NULL) - st.st_mtime > OLD_SECONDS)
            (void)unlinkat(folder, found->d_name, 0);
        if (is_new)
            continue;
        entries = base_grow(entries, &cap, (size_t)n + 1, sizeof *entries);
        entries[n] = (struct entry){
            .name = span_copy(name),
            .used = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec,
            .size = st.st_size,
        };
        n++;
        total += (uint64_t)st.st_size;
    }
    if (n > 1)
        qsort(entries, n, sizeof *entries, compare_entries);
    for (uint32_t i = 0; i < n; i++) {
        if (total > most && unlinkat(folder, entries[i].name, 0) == 0)
            total -= (uint64_t)entries[i].size;
        base_free(entries[i].name);
    }
    base_free(entries);
    if (dir)
        (void)closedir(dir);
    else if (fd >= 0)
        (void)close(fd);
}

/* ---- writing ------------------------------------------------------------------------------------
 */

static void add_u64(struct buf *to, uint64_t value)
{
    buf_add(to, span_make(&value, sizeof value));
}

static void make_header(struct elf_file *file, struct buf *to)
{
    const struct span id = elf_file_build_id(file);
    static const char zeros[8];
    add_u64(to, MAGIC);
    add_u64(to, file->size);
    add_u64(to, file->changed);
    add_u64(to, id.n);
    add_u64(to, file->n_unpacked);
    buf_add(to, id);
    buf_add(to, span_make(zeros, (size_t)(padded(id.n) - id.n)));
    uint64_t at = to->n + (5 * (uint64_t)file->n_unpacked + 1) * sizeof(uint64_t);
    for (uint32_t i = 0; i < file->n_unpacked; i++) {
        const struct unpacked *unpacked = &file->unpacked[i];
        add_u64(to, unpacked->section);
        add_u64(to, unpacked->packed.stream.n);
        add_u64(to, unpacked->packed.size);
        add_u64(to, at);
        add_u64(to, sum_of(span_make(unpacked->bytes, (size_t)unpacked->packed.size)));
        at += padded(unpacked->packed.size);
    }
    add_u64(to, sum_of(buf_span(to)));
}

static bool write_entry(struct elf_file *file, int fd)
{
    static const char zeros[8];
    struct buf header = BUF_MAX(HEADER_MAX);
    make_header(file, &header);
    bool is_written = !header.is_full && fd_write(fd, buf_span(&header));
    buf_free(&header);
    for (uint32_t i = 0; i < file->n_unpacked && is_written; i++) {
        const uint64_t n = file->unpacked[i].packed.size;
        is_written = fd_write(fd, span_make(file->unpacked[i].bytes, (size_t)n)) &&
                     fd_write(fd, span_make(zeros, (size_t)(padded(n) - n)));
    }
    return is_written;
}

void section_cache_store(struct elf_file *file, uint64_t most)
{
    char name[256], temporary[64];
    uint64_t size = HEADER_MAX;
    for (uint32_t i = 0; i < file->n_unpacked; i++) {
        if (!file->unpacked[i].bytes)
            return; /* damaged, or not asked for */
        size += padded(file->unpacked[i].packed.size);
    }
    if (!file->cache || file->kept || size > ENTRY_MAX || size > most ||
        !name_of(file, name, sizeof name))
        return;
    CLEANUP(fd_close) int folder = open_folder(file->cache);
    if (folder < 0) {
        file_make_folders(file->cache);
        folder = open_folder(file->cache);
    }
    if (folder < 0)
        return;
    /* Two that write at once have a name each, and the last one to finish wins: they say the same.
     */
    (void)snprintf(temporary, sizeof temporary, BEGINNING "%ld-%llx", (long)getpid(),
                   (unsigned long long)(uintptr_t)file);
    CLEANUP(fd_close)
    int fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    if (!write_entry(file, fd) || renameat(folder, temporary, folder, name) != 0)
        (void)unlinkat(folder, temporary, 0);
    sweep(folder, most);
}
