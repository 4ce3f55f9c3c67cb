/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Files that are kept. The invariant: a file has its name when it is complete, and is never written
 * to again, so that readers and writers need no lock.
 *
 *     magic, size of the key, size of the contents, sum of the contents    8 bytes each
 *     the key, padded to a multiple of 8
 *     the sum of all that, 8 bytes; zeros up to a multiple of CACHE_ALIGN
 *     the contents: parts, each padded to a multiple of CACHE_ALIGN
 *
 * in the byte order of this machine; in that of another one the magic differs. */
#include "base/cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cursor.h"
#include "base/file.h"

#define MAGIC       ((uint64_t)0x3130747065727063) /* "cprept01" */
#define BEGINNING   ".new-"                        /* of files that are being written */
#define FILE_MAX    ((uint64_t)128 << 20)
#define HEADER_MAX  4096
#define OLD_SECONDS 3600 /* nobody writes for so long */
/* To note more often that a file was used would cost more than it tells. */
#define USED_SECONDS 86400

static const char zeros[CACHE_ALIGN];

static uint64_t padded(uint64_t n)
{
    return (n + CACHE_ALIGN - 1) / CACHE_ALIGN * CACHE_ALIGN;
}

/* ---- sums ---------------------------------------------------------------------------------------
 *
 * Against damage, not against enemies; as fast as memory. Each step can be undone, so that a change
 * in one place always shows. */

enum { LANES = CACHE_ALIGN / sizeof(uint64_t) };
struct sum {
    uint64_t lanes[LANES];
};
#define SUM_START ((struct sum){{1, 2, 3, 4, 5, 6, 7, 8}})
#define FACTOR    ((uint64_t)0x9e3779b97f4a7c15)

/* The bytes, and zeros up to a multiple of CACHE_ALIGN. */
static void sum_add(struct sum *sum, struct span bytes)
{
    uint64_t sums[LANES], words[LANES]; /* where gcc keeps them in registers */
    memcpy(sums, sum->lanes, sizeof sums);
    for (size_t i = 0; i < bytes.n; i += sizeof words) {
        if (bytes.n - i >= sizeof words) {
            memcpy(words, bytes.p + i, sizeof words);
        } else {
            memset(words, 0, sizeof words);
            memcpy(words, bytes.p + i, bytes.n - i);
        }
#pragma GCC unroll 8
        for (unsigned k = 0; k < LANES; k++)
            sums[k] = (sums[k] ^ words[k]) * FACTOR;
    }
    memcpy(sum->lanes, sums, sizeof sums);
}

static uint64_t sum_end(const struct sum *sum)
{
    uint64_t all = sum->lanes[0];
    for (unsigned k = 1; k < LANES; k++)
        all = (all ^ all >> 29) * FACTOR ^ sum->lanes[k];
    return all;
}

static uint64_t sum_of(struct span bytes)
{
    struct sum sum = SUM_START;
    sum_add(&sum, bytes);
    return sum_end(&sum);
}

/* ---- reading ------------------------------------------------------------------------------------
 */

bool cache_open(struct span file, struct span key, struct span *bytes)
{
    struct cursor c = cursor_over(file, CURSOR_NATIVE);
    const bool is_ours = cursor_u64(&c) == MAGIC && cursor_u64(&c) == key.n;
    const uint64_t size = cursor_u64(&c), sum = cursor_u64(&c);
    if (!is_ours || !span_equal(cursor_bytes(&c, key.n), key))
        return false;
    cursor_skip(&c, -cursor_offset(&c) & 7);
    const size_t n_header = cursor_offset(&c);
    if (cursor_u64(&c) != sum_of(span_first(file, n_header)))
        return false;
    cursor_skip(&c, -cursor_offset(&c) & (CACHE_ALIGN - 1));
    const struct span contents = cursor_bytes(&c, cursor_left(&c));
    if (cursor_failed(&c) || contents.n != size || sum_of(contents) != sum)
        return false;
    *bytes = contents;
    return true;
}

