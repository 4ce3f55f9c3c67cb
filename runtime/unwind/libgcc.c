/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Walking by libgcc, through the C library that loads it on first use: a second opinion. From the
 * context of a signal, what is ours and the signal's own frame is left out by looking for the
 * interrupted address. */
#include "unwind/internal.h"

#include <execinfo.h>

enum { FRAMES_MAX = 320 };

void walk_libgcc(struct walk *walk, const struct regs *start)
{
    void *frames[FRAMES_MAX];
    const int n = backtrace(frames, FRAMES_MAX);
    int from = 0;
    while (from < n && (uintptr_t)frames[from] != start->value[REG_PC])
        from++;
    walk_add(walk, start->value[REG_PC] ? start->value[REG_PC] : 1);
    for (int i = from + 1; i < n && !walk_is_full(walk); i++)
        walk_add(walk, (uintptr_t)frames[i]);
}
