/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The variables of the environment that the libraries read, for who asks: each library shows its
 * own when it is loaded. */
#pragma once

#include <stddef.h>

struct knob {
    const char *name, *usual, *help; /* usual: what it is where it is not set; "": nothing */
};

/* Says them on standard error if CPROF_RUNTIME_HELP is set; whose: "the heap profiler". */
void knobs_show(const char *whose, const struct knob *knobs, size_t n);
