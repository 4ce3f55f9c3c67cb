/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Commands of earlier runs: a text file, a command a line, added to as they are typed, so that two
 * prompts at a time lose nothing of each other. */
#include "cli/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/save.h"

#define LINES_KEPT 1000
#define LINES_MOST 2000 /* then the file is cut to LINES_KEPT */
#define FILE_LIMIT ((uint64_t)1 << 22)

/* $XDG_STATE_HOME/cprof, or what stands for it; the folders are made. */
static char *find_folder(void)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    struct buf path = BUF_MAX(4096);
    if (state && state[0] == '/')
        buf_printf(&path, "%s/cprof", state);
    else if (home && home[0] == '/')
        buf_printf(&path, "%s/.local/state/cprof", home);
    (void)buf_c(&path);
    bool is_there = path.n > 0 && !path.is_full;
    for (size_t i = 1; is_there && i <= path.n; i++) {
        if (i < path.n && path.p[i] != '/')
            continue;
        const char before = path.p[i];
        path.p[i] = '\0';
        is_there = mkdir(path.p, 0700) == 0 || errno == EEXIST || errno == EROFS;
        path.p[i] = before;
    }
    if (is_there)
        return path.p;
    buf_free(&path);
    return NULL;
}

static void shorten(const char *path, struct span lines)
{
    struct save save;
    if (!save_open(&save, path, NULL))
        return;
    struct out *out = out_to_fd(save.fd, path);
    out_bytes(out, lines);
    if (!out_close(out, NULL) || !save_keep(&save, NULL))
        save_drop(&save);
}

void history_open(struct history *history, void (*add)(void *to, const char *line), void *to)
{
    *history = (struct history){0};
    char *folder = find_folder();
    if (!folder)
        return;
    struct buf path = BUF_MAX(8192);
    buf_printf(&path, "%s/history", folder);
    (void)buf_c(&path);
    base_free(folder);
    const int fd = open(path.p, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd < 0) {
        buf_free(&path);
        return;
    }
    (void)close(fd);
    history->path = path.p;

    struct file file CLEANUP(file_close) = {0};
    if (!file_open(&file, history->path, FILE_LIMIT, NULL))
        return;
    size_t n = 0;
    for (size_t i = 0; i < file.bytes.n; i++)
        n += file.bytes.p[i] == '\n';
    struct span rest = file.bytes, line;
    for (size_t skip = n > LINES_KEPT ? n - LINES_KEPT : 0; skip > 0; skip--)
        (void)span_line(&rest, &line);
    const struct span kept = rest;
    struct buf text = BUF_MAX((size_t)1 << 16);
    while (span_line(&rest, &line)) {
        buf_clear(&text);
        buf_add(&text, line);
        if (line.n && !text.is_full)
            add(to, buf_c(&text));
    }
    buf_free(&text);
    if (n > LINES_MOST) { /* a copy: the file it is mapped from may be written in place */
        struct buf copy = BUF_MAX(FILE_LIMIT);
        buf_add(&copy, kept);
        shorten(history->path, buf_span(&copy));
        buf_free(&copy);
    }
}

void history_add(struct history *history, struct span line)
{
    if (!history->path)
        return;
    const int fd = open(history->path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return;
    struct out *out = out_to_fd(fd, history->path);
    out_bytes(out, line);
    out_byte(out, '\n');
    (void)!out_close(out, NULL); /* a command is worth more than its record */
    (void)close(fd);
}

void history_close(struct history *history)
{
    base_free(history->path);
    *history = (struct history){0};
}
