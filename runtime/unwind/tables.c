/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Walking by unwind tables, quickly. Nearly every frame is undone by the same few steps: the CFA is
 * the stack or the frame pointer and a number, the return address lies below it, and the caller's
 * frame pointer is where it was or at another number. Such a rule fits into one word, and a cache
 * from address to word makes a step a few loads. All else goes by step.c.
 *
 * The cache has no locks. An entry is two words, the rule and the rule combined with its address; a
 * mixture of two entries does not match either address. Forgetting is a change of what all are
 * combined with. */
#include "unwind/internal.h"

enum kind {
    KIND_EMPTY,
    KIND_SP,    /* CFA from the stack pointer */
    KIND_BP,    /* CFA from the frame pointer */
    KIND_END,   /* the outermost frame */
    KIND_OTHER, /* by step_full */
};

/* A rule: kind (4 bits), whether the frame pointer was saved (1), where (CFA + 8 * n, 24 bits,
 * signed), what to add to the register to get the CFA (32 bits, signed). */
enum { KIND_MASK = 15, SAVED_BP = 16, BP_SHIFT = 8, CFA_SHIFT = 32 };

enum { CACHE_BITS = 15 };

static struct {
    struct entry {
        uint64_t check, rule;
    } cache[1 << CACHE_BITS];
    uint64_t mark; /* changes when all is to be forgotten */
} tables;

void (*unwind_before_unload)(void);

void unwind_forget(void)
{
    (void)__atomic_add_fetch(&tables.mark, UINT64_C(0x9e3779b97f4a7c15), __ATOMIC_RELEASE);
}

uint64_t tables_mark(void)
{
    return __atomic_load_n(&tables.mark, __ATOMIC_ACQUIRE);
}

static uint64_t rule_of(uintptr_t at)
{
    struct row row;
    if (!eh_frame_row(at, &row) || row.is_signal_frame)
        return KIND_OTHER;
    if (row.rule[REG_PC] == RULE_UNDEFINED)
        return KIND_END;
    if (row.rule[REG_PC] != RULE_OFFSET || row.value[REG_PC] != -8 ||
        row.rule[REG_SP] != RULE_NONE || (row.cfa_reg != REG_SP && row.cfa_reg != REG_BP))
        return KIND_OTHER;

    uint64_t rule = row.cfa_reg == REG_SP ? KIND_SP : KIND_BP;
    if (row.rule[REG_BP] == RULE_OFFSET) {
        const int32_t words = row.value[REG_BP] / 8;
        if (row.value[REG_BP] % 8 != 0 || words < -(1 << 23) || words >= 1 << 23)
            return KIND_OTHER;
        rule |= SAVED_BP | (uint64_t)((uint32_t)words << BP_SHIFT);
    } else if (row.rule[REG_BP] != RULE_NONE) {
        return KIND_OTHER;
    }
    return rule | (uint64_t)(uint32_t)row.cfa_value << CFA_SHIFT;
}

static __attribute__((noinline)) uint64_t learn(struct entry *entry, uintptr_t at, uint64_t mark)
{
    const uint64_t rule = rule_of(at);
    __atomic_store_n(&entry->rule, rule, __ATOMIC_RELAXED);
    __atomic_store_n(&entry->check, rule ^ at ^ mark, __ATOMIC_RELAXED);
    return rule;
}

static inline uint64_t look_up(uintptr_t at, uint64_t mark)
{
    struct entry *entry = &tables.cache[(at * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - CACHE_BITS)];
    const uint64_t rule = __atomic_load_n(&entry->rule, __ATOMIC_RELAXED);
    const uint64_t check = __atomic_load_n(&entry->check, __ATOMIC_RELAXED);
    if (__builtin_expect((check ^ rule) == (at ^ mark) && rule != KIND_EMPTY, 1))
        return rule;
    return learn(entry, at, mark);
}

/* Adds where the walk starts, and returns the address to look up; 0: there is no more. Where a null
 * pointer was called, the return address is what the call has just pushed. */
static inline uintptr_t begin(struct walk *walk, uintptr_t *pc, uintptr_t *sp,
                              struct memory *memory)
{
    walk_add(walk, *pc ? *pc : 1); /* zero would end the profile for some readers */
    if (__builtin_expect(*pc != 0, 1))
        return *pc;
    if (walk_is_full(walk) || !memory_read(memory, *sp, pc) || *pc == 0)
        return 0;
    *sp += 8;
    walk_add(walk, *pc);
    return *pc - 1;
}

/* From the first frame with all registers: slow, and needed where a frame in the middle can only be
 * undone by a register that the short way does not follow. */
static __attribute__((noinline)) void walk_with_all(struct walk *walk, const struct regs *start)
{
    struct regs regs = *start;
    struct memory memory;
    memory_begin(&memory, regs.value[REG_SP]);
    uintptr_t at = begin(walk, &regs.value[REG_PC], &regs.value[REG_SP], &memory);
    while (at && !walk_is_full(walk)) {
        const enum step step = step_full(&regs, at, &memory);
        if (step != STEP_CALLER && step != STEP_SIGNAL)
            return;
        walk_add(walk, regs.value[REG_PC]);
        at = regs.value[REG_PC] - (step == STEP_CALLER);
        if (step == STEP_SIGNAL)
            memory_begin(&memory, regs.value[REG_SP]);
    }
}

