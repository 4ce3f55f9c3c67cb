/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Bytes that grow up to a maximum. The invariant: behind the `cap` bytes there is always one more,
 * so the NUL of buf_c and of printf has its place. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Room for n more bytes, n within the limit. */
static void grow(struct buf *buf, size_t n)
{
    if (buf->p && n <= buf->cap - buf->n)
        return;
    size_t cap = buf->cap < 64 ? 64 : buf->cap;
    while (cap - buf->n < n && cap <= SIZE_MAX / 2)
        cap *= 2;
    if (cap > buf->limit)
        cap = buf->limit;
    if (cap == SIZE_MAX || cap - buf->n < n)
        base_oom();
    char *p = realloc(buf->p, cap + 1);
    if (!p)
        base_oom();
    buf->p = p;
    buf->cap = cap;
}

/* How many of n bytes still fit; raises the flag where that is not all. */
static size_t fit(struct buf *buf, size_t n)
{
    if (buf->is_full)
        return 0;
    const size_t left = buf->limit - buf->n;
    if (n <= left)
        return n;
    buf->is_full = true;
    return left;
}

void buf_add(struct buf *buf, struct span bytes)
{
    const size_t n = fit(buf, bytes.n);
    if (n == 0)
        return;
    grow(buf, n);
    memcpy(buf->p + buf->n, bytes.p, n);
    buf->n += n;
}

void buf_byte(struct buf *buf, char byte)
{
    buf_add(buf, span_make(&byte, 1));
}

void buf_text(struct buf *buf, const char *text)
{
    buf_add(buf, span_of(text));
}

void buf_utf8(struct buf *buf, struct span text)
{
    uint32_t code;
    while (text.n) {
        const size_t n = span_character(text, &code);
        buf_add(buf, n ? span_first(text, n) : span_of("\xef\xbf\xbd"));
        text = span_skip(text, n ? n : 1);
    }
}

void buf_hex(struct buf *buf, struct span bytes)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.n; i++) {
        const unsigned char byte = (unsigned char)bytes.p[i];
        buf_byte(buf, digits[byte >> 4]);
        buf_byte(buf, digits[byte & 15]);
    }
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    if (buf->is_full)
        return;
    const size_t left = buf->p ? buf->cap - buf->n : 0;
    va_list args;
    va_start(args, format);
    const int wanted =
        vsnprintf(buf->p ? buf->p + buf->n : NULL, buf->p ? left + 1 : 0, format, args);
    va_end(args);
    if (wanted < 0)
        base_oom();
    const size_t n = fit(buf, (size_t)wanted);
    if (n > left) {
        grow(buf, n);
        va_start(args, format);
        (void)vsnprintf(buf->p + buf->n, n + 1, format, args);
        va_end(args);
    }
    buf->n += n;
}

char *buf_room(struct buf *buf, size_t n)
{
    if (buf->is_full || n > buf->limit - buf->n) {
        buf->is_full = true;
        return NULL;
    }
    grow(buf, n);
    return buf->p + buf->n;
}

const char *buf_c(struct buf *buf)
{
    if (!buf->p)
        return "";
    buf->p[buf->n] = '\0';
    return buf->p;
}

void buf_clear(struct buf *buf)
{
    buf->n = 0;
    buf->is_full = false;
}

void buf_free(struct buf *buf)
{
    free(buf->p);
    *buf = BUF_MAX(buf->limit);
}
