/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Walking by frame pointers alone: for programs all of whose libraries keep them. */
#include "unwind/internal.h"

void walk_frame_pointers(struct walk *walk, const struct regs *start)
{
    struct regs regs = *start;
    struct memory memory;
    memory_begin(&memory, regs.value[REG_SP]);
    walk_add(walk, regs.value[REG_PC] ? regs.value[REG_PC] : 1);
    while (!walk_is_full(walk)) {
        const bool is_sigreturn = step_is_sigreturn(regs.value[REG_PC]);
        const enum step step =
            is_sigreturn ? step_sigreturn(&regs, &memory) : step_frame_pointer(&regs, &memory);
        if (step != STEP_CALLER && step != STEP_SIGNAL)
            return;
        if (step == STEP_SIGNAL)
            memory_begin(&memory, regs.value[REG_SP]);
        walk_add(walk, regs.value[REG_PC]);
    }
}
