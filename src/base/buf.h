/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A growable run of bytes that is born with its maximum. Reaching it sets a sticky flag and drops
 * what does not fit and all that comes after, so that what is there is always the beginning of what
 * was written. The owner checks once. */
#pragma once

#include "base/span.h"

struct buf {
    char *p;
    size_t n, cap, limit;
    bool is_full;
};

#define BUF_MAX(max) ((struct buf){.limit = (max)})

void buf_add(struct buf *buf, struct span bytes);
void buf_byte(struct buf *buf, char byte);
void buf_text(struct buf *buf, const char *text);
/* With U+FFFD for each byte that is not UTF-8. */
void buf_utf8(struct buf *buf, struct span text);
/* Two digits a byte, lower case. */
void buf_hex(struct buf *buf, struct span bytes);
void buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
/* Room for n more bytes behind buf->n, or NULL (and the flag) beyond the limit. The caller adds to
 * n. */
char *buf_room(struct buf *buf, size_t n) CHECKED;
/* NUL-terminated, the NUL not counted; "" when empty. */
const char *buf_c(struct buf *buf);
static inline struct span buf_span(const struct buf *buf)
{
    return (struct span){.p = buf->p, .n = buf->n};
}
void buf_clear(struct buf *buf); /* empties, lowers the flag, keeps the memory */
void buf_free(struct buf *buf);
