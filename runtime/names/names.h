/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The names of functions in this process, from the symbol tables of the files that are mapped; for
 * those parts of the runtime that must name an address themselves. Nothing is allocated by malloc
 * and no file is mapped, so that a file which is replaced or cut short under us does no harm. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/maps.h"

struct names_area;
struct names_module;

/* What is known so far; all zero to begin with. Tables that were read are kept. One user at a time:
 * what is found stays good until the next names_refresh. */
struct names {
    struct names_area *areas; /* mapped code, by address */
    size_t n_areas, most_areas;
    struct names_module *modules;
    struct maps_reader reader;
};

/* Looks which files are mapped now. False: that cannot be told. */
bool names_refresh(struct names *names);

struct name {
    const char *text; /* as the table has it, up to an @: not terminated */
    size_t n;
    uintptr_t start; /* of the function */
};

/* The function that an instruction is in. Reads the table of its file the first time. */
bool names_find(struct names *names, uintptr_t pc, struct name *out);

/* Functions that have a name, in all files that are mapped. Reads all tables. */
size_t names_count(struct names *names);

/* Where the program has a C++ library, that makes the name readable; else it is copied. What does
 * not fit is cut. May call malloc. Returns the length. */
size_t names_readable(const struct name *name, char *to, size_t size);
