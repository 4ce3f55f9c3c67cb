/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Interned text: equal texts have equal ids, so that names are compared as numbers. Id 0 is "".
 * Texts are NUL-terminated (and may not hold a NUL: what follows one is cut off), stay where they
 * are, and live as long as the table. One thread adds and finds; meanwhile any other may ask for
 * the text of an id that it already knew. */
#pragma once

#include "base/span.h"

typedef uint32_t str_id;

struct strings;

struct strings *strings_new(void) CHECKED;
void strings_free(struct strings *strings);

str_id strings_add(struct strings *strings, struct span text);
static inline str_id strings_add_text(struct strings *strings, const char *text)
{
    return strings_add(strings, span_of(text));
}
str_id strings_printf(struct strings *strings, const char *format, ...) PRINTF_LIKE(2, 3);

/* The text with "?" for each control byte: so that whatever it came from, it is one line, and no
 * terminal obeys it. */
str_id strings_clean(struct strings *strings, str_id id);

/* The id of a text that is there, or false. Adds nothing. */
bool strings_find(const struct strings *strings, struct span text, str_id *id);

const char *strings_text(const struct strings *strings, str_id id);
struct span strings_span(const struct strings *strings, str_id id);
uint32_t strings_count(const struct strings *strings); /* ids are 0 .. count-1 */
