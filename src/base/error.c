/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Errors and notes as text. The invariant: an error's text is one NUL-terminated line of its own,
 * so neither a long name nor a newline in one breaks what is shown. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ends a text that was cut at `size` in "...", not in the middle of a UTF-8 sequence. */
static void end_cut(char *text, size_t size)
{
    size_t at = size - sizeof "...";
    while (at && ((unsigned char)text[at] & 0xc0) == 0x80)
        at--;
    memcpy(text + at, "...", sizeof "...");
}

/* Names come out of files: no newline and no terminal escape gets through. */
static void clean(char *text)
{
    for (; *text; text++) {
        if (*text == '\n' || *text == '\r' || *text == '\t')
            *text = ' ';
        else if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
    }
}

/* Formats aside first: an argument may point into the very text that is replaced. */
PRINTF_LIKE(3, 0)
static void format(char *text, size_t size, const char *format_text, va_list args)
{
    const int n = vsnprintf(text, size, format_text, args);
    if (n < 0)
        text[0] = '\0';
    else if ((size_t)n >= size)
        end_cut(text, size);
    clean(text);
}

/* "front: back" becomes err's text; an empty part takes no colon. */
static void join(struct error *err, const char *front, const char *back)
{
    char text[sizeof err->text];
    const int n = snprintf(text, sizeof text, "%s%s%s", front, *front && *back ? ": " : "", back);
    if (n < 0)
        text[0] = '\0';
    else if ((size_t)n >= sizeof text)
        end_cut(text, sizeof text);
    memcpy(err->text, text, sizeof text);
}

bool error_set(struct error *err, enum error_kind kind, const char *format_text, ...)
{
    if (!err)
        return false;
    char text[sizeof err->text];
    va_list args;
    va_start(args, format_text);
    format(text, sizeof text, format_text, args);
    va_end(args);
    err->kind = kind;
    err->sys = 0;
    join(err, text, "");
    return false;
}

bool error_system(struct error *err, int sys, const char *format_text, ...)
{
    if (!err)
        return false;
    char text[sizeof err->text];
    va_list args;
    va_start(args, format_text);
    format(text, sizeof text, format_text, args);
    va_end(args);
    /* Not strerror: it is translated, and not safe with threads. */
    const char *reason = strerrordesc_np(sys);
    err->kind = ERROR_SYSTEM;
    err->sys = sys;
    join(err, text, reason ? reason : "unknown system error");
    return false;
}

bool error_wrap(struct error *err, const char *format_text, ...)
{
    if (!err)
        return false;
    char text[sizeof err->text];
    va_list args;
    va_start(args, format_text);
    format(text, sizeof text, format_text, args);
    va_end(args);
    join(err, text, err->text);
    return false;
}

void notes_add(struct notes *notes, const char *format_text, ...)
{
    if (!notes)
        return;
    char *line = NULL;
    va_list args;
    va_start(args, format_text);
    const int n = vasprintf(&line, format_text, args);
    va_end(args);
    if (n < 0)
        base_oom();
    clean(line); /* files may say anything, and terminals obey */

    bool is_new;
    const uint32_t at = idmap_add(&notes->seen, hash_bytes(line, (size_t)n), notes->n, &is_new);
    /* Two lines of one hash: the second is merely not protected against being told again. */
    if (!is_new && strcmp(notes->lines[at], line) == 0) {
        free(line);
        return;
    }
    notes->lines =
        base_grow(notes->lines, &notes->cap, (size_t)notes->n + 1, sizeof notes->lines[0]);
    notes->lines[notes->n++] = line;
    if (notes->tell)
        notes->tell(notes->to, line);
}

void notes_free(struct notes *notes)
{
    if (!notes)
        return;
    for (uint32_t i = 0; i < notes->n; i++)
        free(notes->lines[i]);
    base_free(notes->lines);
    idmap_free(&notes->seen);
    notes->lines = NULL;
    notes->n = notes->cap = 0;
}

void progress_step(const struct progress *progress, const char *doing, double share)
{
    if (progress && progress->step)
        progress->step(progress->to, doing, share);
}

bool progress_is_stopped(const struct progress *progress)
{
    return progress && progress->is_stopped && progress->is_stopped(progress->to);
}
