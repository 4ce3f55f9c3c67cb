/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Text into a buffer of the caller's, without stdio: no lock, no allocation, no locale. What does
 * not fit is cut off; the text is always terminated. */
#pragma once

#include <stddef.h>
#include <stdint.h>

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
