/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Names come from strangers' binaries: any bytes, any length. What leaves this file is valid UTF-8
 * without control characters, short enough to be read; each kind of picture then only has its own
 * quoting to do. */
#include "draw/internal.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define ELLIPSIS    "\xe2\x80\xa6" /* U+2026 */

/* Not control characters, nothing that turns the direction of text around, nothing XML forbids. */
static bool is_shown(uint32_t code)
{
    if (code < 0x20 || (code >= 0x7f && code < 0xa0))
        return false;
    if ((code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
        (code >= 0x2060 && code <= 0x206f) || code == 0xfeff)
        return false;
    return (code & 0xfffe) != 0xfffe && !(code >= 0xfdd0 && code <= 0xfdef);
}

/* Cuts one character off *rest; what stands for it is returned. */
static struct span take(struct span *rest)
{
    uint32_t code = 0;
    const size_t n = span_character(*rest, &code);
    const struct span c = span_first(*rest, n);
    *rest = span_skip(*rest, n ? n : 1);
    if (code == '\t')
        return span_make(" ", 1);
    return n && is_shown(code) ? c : span_make(REPLACEMENT, 3);
}

static uint32_t count(struct span text)
{
    uint32_t n = 0;
    while (text.n) {
        (void)take(&text);
        n++;
    }
    return n;
}

const char *draw_text_clean(struct span text, uint32_t max_columns, struct arena *arena)
{
    const uint32_t columns = count(text);
    const bool is_cut = columns > max_columns;
    const uint32_t head = is_cut ? (max_columns - 1) / 2 : columns;
    const uint32_t tail = is_cut ? max_columns - 1 - head : 0;
    char *clean = arena_alloc(arena, ((size_t)head + tail + 1) * 4 + 1, 1), *at = clean;
    for (uint32_t i = 0; i < columns; i++) {
        struct span c = take(&text);
        if (i == head)
            c = span_make(ELLIPSIS, 3);
        else if (i > head && i < columns - tail)
            continue;
        memcpy(at, c.p, c.n);
        at += c.n;
    }
    return clean;
}

uint32_t draw_text_lines(const char *text, uint32_t max_lines, uint32_t max_columns,
                         struct arena *arena, struct scene_line **lines)
{
    struct span rest = span_of(text), line;
    uint32_t n = 0;
    while (span_line(&rest, &line))
        n++;
    const bool is_cut = n > max_lines;
    const uint32_t head = is_cut ? max_lines / 2 : n;
    const uint32_t tail = is_cut ? max_lines - 1 - head : 0;
    *lines = arena_alloc(arena, is_cut ? max_lines : n, sizeof **lines);
    rest = span_of(text);
    uint32_t kept = 0;
    for (uint32_t i = 0; span_line(&rest, &line); i++) {
        if (i == head)
            (*lines)[kept++].text = ELLIPSIS;
        else if (i < head || i >= n - tail)
            (*lines)[kept++].text = draw_text_clean(line, max_columns, arena);
    }
    return kept;
}
