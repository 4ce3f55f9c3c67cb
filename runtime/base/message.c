/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Formatting and writing of messages. Text is gathered in a piece on the stack, so that a short
 * message is one write and lines of several threads do not mix; a long one takes several. */
#include "base/message.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/env.h"
#include "base/syscall.h"

/* High enough that a program which closes what it does not know leaves it alone. */
enum { KEPT_FD_FROM = 200 };

static struct {
    int kept_fd; /* a copy of standard error, or 0; written once when a tool starts */
} state;

/* ---- formatting ------------------------------------------------------------------------------ */

static void pad(const struct text_sink *sink, char with, size_t n)
{
    while (n-- > 0)
        sink->put(sink->to, &with, 1);
}

struct field {
    size_t width;
    bool is_zero_padded, is_left;
};

static void put_field(const struct text_sink *sink, const struct field *field, const char *p,
                      size_t n)
{
    const size_t fill = field->width > n ? field->width - n : 0;
    if (!field->is_left && field->is_zero_padded && n > 0 && *p == '-') {
        sink->put(sink->to, p, 1); /* the sign stands before the zeros */
        p++, n--;
    }
    if (!field->is_left)
        pad(sink, field->is_zero_padded ? '0' : ' ', fill);
    sink->put(sink->to, p, n);
    if (field->is_left)
        pad(sink, ' ', fill);
}

static void put_number(const struct text_sink *sink, const struct field *field, uint64_t value,
                       bool is_negative, unsigned base, bool has_prefix)
{
    char digits[24];
    size_t at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    if (has_prefix) {
        digits[--at] = 'x';
        digits[--at] = '0';
    }
    if (is_negative)
        digits[--at] = '-';
    put_field(sink, field, digits + at, sizeof digits - at);
}

void text_vformat(const struct text_sink *sink, const char *format, va_list arguments)
{
    while (*format) {
        const char *plain = format;
        while (*format && *format != '%')
            format++;
        if (format > plain)
            sink->put(sink->to, plain, (size_t)(format - plain));
        if (!*format)
            return;
        format++;

        struct field field = {0};
        bool is_long = false;
        size_t most = SIZE_MAX;
        for (; *format == '0' || *format == '-'; format++) {
            field.is_zero_padded |= *format == '0';
            field.is_left |= *format == '-';
        }
        for (; *format >= '0' && *format <= '9'; format++)
            field.width = field.width * 10 + (size_t)(*format - '0');
        if (format[0] == '.' && format[1] == '*') {
            const int n = va_arg(arguments, int);
            most = n < 0 ? SIZE_MAX : (size_t)n;
            format += 2;
        }
        for (; *format == 'l' || *format == 'z'; format++)
            is_long = true;

        switch (*format) {
        case 'd':
        case 'i': {
            const int64_t v = is_long ? va_arg(arguments, long) : va_arg(arguments, int);
            put_number(sink, &field, v < 0 ? -(uint64_t)v : (uint64_t)v, v < 0, 10, false);
            break;
        }
        case 'u':
        case 'x': {
            const uint64_t v =
                is_long ? va_arg(arguments, unsigned long) : va_arg(arguments, unsigned);
            put_number(sink, &field, v, false, *format == 'x' ? 16 : 10, false);
            break;
        }
        case 'p':
            put_number(sink, &field, (uintptr_t)va_arg(arguments, void *), false, 16, true);
            break;
        case 'c': {
            const char c = (char)va_arg(arguments, int);
            put_field(sink, &field, &c, 1);
            break;
        }
        case 's': {
            const char *s = va_arg(arguments, const char *);
            if (!s)
                s = "(null)";
            field.is_zero_padded = false;
            put_field(sink, &field, s, strnlen(s, most));
            break;
        }
        case '\0':
            return;
        default: /* %%, and what we do not know is shown as it is */
            sink->put(sink->to, format, 1);
        }
        format++;
    }
}

void text_format(const struct text_sink *sink, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    text_vformat(sink, format, arguments);
    va_end(arguments);
}

struct bounded {
    char *p;
    size_t n, size;
};

static void put_bounded(void *to, const char *piece, size_t n)
{
    struct bounded *b = to;
    const size_t room = b->size - 1 - b->n;
    if (n > room)
        n = room;
    memcpy(b->p + b->n, piece, n);
    b->n += n;
}

size_t text_print(char *to, size_t size, const char *format, ...)
{
    struct bounded b = {to, 0, size};
    const struct text_sink sink = {put_bounded, &b};
    va_list arguments;
    va_start(arguments, format);
    text_vformat(&sink, format, arguments);
    va_end(arguments);
    to[b.n] = '\0';
    return b.n;
}

/* ---- saying ---------------------------------------------------------------------------------- */

struct line {
    char held[400];
    size_t n;
    char last;
};

static bool is_open(int fd)
{
    return sys_fcntl(fd, F_GETFD, 0) >= 0;
}

static void write_all(const char *p, size_t n)
{
    const int kept = __atomic_load_n(&state.kept_fd, __ATOMIC_RELAXED);
    const int fd = kept > 0 && !is_open(2) ? kept : 2;
    while (n > 0) {
        const ssize_t done = sys_write(fd, p, n);
        if (done == -EINTR)
            continue;
        if (done <= 0)
            return;
        p += done;
        n -= (size_t)done;
    }
}

static void put_line(void *to, const char *piece, size_t n)
{
    struct line *line = to;
    while (n > 0) {
        if (line->n == sizeof line->held) {
            write_all(line->held, line->n);
            line->n = 0;
        }
        const size_t room = sizeof line->held - line->n, part = n < room ? n : room;
        memcpy(line->held + line->n, piece, part);
        line->n += part;
        line->last = piece[part - 1];
        piece += part;
        n -= part;
    }
}

static void say(const char *format, va_list arguments)
{
    struct line line;
    line.n = 0;
    line.last = '\0';
    const struct text_sink sink = {put_line, &line};
    text_vformat(&sink, format, arguments);
    if (line.last != '\n')
        put_line(&line, "\n", 1);
    write_all(line.held, line.n);
}

void message_say(enum message_level level, const char *format, ...)
{
    if (env_int("PERFTOOLS_VERBOSE", 0) >= (int64_t)level) {
        va_list arguments;
        va_start(arguments, format);
        say(format, arguments);
        va_end(arguments);
    }
    if (level == MESSAGE_FATAL)
        abort();
}

void message_always(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
}

void message_keep_stderr(void)
{
    if (__atomic_load_n(&state.kept_fd, __ATOMIC_RELAXED) > 0)
        return;
    int fd = sys_fcntl(2, F_DUPFD_CLOEXEC, KEPT_FD_FROM);
    if (fd < 0)
        fd = sys_fcntl(2, F_DUPFD_CLOEXEC, 3);
    if (fd >= 0)
        __atomic_store_n(&state.kept_fd, fd, __ATOMIC_RELAXED);
}
