/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a process gives up for good before it reads strangers' bytes: to run programs, to talk to
 * anybody, and to write anywhere but to what is open already. Threads and processes that it starts
 * later give it up, too. It may do so in two steps: to give up less at first, and then the rest.
 * docs/trust.md says what that is worth. */
#pragma once

#include "base/error.h"

struct sandbox_options {
    const char *const *writable; /* files may be made and replaced below these folders, which are
                                    there; NULL behind the last one. Nowhere where the kernel has no
                                    Landlock, see may_ask. */
    bool may_fork;               /* processes of its own, which are in the sandbox as well */
    bool may_ask; /* servers, over TCP and UDP, and what that takes: to make folders below the
                     writable ones, and to enter once more without all that. Without Landlock,
                     files may be written anywhere until then. */
};

/* A sanitizer starts a process of its own to look for leaks, and reads memory that is not its; who
 * counts which lines are run writes the counts down at the end. */
#if HAS_SANITIZER || defined HAS_COVERAGE
#define SANDBOX_WORKS false
#else
#define SANDBOX_WORKS true
#endif

/* False: the system has no such thing, or this is a build for which it does not work. */
bool sandbox_enter(const struct sandbox_options *options, struct error *err) CHECKED;
