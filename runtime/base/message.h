/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the runtime says: straight to standard error, at any time, in any handler, of any length.
 * Nothing is allocated and no lock is taken. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

/* A message of level n is shown when PERFTOOLS_VERBOSE, which is 0 unless set, is n or more. */
enum message_level {
    MESSAGE_FATAL = -4,
    MESSAGE_ERROR = -3,
    MESSAGE_WARNING = -2,
    MESSAGE_INFO = -1,
    MESSAGE_NOTICE = 0,
    MESSAGE_DETAIL = 10,
};

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

/* Says a line; its end is added where the text lacks one. After a fatal one the process aborts. */
void message_say(enum message_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Said whatever PERFTOOLS_VERBOSE is: lines that scripts wait for. */
void message_always(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Keeps a copy of standard error, for programs that close theirs before they end. Called when a
 * tool is switched on. */
void message_keep_stderr(void);
