/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Files by build ID from debuginfod servers, and the folder where what was fetched stays: the one
 * that other clients of these servers use, laid out as theirs, so that each file is fetched once on
 * a machine. Servers are asked in turn; one that fails is not asked again. The invariant: a file
 * has its name in the folder when it is complete and its own build ID is the one that was asked
 * for. */
#include "symbolize/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "net/net.h"

/* As other clients do where nobody says otherwise: how long they believe that nobody has a file,
 * and keep what nobody asks for. */
#define ABSENT_SECONDS 600
#define UNUSED_SECONDS ((uint64_t)7 * 86400)
#define UNUSED_NAME    "max_unused_age_s"

struct debuginfod {
    struct debuginfod_options options;
    const struct progress *progress;
    struct arena *arena; /* texts, for as long as objects may ask */
    bool *is_lost;       /* by server: it failed */
    bool has_swept;
};

static const char *const kinds[] = {"executable", "debuginfo"};

/* ---- the folder ---------------------------------------------------------------------------------
 */

/* How long a file may be unused: a file in the folder may say it, for all clients. */
static uint64_t most_unused(const char *folder)
{
    struct buf name = BUF_MAX(4096);
    struct file file CLEANUP(file_close) = {0};
    uint64_t seconds = UNUSED_SECONDS, told;
    buf_printf(&name, "%s/" UNUSED_NAME, folder);
    if (file_is_regular(buf_c(&name)) && file_open(&file, buf_c(&name), 100, NULL) &&
        span_u64(span_trim(file.bytes), &told))
        seconds = told;
    buf_free(&name);
    return seconds;
}

static void remove_unused(int folder, uint64_t seconds)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct stat st;
        if (fstatat(folder, kinds[i], &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
            continue;
        const time_t used = st.st_atime > st.st_mtime ? st.st_atime : st.st_mtime;
        const time_t now = time(NULL);
        if (now > used && (uint64_t)(now - used) > seconds)
            (void)unlinkat(folder, kinds[i], 0);
    }
}

/* Removes what nobody asked for in a long time. */
static void sweep(const char *folder)
{
    const uint64_t seconds = most_unused(folder);
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        CLEANUP(fd_close)
        int fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            continue;
        remove_unused(fd, seconds);
        (void)unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR); /* if it is empty */
    }
    if (dir)
        (void)closedir(dir);
}

/* ---- the client ---------------------------------------------------------------------------------
 */

struct debuginfod *debuginfod_new(const struct debuginfod_options *options,
                                  const struct progress *progress)
{
    struct debuginfod *d = base_alloc(1, sizeof *d);
    d->progress = progress;
    d->arena = arena_new();
    d->options = *options;
    uint32_t n = 0;
    while (options->urls[n])
        n++;
    const char **urls = arena_alloc(d->arena, n + 1, sizeof *urls);
    for (uint32_t i = 0; i < n; i++)
        urls[i] = arena_text(d->arena, span_without_slashes(span_of(options->urls[i])));
    d->options.urls = urls;
    d->options.folder = arena_text(d->arena, span_of(options->folder));
    d->options.ca_file = options->ca_file ? arena_text(d->arena, span_of(options->ca_file)) : NULL;
    d->is_lost = base_alloc(n, sizeof *d->is_lost);
    return d;
}

void debuginfod_free(struct debuginfod *d)
{
    if (!d)
        return;
    base_free(d->is_lost);
    arena_free(d->arena);
    base_free(d);
}

static bool has_build_id(const char *path, struct span wanted)
{
    uint8_t id[64];
    size_t n;
    return object_read_build_id(path, id, sizeof id, &n) &&
           span_is_hex_of(wanted, span_make(id, n));
}

/* What is in the folder from an earlier time. An empty file is the mark for what no server had. */
enum kept { KEPT_NOTHING, KEPT_FILE, KEPT_ABSENCE };

static enum kept look_up(const char *path, struct span build_id)
{
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return KEPT_NOTHING;
    if (st.st_size == 0)
        return time(NULL) - st.st_mtime < ABSENT_SECONDS ? KEPT_ABSENCE : KEPT_NOTHING;
    if (!has_build_id(path, build_id))
        return KEPT_NOTHING;
    /* File systems may not note that it was read. */
    const struct timespec times[] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_OMIT}};
    CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        (void)futimens(fd, times);
    return KEPT_FILE;
}

static void note_absence(const char *path)
{
    (void)unlink(path);
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd >= 0)
        (void)close(fd);
}

/* One server's answer, to `path` if it is the file that was asked for. */
static bool fetch(const struct debuginfod *d, const char *url, struct span build_id,
                  const char *path, const char *of, struct error *err)
{
    char *temporary = arena_printf(d->arena, "%s.XXXXXX", path);
    CLEANUP(fd_close) int fd = mkostemp(temporary, O_CLOEXEC);
    bool is_there = false;
    if (fd < 0) {
        (void)error_system(err, errno, "%s", temporary);
    } else {
        const struct http_options options = {
            .timeout = d->options.timeout,
            .patience = d->options.patience,
            .limit = d->options.limit,
            .ca_file = d->options.ca_file,
            .is_insecure = d->options.is_insecure,
            .doing = arena_printf(d->arena, "fetching %s for %s", span_file_name(span_of(path)).p,
                                  span_file_name(span_of(of)).p),
            .progress = d->progress,
        };
        is_there = http_ask(url, NULL, &options, fd, NULL, err);
        if (is_there && !has_build_id(temporary, build_id))
            is_there = error_set(err, ERROR_FORMAT, "%s: what it sent has another build ID", url);
        if (is_there && rename(temporary, path) != 0)
            is_there = error_system(err, errno, "%s", path);
        if (!is_there)
            (void)unlink(temporary);
    }
    return is_there;
}

const char *debuginfod_find(struct debuginfod *d, struct span build_id, const char *kind,
                            const char *of, struct notes *notes)
{
    if (!d || !build_id.n || progress_is_stopped(d->progress))
        return NULL;
    const char *folder =
        arena_printf(d->arena, "%s/%.*s", d->options.folder, (int)build_id.n, build_id.p);
    const char *path = arena_printf(d->arena, "%s/%s", folder, kind);
    const enum kept kept = look_up(path, build_id);
    if (kept != KEPT_NOTHING)
        return kept == KEPT_FILE ? path : NULL;
    file_make_folders(folder);
    bool is_absent = true;
    for (uint32_t i = 0; d->options.urls[i]; i++) {
        const char *url = arena_printf(d->arena, "%s/buildid/%.*s/%s", d->options.urls[i],
                                       (int)build_id.n, build_id.p, kind);
        struct error err = {0};
        if (d->is_lost[i]) {
            is_absent = false;
            continue;
        }
        if (fetch(d, url, build_id, path, of, &err)) {
            if (!d->has_swept)
                sweep(d->options.folder);
            d->has_swept = true;
            return path;
        }
        if (err.kind == ERROR_STOPPED)
            return NULL;
        if (err.kind == ERROR_ABSENT)
            continue;
        is_absent = false;
        d->is_lost[i] = err.kind == ERROR_MISSING;
        notes_add(notes, "%s: debuginfod: %s", of, err.text);
    }
    if (is_absent) {
        note_absence(path);
        notes_add(notes, "%s: no debuginfod server has a file of its build (%.*s, %s)", of,
                  (int)build_id.n, build_id.p, kind);
    }
    return NULL;
}
