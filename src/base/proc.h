/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Other programs: found in PATH, started with a list of arguments and no shell between, so that no
 * name from a profile or a command line is ever read as a command. */
#pragma once

#include "base/error.h"

/* The path of a program: `name` itself if it has a slash in it, else the first executable file of
 * that name in a folder of PATH. NULL: there is none, or it cannot be run. The caller's, for
 * base_free. */
char *proc_find(const char *name, struct error *err) CHECKED;

struct proc {
    int pid; /* 0: none, or it was waited for */
};

struct proc_options {
    int in, out;     /* what it gets as standard input and output; 0: ours */
    bool is_quiet;   /* output and messages go nowhere */
    bool is_on_side; /* in a group of its own, without input: ^C at the terminal is not for it */
};

/* Starts argv[0], found as by proc_find; argv ends with NULL. `options` may be NULL. Descriptors
 * that it should not have are close-on-exec, as all of ours are. */
bool proc_start(struct proc *proc, const char *const *argv, const struct proc_options *options,
                struct error *err) CHECKED;

/* Waits for the end. *status is what it ended with: 0 to 255, or 128 and the signal. */
bool proc_wait(struct proc *proc, int *status, struct error *err) CHECKED;

/* Two ends of a pipe, [0] to read and [1] to write, close-on-exec. */
bool proc_pipe(int ends[2], struct error *err) CHECKED;
