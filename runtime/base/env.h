/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Environment variables as the runtime reads them: straight from the array, before constructors and
 * in handlers alike. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

const char *env_get(const char *name); /* NULL: not set */
bool env_is_set(const char *name);     /* to anything, nothing too */

/* Set, its first letter says it (t, T, y, Y, 1 or none at all: true). */
bool env_bool(const char *name, bool otherwise);
/* A number in base 10; what stands behind it is not looked at. */
int64_t env_int(const char *name, int64_t otherwise);
double env_double(const char *name, double otherwise);
/* A number in base 16, with 0x or without; 0: not set, or none. */
uint64_t env_hex(const char *name);

/* The number that `text` begins with, 0 if there is none; *rest, if wanted, is set behind it. */
int64_t env_number(const char *text, const char **rest);

/* Puts NAME=VALUE at the front of the environment of this process and of those that it starts.
 * setenv would allocate and race with the program: this makes a new array and leaves the old one as
 * it is, so that who reads it reads on. `pair` is kept. False: out of memory. */
bool env_put(const char *pair);
/* Takes a variable out of it, in the same way. */
bool env_drop(const char *name);

/* Whether variables that name files, programs or signals must not be followed, because the program
 * has rights that whoever set them has not. */
bool env_is_untrusted(void);
