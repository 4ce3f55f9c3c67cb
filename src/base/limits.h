/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Bounds on what a stranger's file may make us hold. Readers are handed a `struct limits`, and
 * reaching one is an error that names it; memory as a whole is counted by the system, for libraries
 * that we call ask it for memory as well. docs/trust.md says what is promised. */
#pragma once

#include "base/error.h"

/* The shadow of a sanitizer takes a thousand times what it shadows. */
#if HAS_SANITIZER
#define LIMITS_ARE_HELD false
#else
#define LIMITS_ARE_HELD true
#endif

struct limits {
    uint64_t max_bytes;  /* of a file once unpacked, or of a pipe; less than all memory */
    uint32_t max_stacks; /* distinct, of one profile; likewise distinct samples */
    uint64_t max_frames; /* in all distinct stacks together */
    uint32_t max_depth;  /* of one stack; a format may say less */
};

#define LIMIT_MEGABYTES 1024
#define LIMIT_SAMPLES   ((uint64_t)1 << 25)
#define LIMIT_DEPTH     ((uint64_t)1 << 20)

struct limits limits_default(void); /* of the three above */
/* 0 is as much as can be counted. */
struct limits limits_of(uint64_t megabytes, uint64_t samples, uint64_t depth);

/* From here on the process gets so much memory of its own and no more; who asks in vain ends in
 * base_oom. Mapped files do not count. Does nothing where limits are not held. 0: no limit. */
bool limits_hold_memory(uint64_t megabytes, struct error *err) CHECKED;
