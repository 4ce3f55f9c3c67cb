/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of the unwinder share: registers by their DWARF numbers, rows of unwind tables,
 * and reads of a stack that may not be there. */
#pragma once

#include "unwind/unwind.h"

#include "base/syscall.h"

/* ---- registers ------------------------------------------------------------------------------- */

enum {
    REG_BX = 3,
    REG_BP = 6,
    REG_SP = 7,
    REG_PC = 16, /* the return address column */
    REG_COUNT = 17,
};

struct regs {
    uintptr_t value[REG_COUNT];
    uint32_t known; /* a bit a register */
};

enum { REGS_ALL = (1 << REG_COUNT) - 1 };

void regs_from_ucontext(struct regs *regs, const void *ucontext);

/* ---- memory.c: checked reads ----------------------------------------------------------------- */

/* Two ranges that can be read: what was found once and for all of the thread's own stack, and what
 * was found in this capture of other memory (coroutines, alternate stacks). */
struct memory {
    uintptr_t own, own_size;
    uintptr_t other, other_size;
};

/* No frame is larger; also what keeps an address from wandering off. */
enum { FRAME_MAX = 8 << 20 };

void memory_begin(struct memory *memory, uintptr_t sp);
bool memory_read_other(struct memory *memory, uintptr_t at, uintptr_t *value);

/* A word; false: it cannot be read, or is not aligned as words on a stack are. */
static inline bool memory_read(struct memory *memory, uintptr_t at, uintptr_t *value)
{
    if (__builtin_expect(at - memory->own < memory->own_size && (at & 7) == 0, 1)) {
        *value = *(const uintptr_t *)at;
        return true;
    }
    return memory_read_other(memory, at, value);
}

/* Whether all of it can be read, whatever it is. */
bool memory_is_readable(uintptr_t at, size_t n);

/* ---- bytes.c: numbers in tables -------------------------------------------------------------- */

/* Bytes of a table: past the end zeros are read, and the cursor remembers. */
struct table {
    const uint8_t *p, *end;
    bool is_bad;
};

uint64_t table_bytes(struct table *t, unsigned n); /* little-endian */
int64_t table_signed(struct table *t, unsigned n);
uint64_t table_uleb(struct table *t);
int64_t table_sleb(struct table *t);
/* The next n bytes, behind which t goes on. */
struct table table_part(struct table *t, uint64_t n);

/* ---- eh_frame.c: the row of a table that holds at one address -------------------------------- */

enum rule {
    RULE_NONE, /* nothing was said: the register keeps its value */
    RULE_UNDEFINED,
    RULE_OFFSET,       /* saved at CFA + value */
    RULE_VALUE_OFFSET, /* is CFA + value */
    RULE_REGISTER,     /* is in register `value` */
    RULE_EXPRESSION,   /* saved where the expression says */
    RULE_VALUE_EXPRESSION,
};

/* Values of expressions are offsets from `base` to their length byte. */
struct row {
    const uint8_t *base, *end; /* of the object's mapping */
    int32_t value[REG_COUNT];
    int32_t cfa_value;
    uint8_t rule[REG_COUNT];
    uint8_t cfa_reg; /* REG_COUNT: by expression */
    bool is_signal_frame;
};

/* False: the address has no table, or one that we do not understand. */
bool eh_frame_row(uintptr_t at, struct row *row);

/* ---- expression.c ---------------------------------------------------------------------------- */

enum found { FOUND, FOUND_BAD, FOUND_UNKNOWN /* a register's value is not at hand */ };

/* `cfa`, if it is known, is what the expression finds on its stack. */
enum found expression_value(const uint8_t *at, const uint8_t *end, const struct regs *regs,
                            struct memory *memory, const uintptr_t *cfa, uintptr_t *value);

/* ---- step.c: from a frame to its caller, by the book ----------------------------------------- */

enum step {
    STEP_CALLER,
    STEP_SIGNAL, /* to what a signal interrupted: its program counter is exact */
    STEP_END,
    STEP_UNKNOWN, /* needs a register whose value is not at hand */
};

/* `at` is the address to look up: the program counter, or one less behind a call. */
enum step step_full(struct regs *regs, uintptr_t at, struct memory *memory);
/* By the frame pointer, where there is no table. */
enum step step_frame_pointer(struct regs *regs, struct memory *memory);
/* Whether this is where a signal handler returns to: it asks the kernel to restore everything. */
bool step_is_sigreturn(uintptr_t pc);
/* What the kernel will restore, from the frame that it put on the stack. */
enum step step_sigreturn(struct regs *regs, struct memory *memory);

/* ---- ways of walking ------------------------------------------------------------------------- */

/* Walks from `start`; its program counter is the first to be given. */
struct walk {
    uintptr_t *pcs;
    size_t max, skip, n;
};

static inline bool walk_is_full(const struct walk *walk)
{
    return walk->n == walk->max;
}

static inline void walk_add(struct walk *walk, uintptr_t pc)
{
    if (walk->skip > 0)
        walk->skip--;
    else if (walk->n < walk->max)
        walk->pcs[walk->n++] = pc;
}

struct walker {
    const char *name;
    void (*walk)(struct walk *walk, const struct regs *start);
    /* From a caller on; NULL or false: it takes all registers. */
    bool (*walk_caller)(struct walk *walk, const struct caller *caller, struct trail *trail);
};

void walk_tables(struct walk *walk, const struct regs *start); /* tables.c */
/* trail, if given, begins empty. */
bool walk_tables_caller(struct walk *walk, const struct caller *caller, struct trail *trail);
uint64_t tables_mark(void);
void walk_frame_pointers(struct walk *walk, const struct regs *start); /* frame_pointers.c */
void walk_libgcc(struct walk *walk, const struct regs *start);         /* libgcc.c */
