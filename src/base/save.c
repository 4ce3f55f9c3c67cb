/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Writing beside and renaming. The invariant: `temporary` names a file exactly as long as there is
 * one that is ours to remove. */
#include "base/save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"

#define NAMES_TO_TRY 100 /* what others left behind stands in the way of no one */

/* Creates a file that was not there, with the permissions that new files get here. */
static int create_beside(const char *path, char **name)
{
    const size_t slash = span_find_last(span_of(path), '/');
    const struct span folder = span_first(span_of(path), slash == SIZE_MAX ? 0 : slash + 1);
    struct buf text = BUF_MAX((size_t)1 << 16);
    int fd = -1;
    errno = EEXIST;
    for (int i = 0; fd < 0 && errno == EEXIST && i < NAMES_TO_TRY; i++) {
        buf_clear(&text);
        buf_add(&text, folder);
        buf_printf(&text, ".cprof-%ld-%d", (long)getpid(), i);
        fd = open(buf_c(&text), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    }
    if (fd < 0) {
        const int sys = errno;
        buf_free(&text);
        errno = sys;
        return -1;
    }
    *name = text.p;
    return fd;
}

/* Where the folder takes no new files, the file itself may still be written. */
static bool open_in_place(struct save *save, const char *path, struct error *err)
{
    save->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
    if (save->fd < 0)
        return error_system(err, errno, "%s", path);
    save->path = base_copy(path);
    return true;
}

bool save_open(struct save *save, const char *path, struct error *err)
{
    struct stat st;
    *save = (struct save){.fd = -1};
    const bool is_there = stat(path, &st) == 0;
    if (is_there && !S_ISREG(st.st_mode))
        return open_in_place(save, path, err);
    if (is_there && access(path, W_OK) != 0)
        return error_system(err, errno, "%s", path);

    char *resolved = is_there ? realpath(path, NULL) : base_copy(path);
    if (!resolved)
        return error_system(err, errno, "%s", path);
    save->fd = create_beside(resolved, &save->temporary);
    if (save->fd < 0) {
        const int sys = errno;
        free(resolved);
        return is_there ? open_in_place(save, path, err) : error_system(err, sys, "%s", path);
    }
    save->path = resolved;
    if (is_there)
        (void)fchmod(save->fd, st.st_mode & 0777);
    return true;
}

bool save_keep(struct save *save, struct error *err)
{
    int sys = close(save->fd) == 0 ? 0 : errno;
    save->fd = -1;
    if (sys == 0 && save->temporary && rename(save->temporary, save->path) != 0)
        sys = errno;
    if (sys != 0) {
        error_system(err, sys, "%s", save->path);
        save_drop(save);
        return false;
    }
    free(save->temporary);
    free(save->path);
    *save = (struct save){.fd = -1};
    return true;
}

void save_drop(struct save *save)
{
    if (save->path && save->temporary)
        (void)unlink(save->temporary);
    save_leave(save);
}

void save_leave(struct save *save)
{
    if (!save->path)
        return;
    fd_close(&save->fd);
    free(save->temporary);
    free(save->path);
    *save = (struct save){.fd = -1};
}
