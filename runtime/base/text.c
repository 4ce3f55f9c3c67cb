/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Numbers and words into a fixed buffer. */
#include "base/text.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

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

/* Digits from the end of a buffer that ends at end; returns where they begin. */
static char *digits_before(char *end, uint64_t value)
{
    do
        *--end = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    return end;
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
    const char *s = digits_before(buffer + sizeof buffer, value);
    add_right(text, s, (size_t)(buffer + sizeof buffer - s), width);
}

void text_hex(struct text *text, uint64_t value)
{
    char buffer[18], *at = buffer + sizeof buffer;
    do
        *--at = "0123456789abcdef"[value % 16];
    while ((value /= 16) > 0);
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
    at = digits_before(at, whole);
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
