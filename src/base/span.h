/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A span is borrowed text or bytes with a length; it is not NUL-terminated. Text formats are read
 * by cutting spans off the front of spans: no strtok, sscanf or atoi anywhere. */
#pragma once

#include <string.h>

#include "base/base.h"

struct span {
    const char *p;
    size_t n;
};

static inline struct span span_make(const void *p, size_t n)
{
    return (struct span){.p = p, .n = n};
}

/* The text up to its NUL; NULL gives an empty span. */
static inline struct span span_of(const char *text)
{
    return (struct span){.p = text, .n = text ? strlen(text) : 0};
}

static inline struct span span_skip(struct span s, size_t n)
{
    return n == 0     ? s
           : n >= s.n ? (struct span){.p = s.p + s.n}
                      : (struct span){.p = s.p + n, .n = s.n - n};
}

static inline struct span span_first(struct span s, size_t n)
{
    return (struct span){.p = s.p, .n = n < s.n ? n : s.n};
}

bool span_equal(struct span a, struct span b);
bool span_is(struct span s, const char *text);
bool span_starts(struct span s, const char *prefix);
bool span_ends(struct span s, const char *suffix);
/* As strcmp: bytes as unsigned, a prefix before what it begins. */
int span_compare(struct span a, struct span b);

/* Where `byte` or `text` stands first or last, or SIZE_MAX. */
size_t span_find(struct span s, char byte);
size_t span_find_last(struct span s, char byte);
size_t span_find_text(struct span s, const char *text);
/* Of a path: what is behind the last slash, to the same end; without the slashes at its end. */
struct span span_file_name(struct span path);
struct span span_without_slashes(struct span path);
/* A text of its own, for base_free. */
char *span_copy(struct span s) CHECKED;
/* Whether lower-case hex text says the same as raw bytes, of which there are some. */
bool span_is_hex_of(struct span text, struct span bytes);

/* Space, tab, newline, vertical tab, form feed, carriage return: Perl's \s. */
bool span_is_space(char c);
struct span span_trim(struct span s);
struct span span_trim_left(struct span s);

/* Bytes of the well-formed UTF-8 character at the front of a span that is not empty; 0: there is
 * none. */
size_t span_character(struct span s, uint32_t *code);

/* Cuts the next line off *rest, without its newline and without a carriage return before it. False
 * at the end; a last line without a newline counts. */
bool span_line(struct span *rest, struct span *line);

/* Cuts the next run of non-space bytes off *rest, skipping space before it. False where none is
 * left. */
bool span_word(struct span *rest, struct span *word);

/* If *rest starts with `prefix`, cuts it off and says true. */
bool span_take(struct span *rest, const char *prefix);

/* Cuts a run of decimal or hex digits off the front of *rest. False, and nothing cut, where there
 * is none or it does not fit in 64 bits. span_take_hex takes both cases and no "0x". */
bool span_take_u64(struct span *rest, uint64_t *value);
bool span_take_hex(struct span *rest, uint64_t *value);

/* Whether the whole span is one number: decimal digits; hex digits with or without 0x; a signed
 * whole number; a real number such as -1.5e-10. Written only on success. */
bool span_u64(struct span s, uint64_t *value);
bool span_hex(struct span s, uint64_t *value);
bool span_i64(struct span s, int64_t *value);
bool span_double(struct span s, double *value);
