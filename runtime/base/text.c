/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Numbers and words as text. */
#include "base/text.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* ---- by a format */

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

/* Digits from the end of a buffer that ends at end; returns where they begin. */
static char *digits_before(char *end, uint64_t value, unsigned base)
{
    do
        *--end = "0123456789abcdef"[value % base];
    while ((value /= base) > 0);
    return end;
}

static void put_number(const struct text_sink *sink, const struct field *field, uint64_t value,
                       bool is_negative, unsigned base, bool has_prefix)
{
    char digits[24], *const end = digits + sizeof digits, *at = digits_before(end, value, base);
    if (has_prefix) {
        *--at = 'x';
        *--at = '0';
    }
    if (is_negative)
        *--at = '-';
    put_field(sink, field, at, (size_t)(end - at));
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

/* ---- piece by piece */

struct text text_over(char *buffer, size_t room)
{
    buffer[0] = '\0';
    return (struct text){.p = buffer, .room = room};
}

static void add(struct text *text, const char *s, size_t n)
{
    const size_t left = text->room - 1 - text->n;
    n = n < left ? n : left;
    memcpy(text->p + text->n, s, n);
    text->n += n;
    text->p[text->n] = '\0';
}

void text_add(struct text *text, const char *s)
{
    add(text, s, strlen(s));
}

static void add_right(struct text *text, const char *s, size_t n, size_t width)
{
    for (; width > n; width--)
        add(text, " ", 1);
    add(text, s, n);
}

void text_unsigned(struct text *text, uint64_t value, size_t width)
{
    char buffer[20];
    const char *s = digits_before(buffer + sizeof buffer, value, 10);
    add_right(text, s, (size_t)(buffer + sizeof buffer - s), width);
}

void text_hex(struct text *text, uint64_t value)
{
    char buffer[18], *at = digits_before(buffer + sizeof buffer, value, 16);
    *--at = 'x';
    *--at = '0';
    add(text, at, (size_t)(buffer + sizeof buffer - at));
}

void text_ratio(struct text *text, uint64_t numerator, uint64_t denominator, unsigned digits,
                size_t width)
{
    uint64_t scale = 1;
    for (unsigned i = 0; i < digits; i++)
        scale *= 10;
    uint64_t whole = numerator / denominator;
    uint64_t part = ((numerator % denominator) * scale + denominator / 2) / denominator;
    if (part == scale) {
        whole++;
        part = 0;
    }
    char buffer[48], *at = buffer + sizeof buffer;
    for (unsigned i = 0; i < digits; i++, part /= 10)
        *--at = (char)('0' + part % 10);
    *--at = '.';
    at = digits_before(at, whole, 10);
    add_right(text, at, (size_t)(buffer + sizeof buffer - at), width);
}

void text_write(const struct text *text, int fd)
{
    const int kept = errno;
    for (size_t done = 0; done < text->n;) {
        const ssize_t n = write(fd, text->p + done, text->n - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    errno = kept;
}
