/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The capture itself: where it starts and which way of walking is used. */
#include "unwind/internal.h"

#include <string.h>

#include "base/env.h"
#include "base/message.h"

/* The first is what is used unless another one is asked for; names are those that users know. */
static const struct walker walkers[] = {
    {.name = "tables", .walk = walk_tables, .walk_caller = walk_tables_caller},
    {.name = "libunwind", .walk = walk_tables, .walk_caller = walk_tables_caller},
    {.name = "generic_fp", .walk = walk_frame_pointers},
    {.name = "libgcc", .walk = walk_libgcc},
};

enum { N_WALKERS = sizeof walkers / sizeof *walkers };

enum { DEEPEST = 256, OURS_MOST = 16 };

/* Set before a tool starts, read by all threads. */
static const struct walker *chosen = &walkers[0];

void unwind_choose(void)
{
    const char *name = env_get("TCMALLOC_STACKTRACE_METHOD");
    const struct walker *found = &walkers[0];
    if (name && *name) {
        unsigned i = 0;
        while (i < N_WALKERS && strcmp(walkers[i].name, name) != 0)
            i++;
        if (i == N_WALKERS)
            message_say(MESSAGE_NOTICE,
                        "Unknown or unsupported stacktrace method requested: %s. Ignoring it",
                        name);
        else
            found = &walkers[i];
    }
    __atomic_store_n(&chosen, found, __ATOMIC_RELEASE);
    if (found->walk == walk_libgcc) { /* what it loads, it loads now and not in a handler */
        uintptr_t pcs[4];
        (void)unwind(pcs, 4, 0, NULL);
    }
    if (env_bool("TCMALLOC_STACKTRACE_METHOD_VERBOSE", false)) {
        message_say(MESSAGE_NOTICE,
                    "Chosen stacktrace method is %s\nSupported methods:", found->name);
        for (unsigned i = 0; i < N_WALKERS; i++)
            message_say(MESSAGE_NOTICE, "* %s", walkers[i].name);
        message_say(MESSAGE_NOTICE, "\n");
    }
}

/* The registers as they are at one instruction of this function. */
static inline __attribute__((always_inline)) void regs_here(struct regs *regs)
{
    uintptr_t *const to = regs->value;
    __asm__ volatile("lea 0f(%%rip), %%rax\n"
                     "0: mov %%rax, 128(%0)\n"
                     "mov %%rbx, 24(%0)\n"
                     "mov %%rbp, 48(%0)\n"
                     "mov %%rsp, 56(%0)\n"
                     "mov %%r12, 96(%0)\n"
                     "mov %%r13, 104(%0)\n"
                     "mov %%r14, 112(%0)\n"
                     "mov %%r15, 120(%0)\n"
                     :
                     : "r"(to)
                     : "rax", "memory");
    regs->known = 1u << REG_BX | 1u << REG_BP | 1u << REG_SP | 0xf000u | 1u << REG_PC;
}

__attribute__((noinline)) size_t unwind(uintptr_t *pcs, size_t max, size_t skip,
                                        const void *ucontext)
{
    struct walk walk = {.pcs = pcs, .max = max, .skip = skip};
    struct regs start;
    if (max == 0)
        return 0;
    if (ucontext) {
        regs_from_ucontext(&start, ucontext);
    } else {
        memset(&start, 0, sizeof start);
        regs_here(&start);
        walk.skip++; /* this function */
    }
    __atomic_load_n(&chosen, __ATOMIC_ACQUIRE)->walk(&walk, &start);
    return walk.n;
}

static size_t from_caller(uintptr_t *pcs, size_t max, const struct caller *caller,
                          struct trail *trail)
{
    const struct walker *walker = __atomic_load_n(&chosen, __ATOMIC_ACQUIRE);
    struct walk walk = {.pcs = pcs, .max = max};
    if (max == 0 || (walker->walk_caller && walker->walk_caller(&walk, caller, trail)))
        return walk.n;
    /* From here, less the frames of ours. */
    uintptr_t all[DEEPEST + OURS_MOST];
    const size_t n = unwind(all, (max < DEEPEST ? max : DEEPEST) + OURS_MOST, 0, NULL);
    size_t first = 0;
    while (first < n && all[first] != caller->pc)
        first++;
    pcs[0] = caller->pc; /* known even where the walk failed */
    for (walk.n = 1; walk.n < max && first + walk.n < n; walk.n++)
        pcs[walk.n] = all[first + walk.n];
    return walk.n;
}

size_t unwind_caller(uintptr_t *pcs, size_t max, const struct caller *caller)
{
    return from_caller(pcs, max, caller, NULL);
}

size_t unwind_with_trail(uintptr_t *pcs, size_t max, const struct caller *caller,
                         struct trail *trail)
{
    trail->caller = *caller;
    trail->mark = tables_mark();
    trail->n = 0;
    trail->uses_bp = false;
    return from_caller(pcs, max, caller, trail);
}

bool unwind_is_same(const struct trail *trail, const struct caller *caller)
{
    if (trail->caller.sp != caller->sp || trail->caller.pc != caller->pc ||
        (trail->uses_bp && trail->caller.bp != caller->bp) || trail->mark != tables_mark())
        return false;
    uint32_t i = 0;
    while (i < trail->n && *trail->reads[i].at == trail->reads[i].value)
        i++;
    return i == trail->n && i > 0;
}

__attribute__((noinline)) void unwind_frames(bool (*visit)(void *to, const struct unwind_frame *),
                                             void *to)
{
    static const uint8_t saved[] = {REG_BX, REG_BP, 12, 13, 14, 15};
    struct regs regs;
    struct memory memory;
    memset(&regs, 0, sizeof regs);
    regs_here(&regs);
    memory_begin(&memory, regs.value[REG_SP]);
    bool is_exact = true;
    for (;;) {
        const enum step step = step_full(&regs, regs.value[REG_PC] - !is_exact, &memory);
        if (step != STEP_CALLER && step != STEP_SIGNAL)
            return;
        is_exact = step == STEP_SIGNAL;
        if (is_exact)
            memory_begin(&memory, regs.value[REG_SP]);
        struct unwind_frame frame = {.pc = regs.value[REG_PC], .sp = regs.value[REG_SP]};
        for (size_t i = 0; i < sizeof saved; i++) {
            if (regs.known >> saved[i] & 1)
                frame.saved[i] = regs.value[saved[i]];
        }
        if (!visit(to, &frame))
            return;
    }
}
