/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One step from a frame to its caller with all registers, by whatever the tables say. It is right
 * first and quick second: tables.c has a short way for the frames that nearly all frames are. */
#include "unwind/internal.h"

#include <stddef.h>
#include <string.h>
#include <ucontext.h>

/* The kernel's order of registers, by DWARF number. */
static const uint8_t greg_of[REG_COUNT] = {
    REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
    REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP,
};

void regs_from_ucontext(struct regs *regs, const void *ucontext)
{
    const ucontext_t *context = ucontext;
    for (unsigned i = 0; i < REG_COUNT; i++)
        regs->value[i] = (uintptr_t)context->uc_mcontext.gregs[greg_of[i]];
    regs->known = REGS_ALL;
}

static const uint8_t *expression_at(const struct row *row, int32_t offset)
{
    return row->base + offset;
}

static enum found find_cfa(const struct row *row, const struct regs *regs, struct memory *memory,
                           uintptr_t *cfa)
{
    if (row->cfa_reg == REG_COUNT)
        return expression_value(expression_at(row, row->cfa_value), row->end, regs, memory, NULL,
                                cfa);
    if (!(regs->known >> row->cfa_reg & 1))
        return FOUND_UNKNOWN;
    *cfa = regs->value[row->cfa_reg] + (uintptr_t)(intptr_t)row->cfa_value;
    return FOUND;
}

static enum found find_register(const struct row *row, unsigned reg, const struct regs *regs,
                                uintptr_t cfa, struct memory *memory, uintptr_t *value)
{
    const uintptr_t offset = (uintptr_t)(intptr_t)row->value[reg];
    uintptr_t at;
    enum found found;
    switch ((enum rule)row->rule[reg]) {
    case RULE_NONE:
        if (!(regs->known >> reg & 1))
            return FOUND_UNKNOWN;
        *value = regs->value[reg];
        return FOUND;
    case RULE_OFFSET:
        return memory_read(memory, cfa + offset, value) ? FOUND : FOUND_BAD;
    case RULE_VALUE_OFFSET:
        *value = cfa + offset;
        return FOUND;
    case RULE_REGISTER:
        if (row->value[reg] < 0 || row->value[reg] >= REG_COUNT)
            return FOUND_BAD;
        if (!(regs->known >> row->value[reg] & 1))
            return FOUND_UNKNOWN;
        *value = regs->value[row->value[reg]];
        return FOUND;
    case RULE_EXPRESSION:
        found = expression_value(expression_at(row, row->value[reg]), row->end, regs, memory, &cfa,
                                 &at);
        if (found != FOUND)
            return found;
        return memory_read(memory, at, value) ? FOUND : FOUND_BAD;
    case RULE_VALUE_EXPRESSION:
        return expression_value(expression_at(row, row->value[reg]), row->end, regs, memory, &cfa,
                                value);
    case RULE_UNDEFINED:
        break;
    }
    return FOUND_BAD;
}

enum step step_full(struct regs *regs, uintptr_t at, struct memory *memory)
{
    struct row row;
    if (!eh_frame_row(at, &row)) {
        if (step_is_sigreturn(at + 1))
            return step_sigreturn(regs, memory);
        return step_frame_pointer(regs, memory);
    }
    if (row.is_signal_frame && step_is_sigreturn(at + 1))
        return step_sigreturn(regs, memory);
    if (row.rule[REG_PC] == RULE_UNDEFINED || row.rule[REG_PC] == RULE_NONE)
        return STEP_END;

    uintptr_t cfa;
    const enum found found = find_cfa(&row, regs, memory, &cfa);
    if (found != FOUND)
        return found == FOUND_UNKNOWN ? STEP_UNKNOWN : STEP_END;
    const uintptr_t sp = regs->value[REG_SP];
    if (!row.is_signal_frame && (cfa <= sp || cfa - sp > FRAME_MAX || (cfa & 7)))
        return STEP_END;

    struct regs caller;
    caller.known = 0;
    for (unsigned reg = 0; reg < REG_COUNT; reg++) {
        if (reg == REG_SP && row.rule[reg] == RULE_NONE) {
            caller.value[reg] = cfa;
            caller.known |= 1u << reg;
            continue;
        }
        const enum found got = find_register(&row, reg, regs, cfa, memory, &caller.value[reg]);
        if (got == FOUND)
            caller.known |= 1u << reg;
        else if (reg == REG_PC)
            return got == FOUND_UNKNOWN ? STEP_UNKNOWN : STEP_END;
    }
    if (!(caller.known >> REG_SP & 1))
        return STEP_END;
    *regs = caller;
    if (caller.value[REG_PC] == 0)
        return STEP_END;
    return row.is_signal_frame ? STEP_SIGNAL : STEP_CALLER;
}

enum step step_frame_pointer(struct regs *regs, struct memory *memory)
{
    const uintptr_t sp = regs->value[REG_SP], bp = regs->value[REG_BP];
    uintptr_t pc, caller_bp;
    if (!(regs->known >> REG_BP & 1))
        return STEP_UNKNOWN;
    if (bp < sp || bp - sp > FRAME_MAX || !memory_read(memory, bp + 8, &pc) ||
        !memory_read(memory, bp, &caller_bp) || pc == 0)
        return STEP_END;
    regs->value[REG_PC] = pc;
    regs->value[REG_SP] = bp + 16;
    regs->value[REG_BP] = caller_bp;
    regs->known = 1u << REG_PC | 1u << REG_SP | 1u << REG_BP;
    return STEP_CALLER;
}

/* mov $SYS_rt_sigreturn, %rax; syscall */
bool step_is_sigreturn(uintptr_t pc)
{
    static const uint8_t code[] = {0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05};
    union {
        uintptr_t number;
        const void *p;
    } as = {pc};
    return memory_is_readable(pc, sizeof code) && memcmp(as.p, code, sizeof code) == 0;
}

enum step step_sigreturn(struct regs *regs, struct memory *memory)
{
    const uintptr_t gregs = regs->value[REG_SP] + offsetof(ucontext_t, uc_mcontext.gregs);
    for (unsigned reg = 0; reg < REG_COUNT; reg++) {
        if (!memory_read(memory, gregs + 8 * (uintptr_t)greg_of[reg], &regs->value[reg]))
            return STEP_END;
    }
    regs->known = REGS_ALL;
    return regs->value[REG_PC] ? STEP_SIGNAL : STEP_END;
}
