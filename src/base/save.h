/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Files that are replaced when the new content is complete, and not before: who is interrupted or
 * runs out of space loses nothing that was there. */
#pragma once

#include "base/error.h"

struct save {
    int fd;          /* to write to */
    char *path;      /* what it will be, links followed */
    char *temporary; /* what it is until then, beside it; NULL: written in place */
};

/* Devices, pipes, and files in folders that take no new ones are written in place. Errors read
 * "PATH: reason". */
bool save_open(struct save *save, const char *path, struct error *err) CHECKED;
/* Either of these ends it. A file that was kept has the permissions of the one it replaces. */
bool save_keep(struct save *save, struct error *err) CHECKED;
void save_leave(
    struct save *save); /* to another process that has it as well: nothing happens to the file */
void save_drop(struct save *save); /* fine on a zeroed struct, and after save_keep */