/* A step by the book in the middle of the short way. */
struct middle {
    struct regs regs;
    enum step step;
};

static __attribute__((noinline)) void step_other(struct middle *middle, const struct regs *all,
                                                 uintptr_t at, uintptr_t pc, uintptr_t sp,
                                                 uintptr_t bp, struct memory *memory)
{
    if (all) {
        middle->regs = *all;
    } else {
        middle->regs.known = 1u << REG_PC | 1u << REG_SP | 1u << REG_BP;
        middle->regs.value[REG_PC] = pc;
        middle->regs.value[REG_SP] = sp;
        middle->regs.value[REG_BP] = bp;
    }
    middle->step = step_full(&middle->regs, at, memory);
}

/* What the short way reads, noted for unwind_is_same. */
struct notes {
    struct trail *trail; /* NULL: not wanted, or it cannot be had */
    uintptr_t bp_at;     /* where the frame pointer was read; 0: it is the caller's, or noted */
    bool is_callers_bp;
};

static void give_up(struct notes *notes)
{
    if (notes->trail)
        notes->trail->n = 0;
    notes->trail = NULL;
}

static void note(struct notes *notes, const struct memory *memory, uintptr_t at, uintptr_t value)
{
    struct trail *trail = notes->trail;
    if (!trail)
        return;
    /* The thread's own stack can be read again at any time. */
    if (trail->n == TRAIL_MOST || at - memory->own >= memory->own_size)
        give_up(notes);
    else
        trail->reads[trail->n++] = (struct trail_read){(const uintptr_t *)at, value};
}

/* A CFA is found by the frame pointer: what that was matters. */
static void note_bp(struct notes *notes, const struct memory *memory, uintptr_t bp)
{
    if (!notes->trail)
        return;
    if (notes->is_callers_bp)
        notes->trail->uses_bp = true;
    else if (notes->bp_at)
        note(notes, memory, notes->bp_at, bp);
    notes->bp_at = 0;
}

/* Adds the callers of a frame of which no more is known than this, and once all registers; `at` is
 * the address to look up. False: a register is needed that the short way does not follow. */
static bool follow(struct walk *walk, uintptr_t at, uintptr_t pc, uintptr_t sp, uintptr_t bp,
                   const struct regs *all, struct memory *memory, struct trail *trail)
{
    const uint64_t mark = tables_mark();
    struct notes notes = {.trail = trail, .is_callers_bp = true};
    while (at && !walk_is_full(walk)) {
        const uint64_t rule = look_up(at, mark);
        const unsigned kind = rule & KIND_MASK;
        if (__builtin_expect(kind == KIND_SP || kind == KIND_BP, 1)) {
            if (kind == KIND_BP)
                note_bp(&notes, memory, bp);
            const uintptr_t cfa =
                (kind == KIND_SP ? sp : bp) + (uintptr_t)((int64_t)rule >> CFA_SHIFT);
            if (cfa <= sp || cfa - sp > FRAME_MAX)
                return true;
            if (!memory_read(memory, cfa - 8, &pc)) {
                give_up(&notes);
                return true;
            }
            note(&notes, memory, cfa - 8, pc);
            if (pc == 0)
                return true;
            if (rule & SAVED_BP) {
                const int64_t words = (int32_t)rule >> BP_SHIFT;
                notes.bp_at = cfa + (uintptr_t)(words * 8);
                notes.is_callers_bp = false;
                if (!memory_read(memory, notes.bp_at, &bp)) {
                    give_up(&notes);
                    return true;
                }
            }
            sp = cfa;
            at = pc - 1;
        } else if (kind == KIND_END) {
            return true;
        } else {
            struct middle middle;
            give_up(&notes);
            step_other(&middle, all, at, pc, sp, bp, memory);
            if (middle.step == STEP_UNKNOWN && !all)
                return false;
            if (middle.step != STEP_CALLER && middle.step != STEP_SIGNAL)
                return true;
            pc = middle.regs.value[REG_PC];
            sp = middle.regs.value[REG_SP];
            bp = middle.regs.known >> REG_BP & 1 ? middle.regs.value[REG_BP] : 0;
            at = pc - (middle.step == STEP_CALLER);
            if (middle.step == STEP_SIGNAL)
                memory_begin(memory, sp);
        }
        all = NULL;
        walk_add(walk, pc);
    }
    return true;
}

void walk_tables(struct walk *walk, const struct regs *start)
{
    const struct walk before = *walk;
    uintptr_t pc = start->value[REG_PC], sp = start->value[REG_SP];
    const struct regs *all = pc ? start : NULL; /* while these are the first frame's */
    struct memory memory;
    memory_begin(&memory, sp);
    const uintptr_t at = begin(walk, &pc, &sp, &memory);
    if (!follow(walk, at, pc, sp, start->value[REG_BP], all, &memory, NULL)) {
        *walk = before;
        walk_with_all(walk, start);
    }
}

bool walk_tables_caller(struct walk *walk, const struct caller *caller, struct trail *trail)
{
    struct memory memory;
    memory_begin(&memory, caller->sp);
    walk_add(walk, caller->pc);
    return follow(walk, caller->pc - 1, caller->pc, caller->sp, caller->bp, NULL, &memory, trail);
}
