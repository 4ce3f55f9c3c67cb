/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of the command line share. This is the one place that speaks with a person: notes
 * and errors go to standard error, reports and help to standard output. */
#pragma once

#include "analysis/analysis.h"

/* ---- names.c: what we are called ----------------------------------------------------------------
 */

/* The name to show in messages: that of a tool whose place we take, if we were called by it. */
const char *names_shown(const char *argv0);

/* ---- help.c -------------------------------------------------------------------------------------
 */

void help_write(struct out *out, const char *name, const struct options *options);
void version_write(struct out *out);

/* ---- progress.c ---------------------------------------------------------------------------------
 */

/* One line at the bottom of a terminal, redrawn in place. Says nothing in the first second of the
 * program, and never where standard error is no terminal. */
struct progress_line {
    bool is_terminal, is_shown;
    int width;
    uint64_t started, drawn; /* milliseconds */
};

void progress_start(struct progress_line *line);
struct progress progress_of(struct progress_line *line);
void progress_erase(struct progress_line *line);

/* Whether it is time to draw. */
bool progress_is_due(const struct progress_line *line, uint64_t now);

/* ---- arguments.c --------------------------------------------------------------------------------
 */

/* Loads what the arguments name, in the order in which pprof reads profiles. */
bool arguments_load(struct analysis *analysis, const char *const *names, uint32_t n,
                    struct error *err) CHECKED;
