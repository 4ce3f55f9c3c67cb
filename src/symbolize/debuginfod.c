/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Files by build ID from debuginfod servers, and the folder where what was fetched stays: the one
 * that other clients of these servers use, laid out as theirs, so that each file is fetched once on
 * a machine. Servers are asked in turn; one that fails is not asked again. The invariant: a file
 * has its name in the folder when it is complete and its own build ID is the one that was asked
 * for. */
#include "symbolize/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "net/net.h"

/* As long as other clients believe that nobody has a file. */
#define ABSENT_SECONDS 600

struct debuginfod {
    struct debuginfod_options options;
    const struct progress *progress;
    struct arena *arena; /* texts, for as long as objects may ask */
    bool *is_lost;       /* by server: it failed */
};

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
    return has_build_id(path, build_id) ? KEPT_FILE : KEPT_NOTHING;
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
        if (fetch(d, url, build_id, path, of, &err))
            return path;
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
