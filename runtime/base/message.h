/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the runtime says: straight to standard error, at any time, in any handler, of any length.
 * Nothing is allocated and no lock is taken. */
#pragma once

#include "base/text.h"

/* A message of level n is shown when PERFTOOLS_VERBOSE, which is 0 unless set, is n or more. */
enum message_level {
    MESSAGE_FATAL = -4,
    MESSAGE_ERROR = -3,
    MESSAGE_WARNING = -2,
    MESSAGE_INFO = -1,
    MESSAGE_NOTICE = 0,
    MESSAGE_DETAIL = 10,
};

/* Says a line; its end is added where the text lacks one. After a fatal one the process aborts. */
void message_say(enum message_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Said whatever PERFTOOLS_VERBOSE is: lines that scripts wait for. */
void message_always(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Keeps a copy of standard error, for programs that close theirs before they end. Called when a
 * tool is switched on. */
void message_keep_stderr(void);