/* Ours, and nobody else may write to it. */
static bool is_ours_alone(const struct stat *st)
{
    return st->st_uid == geteuid() && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

static int open_folder(const char *folder)
{
    struct stat st;
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && (fstat(fd, &st) != 0 || !is_ours_alone(&st))) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* False: no file can be called that. */
static bool file_name(const char *name, char *out, size_t cap)
{
    const int n = snprintf(out, cap, "%s" CACHE_ENDING, name);
    return n > 0 && (size_t)n < cap && !strchr(name, '/') && name[0] && name[0] != '.';
}

bool cache_load(const char *folder, const char *name, struct span key, struct cached *out)
{
    char file[256];
    CLEANUP(fd_close) int folder_fd = -1;
    CLEANUP(fd_close) int fd = -1;
    struct stat st;
    *out = (struct cached){0};
    if (!folder || !file_name(name, file, sizeof file) || (folder_fd = open_folder(folder)) < 0)
        return false;
    fd = openat(folder_fd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || !is_ours_alone(&st) ||
        st.st_size <= 0 || (uint64_t)st.st_size > FILE_MAX)
        return false;
    const size_t size = (size_t)st.st_size;
    void *mapped = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (mapped == MAP_FAILED)
        return false;
    struct span bytes;
    if (!cache_open(span_make(mapped, size), key, &bytes)) {
        (void)munmap(mapped, size);
        return false;
    }
    *out = (struct cached){.bytes = bytes, .mapped = mapped, .mapped_size = size};
    if (time(NULL) - st.st_mtime > USED_SECONDS)
        (void)futimens(fd, NULL);
    return true;
}

void cache_unload(struct cached *cached)
{
    if (cached->mapped)
        (void)munmap(cached->mapped, cached->mapped_size);
    *cached = (struct cached){0};
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
        if ((!is_new && !span_ends(name, CACHE_ENDING)) ||
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

static bool write_file(int fd, struct span key, const struct span *parts, size_t n_parts,
                       uint64_t size)
{
    struct sum sum = SUM_START;
    for (size_t i = 0; i < n_parts; i++)
        sum_add(&sum, parts[i]);
    struct buf header = BUF_MAX(HEADER_MAX);
    add_u64(&header, MAGIC);
    add_u64(&header, key.n);
    add_u64(&header, size);
    add_u64(&header, sum_end(&sum));
    buf_add(&header, key);
    buf_add(&header, span_make(zeros, -header.n & 7));
    add_u64(&header, sum_of(buf_span(&header)));
    buf_add(&header, span_make(zeros, -header.n & (CACHE_ALIGN - 1)));
    bool is_written = !header.is_full && fd_write(fd, buf_span(&header));
    buf_free(&header);
    for (size_t i = 0; i < n_parts && is_written; i++)
        is_written = fd_write(fd, parts[i]) &&
                     fd_write(fd, span_make(zeros, (size_t)(padded(parts[i].n) - parts[i].n)));
    return is_written;
}

void cache_store(const char *folder, const char *name, struct span key, const struct span *parts,
                 size_t n_parts, uint64_t most)
{
    char file[256], temporary[64];
    uint64_t size = 0;
    for (size_t i = 0; i < n_parts; i++)
        size += padded(parts[i].n);
    if (!folder || !file_name(name, file, sizeof file) || size > FILE_MAX - HEADER_MAX ||
        size + HEADER_MAX > most)
        return;
    CLEANUP(fd_close) int folder_fd = open_folder(folder);
    if (folder_fd < 0) {
        file_make_folders(folder);
        folder_fd = open_folder(folder);
    }
    if (folder_fd < 0)
        return;
    /* Two that write at once have a name each, and the last one to finish wins. */
    (void)snprintf(temporary, sizeof temporary, BEGINNING "%ld-%llx", (long)getpid(),
                   (unsigned long long)(uintptr_t)&file);
    CLEANUP(fd_close)
    int fd =
        openat(folder_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    if (!write_file(fd, key, parts, n_parts, size) ||
        renameat(folder_fd, temporary, folder_fd, file) != 0)
        (void)unlinkat(folder_fd, temporary, 0);
    sweep(folder_fd, most);
}
