/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Defaults, and the system's own limit on memory. The invariant: what a limit allows can be counted
 * in the types that count it, with room for one more. */
#include "base/limits.h"

#include <errno.h>
#include <sys/resource.h>

#define MEGABYTE   ((uint64_t)1 << 20)
#define DEPTH_MAX  ((uint64_t)1 << 24)
#define FRAMES_MAX ((uint64_t)1 << 30)

static uint64_t limit_or(uint64_t limit, uint64_t most)
{
    return limit && limit < most ? limit : most;
}

struct limits limits_of(uint64_t megabytes, uint64_t samples, uint64_t depth)
{
    const uint64_t memory = limit_or(megabytes, UINT64_MAX / MEGABYTE) * MEGABYTE;
    return (struct limits){
        .max_bytes = memory - memory / 4, /* something is made of them */
        .max_stacks = (uint32_t)limit_or(samples, UINT32_MAX - 2),
        .max_frames = FRAMES_MAX,
        .max_depth = (uint32_t)limit_or(depth, DEPTH_MAX),
    };
}

struct limits limits_default(void)
{
    return limits_of(LIMIT_MEGABYTES, LIMIT_SAMPLES, LIMIT_DEPTH);
}

bool limits_hold_memory(uint64_t megabytes, struct error *err)
{
    if (megabytes == 0 || megabytes > UINT64_MAX / MEGABYTE || !LIMITS_ARE_HELD)
        return true;
    struct rlimit limit;
    if (getrlimit(RLIMIT_DATA, &limit) != 0)
        return error_system(err, errno, "asking for the limit of memory");
    /* Whoever started us may have set a lower one. */
    if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > megabytes * MEGABYTE)
        limit.rlim_cur = megabytes * MEGABYTE;
    if (setrlimit(RLIMIT_DATA, &limit) != 0)
        return error_system(err, errno, "limiting memory");
    return true;
}
