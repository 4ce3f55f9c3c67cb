/* SPDX-License-Identifier: BSD-3-Clause
 *
 * libcprof: read profiles and write reports of them, as the program cprof does. For C and C++.
 *
 *     cprof *c = cprof_new();
 *     if (cprof_set(c, "focus", "parse") || cprof_load(c, "./server") ||
 *         cprof_load(c, "server.prof") || cprof_report(c, "text", write_to_page, page))
 *         complain(cprof_message(c));
 *     cprof_free(c);
 *
 * Functions that return int return 0 when they succeed; otherwise cprof_message says why they did
 * not. Two objects may be used by two threads at once, one object by one thread at a time. Nothing
 * is printed and no signal is touched; the one thing that ends the program is that memory runs out.
 */
#ifndef CPROF_CPROF_H
#define CPROF_CPROF_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cprof cprof;

cprof *cprof_new(void);
void cprof_free(cprof *c); /* NULL is allowed */

/* Sets an option of the program cprof, by its name without dashes: "focus", "lines",
 * "inuse_objects". Switches take NULL, "1" or "0"; other options their value as text. */
int cprof_set(cprof *c, const char *option, const char *value);

/* Reads a file. The first one may be the program that was profiled, whatever it holds: a file that
 * is no profile in a known format is that. All others are profiles and are added up; one to
 * subtract is the option "base". */
int cprof_load(cprof *c, const char *path);

/* The same for bytes in memory, which are not needed any longer when it returns; `name` stands for
 * them in messages. They are a profile. */
int cprof_load_bytes(cprof *c, const void *bytes, size_t n, const char *name);

/* Writes a report of all that was loaded: "text", "collapsed", ... as the options for output of the
 * program cprof are called; NULL: the one that was set. `write` is called with pieces of it and
 * returns 0, or an errno to stop. Reports may be asked for again, with other options or after
 * loading more. */
int cprof_report(cprof *c, const char *emitter, int (*write)(void *to, const void *bytes, size_t n),
                 void *to);

/* Why the last call failed, in one line; "" if it did not. Until the next call. */
const char *cprof_message(const cprof *c);

/* What was worth telling so far, but failed nothing: line i, or NULL beyond the last. */
const char *cprof_note(const cprof *c, size_t i);

#ifdef __cplusplus
}
#endif

#endif
