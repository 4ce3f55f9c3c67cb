/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a process gives up for good before it reads strangers' bytes: to run programs, to talk to
 * anybody, and to write anywhere but to what is open already. Threads and processes that it starts
 * later give it up, too. docs/trust.md says what that is worth. */
#pragma once

#include "base/error.h"

struct sandbox_options {
    const char *writable; /* files may be made and replaced below this folder; NULL: nowhere.
                             Nowhere also where the kernel has no Landlock. */
    bool may_fork;        /* processes of its own, which are in the sandbox as well */
};

/* A sanitizer starts a process of its own to look for leaks, and reads memory that is not its. */
#if HAS_SANITIZER
#define SANDBOX_WORKS false
#else
#define SANDBOX_WORKS true
#endif

/* False: the system has no such thing, or this is a build for which it does not work. */
bool sandbox_enter(const struct sandbox_options *options, struct error *err) CHECKED;
