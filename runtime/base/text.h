/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Making text without stdio: no lock, no allocation, no locale. By a format, into a sink or a
 * buffer; or piece by piece into a buffer, for tables of numbers. What does not fit into a buffer
 * is cut off; the text there is always terminated. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* ---- by a format */

/* Where text goes, piece by piece. */
struct text_sink {
    void (*put)(void *to, const char *piece, size_t n);
    void *to;
};

/* Like vprintf, for %% %c %s %.*s %d %i %u %x %p, the lengths l, ll, z and a width, padded with
 * blanks, or with zeros after 0, on the left, or on the right after -. */
void text_vformat(const struct text_sink *sink, const char *format, va_list arguments);
void text_format(const struct text_sink *sink, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Formats into `to`, which always ends in NUL; returns the length that was kept. */
size_t text_print(char *to, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- piece by piece */

struct text {
    char *p;
    size_t n;    /* written, without the terminator */
    size_t room; /* of the buffer, at least 1 */
};

struct text text_over(char *buffer, size_t room);
void text_add(struct text *text, const char *s);
/* Right-aligned in width. */
void text_unsigned(struct text *text, uint64_t value, size_t width);
void text_hex(struct text *text, uint64_t value); /* with 0x */
/* numerator / denominator with so many digits after the point, half rounded away from zero. */
void text_ratio(struct text *text, uint64_t numerator, uint64_t denominator, unsigned digits,
                size_t width);
/* All of it to a file descriptor; errno is kept. */
void text_write(const struct text *text, int fd);
