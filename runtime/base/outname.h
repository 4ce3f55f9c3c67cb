/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How the value of CPUPROFILE or HEAPPROFILE becomes the name of a file: what is added for the
 * ranks of parallel programs, and for processes whose ancestor took the plain name. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct outname {
    char text[PATH_MAX];
};

/* The name that the variable asks for; false: it is not set, or empty. */
bool outname_make(const char *variable, struct outname *out);

/* Tells the processes that this one starts, by VARIABLE_USE_PID, that the plain name is taken.
 * Called when a tool really starts. */
void outname_claim(const char *variable);

/* A child that goes on without exec: the pid is added to the name it inherited. */
void outname_add_pid(struct outname *name);
