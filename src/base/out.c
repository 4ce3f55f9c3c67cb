/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One buffer in front of three kinds of sinks. The invariant: after the first failed write nothing
 * more is written and `sys` stays; until then every byte goes out once and in order. */
#include "base/out.h"

#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"

#define BUFFER_SIZE ((size_t)64 << 10)

struct out {
    char *name;
    out_write_fn *write;
    void *to;
    int fd;         /* for write_fd */
    int sys;        /* the first errno, or 0 */
    locale_t point; /* the locale that writes numbers with a point */
    size_t n;
    char bytes[];
};

static int write_fd(void *to, const void *bytes, size_t n)
{
    const struct out *out = to;
    return fd_write(out->fd, span_make(bytes, n)) ? 0 : errno;
}

static int write_buf(void *to, const void *bytes, size_t n)
{
    struct buf *buf = to;
    buf_add(buf, span_make(bytes, n));
    return buf->is_full ? EFBIG : 0;
}

static struct out *make(const char *name, out_write_fn *write_fn, void *to)
{
    struct out *out = malloc(sizeof *out + BUFFER_SIZE); /* not zeroed: most of it is buffer */
    if (!out)
        base_oom();
    *out = (struct out){
        .name = base_copy(name),
        .write = write_fn,
        .to = to,
        .fd = -1,
        .point = newlocale(LC_ALL_MASK, "C", (locale_t)0),
    };
    if (!out->point)
        base_oom();
    return out;
}

struct out *out_to_fd(int fd, const char *name)
{
    struct out *out = make(name, write_fd, NULL);
    out->to = out;
    out->fd = fd;
    return out;
}

struct out *out_to_function(out_write_fn *write_fn, void *to)
{
    return make("output", write_fn, to);
}

struct out *out_to_buf(struct buf *buf)
{
    return make("to memory", write_buf, buf);
}

static void write_through(struct out *out, const char *p, size_t n)
{
    if (out->sys == 0 && n)
        out->sys = out->write(out->to, p, n);
}

static void empty(struct out *out)
{
    write_through(out, out->bytes, out->n);
    out->n = 0;
}

void out_bytes(struct out *out, struct span bytes)
{
    if (bytes.n > BUFFER_SIZE - out->n) {
        empty(out);
        if (bytes.n >= BUFFER_SIZE) {
            write_through(out, bytes.p, bytes.n);
            return;
        }
    }
    if (bytes.n == 0)
        return;
    memcpy(out->bytes + out->n, bytes.p, bytes.n);
    out->n += bytes.n;
}

void out_text(struct out *out, const char *text)
{
    out_bytes(out, span_of(text));
}

void out_byte(struct out *out, char byte)
{
    if (out->n == BUFFER_SIZE)
        empty(out);
    out->bytes[out->n++] = byte;
}

/* Straight into the buffer where it fits. Returns what vsnprintf does; adds only what was whole. */
PRINTF_LIKE(2, 0)
static int format_here(struct out *out, const char *format, va_list args)
{
    const size_t room = BUFFER_SIZE - out->n;
    const int n = vsnprintf(out->bytes + out->n, room, format, args);
    if (n >= 0 && (size_t)n < room)
        out->n += (size_t)n;
    return n;
}

/* Longer than the whole buffer: by way of memory of its own. */
PRINTF_LIKE(2, 0)
static void format_long(struct out *out, const char *format, va_list args)
{
    char *text = NULL;
    const int n = vasprintf(&text, format, args);
    if (n < 0)
        base_oom();
    out_bytes(out, span_make(text, (size_t)n));
    free(text);
}

void out_printf(struct out *out, const char *format, ...)
{
    const locale_t before = uselocale(out->point);
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const size_t room = BUFFER_SIZE - out->n;
    const int n = format_here(out, format, args);
    if (n < 0) {
        if (out->sys == 0)
            out->sys = errno;
    } else if ((size_t)n >= room) {
        empty(out);
        if ((size_t)n < BUFFER_SIZE)
            (void)format_here(out, format, again);
        else
            format_long(out, format, again);
    }
    va_end(again);
    va_end(args);
    (void)uselocale(before);
}

void out_u64(struct out *out, uint64_t value)
{
    char digits[20]; /* 2^64 - 1 has 20 of them */
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    out_bytes(out, span_make(digits + at, sizeof digits - at));
}

bool out_failed(const struct out *out)
{
    return out->sys != 0;
}

bool out_flush(struct out *out, struct error *err)
{
    empty(out);
    return out->sys == 0 || error_system(err, out->sys, "writing %s", out->name);
}

bool out_close(struct out *out, struct error *err)
{
    const bool is_written = out_flush(out, err);
    freelocale(out->point);
    free(out->name);
    free(out);
    return is_written;
}
