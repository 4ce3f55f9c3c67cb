/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who called whom: the one function by which every tool of the runtime captures a stack. Safe in
 * any signal handler and at any moment of a program's life: no lock, no allocation, no thread-local
 * storage that could be missing, and no read of memory that was not known to be readable. A capture
 * may interrupt another one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes up to `max` program counters, innermost first, after leaving out the first `skip`. From a
 * ucontext_t the first is the interrupted instruction, exact; without one (NULL) the caller of this
 * function, and like all others an address to return to. Where a stack cannot be followed further
 * with certainty, it ends. */
size_t unwind(uintptr_t *pcs, size_t max, size_t skip, const void *ucontext);

/* Who called a function of ours: the address to return to, and the stack and frame pointers that
 * the caller will have there. */
struct caller {
    uintptr_t pc, sp, bp;
};

/* In the function that was called; good until it has returned. */
#define CALLER() caller_of_frame(__builtin_frame_address(0))
static inline struct caller caller_of_frame(const uintptr_t *frame)
{
    return (struct caller){.pc = frame[1], .sp = (uintptr_t)(frame + 2), .bp = frame[0]};
}

/* The stack from the caller on, as addresses to return to. */
size_t unwind_caller(uintptr_t *pcs, size_t max, const struct caller *caller);

/* A frame with the registers that belong to its function: rbx, rbp, r12 to r15, 0 where that is not
 * known. */
struct unwind_frame {
    uintptr_t pc, sp;
    uintptr_t saved[6];
};

/* From the caller of this function outwards, by the tables, until `visit` returns false. */
void unwind_frames(bool (*visit)(void *to, const struct unwind_frame *frame), void *to);

/* All that a walk read to find a stack. Where the same caller finds the same values in the same
 * places, its stack is the same: to look at these is a fraction of a walk. */
enum { TRAIL_MOST = 40 };

struct trail {
    struct caller caller;
    uint64_t mark;
    uint32_t n; /* 0: the walk is not told by its reads alone */
    bool uses_bp;
    struct trail_read {
        const uintptr_t *at;
        uintptr_t value;
    } reads[TRAIL_MOST];
};

/* unwind_caller, and what it read. */
size_t unwind_with_trail(uintptr_t *pcs, size_t max, const struct caller *caller,
                         struct trail *trail);
/* Whether a walk from here would find what it found then, to the same depth. By the thread alone
 * that made the trail. */
bool unwind_is_same(const struct trail *trail, const struct caller *caller);

/* Mapped code went away or was replaced: what was learnt of it is not used again. */
void unwind_forget(void);
/* Called before code may go away, by the thread that lets it go; NULL: nobody wants to know. */
extern void (*unwind_before_unload)(void);

/* Chooses the way of walking that TCMALLOC_STACKTRACE_METHOD names. Called when a tool starts,
 * outside of handlers. */
void unwind_choose(void);
