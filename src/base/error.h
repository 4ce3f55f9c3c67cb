/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How failure travels: a function that can fail returns bool and fills the caller's `struct error`.
 * What is worth telling but fails nothing is a note, collected in the caller's `struct notes`. */
#pragma once

#include "base/idmap.h"

enum error_kind {
    ERROR_NONE,
    ERROR_SYSTEM,
    ERROR_FORMAT,
    ERROR_LIMIT,
    ERROR_USAGE,
    ERROR_MISSING,
    ERROR_ABSENT,  /* whoever was asked has no such thing */
    ERROR_STOPPED, /* somebody wanted it so: nothing to tell */
};

struct error {
    enum error_kind kind;
    int sys;         /* errno, for ERROR_SYSTEM; else 0 */
    char text[1024]; /* one line, no control bytes; a longer one ends in "..." */
};

/* Each returns false, so that a failing function can end in `return error_set(...)`. `err` may be
 * NULL: nobody wants the reason. */
bool error_set(struct error *err, enum error_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);
/* The same with `sys`'s own text behind ": ". */
bool error_system(struct error *err, int sys, const char *format, ...) PRINTF_LIKE(3, 4);
/* Puts the story and ": " in front of what is there already. */
bool error_wrap(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Notes are kept in order. A note that was given before is not given again (one message for each
 * object). `tell`, if set, hears of each one as it comes. Zero is a valid empty `struct notes`. */
struct notes {
    char **lines;
    uint32_t n, cap;
    struct idmap seen; /* private: hash of a line to its place */
    void (*tell)(void *to, const char *line);
    void *to;
};

/* `notes` may be NULL: nobody listens. */
void notes_add(struct notes *notes, const char *format, ...) PRINTF_LIKE(2, 3);
void notes_free(struct notes *notes);

/* Who watches long work. `step` may be NULL; it is called often, from one thread, and must be
 * cheap. `doing` is borrowed for the call; `share` goes from 0 to 1. `is_stopped`, likewise, says
 * that nobody waits for the result any more; it goes on saying so. */
struct progress {
    void (*step)(void *to, const char *doing, double share);
    bool (*is_stopped)(void *to);
    void *to;
};

/* `progress` may be NULL. */
void progress_step(const struct progress *progress, const char *doing, double share);
bool progress_is_stopped(const struct progress *progress);
