/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What file.c and gunzip.c share: a run of bytes that becomes a file's. Unlike a buf it does not
 * end the program where memory is short, because its size is a stranger's. */
#pragma once

#include "base/file.h"

/* From malloc; n <= cap <= limit. It grows by half: realloc moves pages and not bytes when it is
 * large, and what is not touched costs nothing. Zero but for `limit` is a valid empty one. */
struct growing {
    char *p;
    size_t n, cap, limit;
};

/* The limit as a size, with one byte more: that byte is how going beyond it is noticed. */
size_t growing_limit(uint64_t limit);

/* Room for at least one more byte, with n below the limit; false if memory is short. */
bool growing_room(struct growing *g) CHECKED;

/* Makes the bytes the file's own, in place of those it had. */
void file_take_bytes(struct file *file, struct growing *g);
