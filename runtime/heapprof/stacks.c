/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Each stack once. A stack is found by its hash, in a chain that is only ever added to at its head,
 * so that readers take no lock; adding takes one. Its number leads to it through a table in pieces,
 * which never moves either. */
#include "heapprof/internal.h"

#include <string.h>
#include <sys/single_threaded.h>

#include "base/arena.h"
#include "base/lock.h"
#include "hooks/hooks.h"

enum {
    BUCKETS = 1 << 16,
    PIECE = 4096, /* stacks in a piece of the table */
};

struct stack {
    stack_ix next; /* in the chain of its hash; 0 ends it */
    uint32_t hash;
    struct tally made, mapped; /* while the profile is on */
    size_t n;
    uintptr_t pcs[];
};

static struct {
    struct lock lock; /* for adding */
    uint32_t n;       /* numbers given, that of the unknown stack too */
    stack_ix bucket[BUCKETS];
    struct stack **piece[STACKS_MOST / PIECE];
    struct stack unknown; /* number 0: none of its addresses */
} stacks = {.n = 1};

static struct stack *stack_at(stack_ix stack)
{
    if (stack == 0)
        return &stacks.unknown;
    struct stack **piece = __atomic_load_n(&stacks.piece[stack / PIECE], __ATOMIC_ACQUIRE);
    return piece ? __atomic_load_n(&piece[stack % PIECE], __ATOMIC_ACQUIRE) : NULL;
}

static uint32_t hash_of(const uintptr_t *pcs, size_t n)
{
    uint64_t hash = n;
    for (size_t i = 0; i < n; i++) {
        hash = (hash ^ pcs[i]) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    return (uint32_t)hash;
}

static stack_ix find(stack_ix from, uint32_t hash, const uintptr_t *pcs, size_t n)
{
    for (stack_ix at = from; at != 0;) {
        const struct stack *stack = stack_at(at);
        if (stack->hash == hash && stack->n == n && memcmp(stack->pcs, pcs, n * sizeof *pcs) == 0)
            return at;
        at = stack->next;
    }
    return 0;
}

/* Under the lock. */
static stack_ix add(stack_ix *bucket, uint32_t hash, const uintptr_t *pcs, size_t n)
{
    const stack_ix number = stacks.n;
    if (number == STACKS_MOST)
        return 0;
    struct stack **piece = stacks.piece[number / PIECE];
    if (!piece) {
        piece = arena_take(PIECE * sizeof *piece);
        if (!piece)
            return 0;
        __atomic_store_n(&stacks.piece[number / PIECE], piece, __ATOMIC_RELEASE);
    }
    struct stack *stack = arena_take(sizeof *stack + n * sizeof *pcs);
    if (!stack)
        return 0;
    *stack = (struct stack){.next = *bucket, .hash = hash, .n = n};
    memcpy(stack->pcs, pcs, n * sizeof *pcs);
    __atomic_store_n(&piece[number % PIECE], stack, __ATOMIC_RELEASE);
    __atomic_store_n(bucket, number, __ATOMIC_RELEASE);
    __atomic_store_n(&stacks.n, number + 1, __ATOMIC_RELEASE);
    return number;
}

stack_ix stack_intern(const uintptr_t *pcs, size_t n)
{
    const uint32_t hash = hash_of(pcs, n);
    stack_ix *bucket = &stacks.bucket[hash % BUCKETS];
    const stack_ix first = __atomic_load_n(bucket, __ATOMIC_ACQUIRE);
    stack_ix found = find(first, hash, pcs, n);
    if (found)
        return found;
    lock_take(&stacks.lock);
    found = find(*bucket, hash, pcs, n); /* another thread may have added it */
    if (!found)
        found = add(bucket, hash, pcs, n);
    lock_drop(&stacks.lock);
    return found;
}

const uintptr_t *stack_pcs(stack_ix number, size_t *n)
{
    const struct stack *stack = number < STACKS_MOST ? stack_at(number) : NULL;
    *n = stack ? stack->n : 0;
    return *n ? stack->pcs : NULL;
}

stack_ix stacks_number(void)
{
    return __atomic_load_n(&stacks.n, __ATOMIC_ACQUIRE);
}

void stack_count(stack_ix number, size_t size)
{
    struct tally *made = &stack_at(number)->made;
    if (__libc_single_threaded) { /* nobody adds at the same time */
        made->objects++;
        made->bytes += size;
    } else {
        __atomic_fetch_add(&made->objects, 1, __ATOMIC_RELAXED);
        __atomic_fetch_add(&made->bytes, size, __ATOMIC_RELAXED);
    }
}

struct tally stack_made(stack_ix number)
{
    const struct stack *stack = stack_at(number);
    return (struct tally){
        .objects = __atomic_load_n(&stack->made.objects, __ATOMIC_RELAXED),
        .bytes = __atomic_load_n(&stack->made.bytes, __ATOMIC_RELAXED),
    };
}

/* Under the lock of the mappings. */
void stack_count_mapped(stack_ix number, size_t size)
{
    struct tally *mapped = &stack_at(number)->mapped;
    mapped->objects++;
    mapped->bytes += size;
}

struct tally stack_mapped(stack_ix number)
{
    return stack_at(number)->mapped;
}

/* Nobody counts meanwhile. */
void stacks_forget_made(void)
{
    for (stack_ix i = 0; i < stacks_number(); i++) {
        struct stack *stack = stack_at(i);
        if (stack)
            stack->made = stack->mapped = (struct tally){0};
    }
}

/* ---- the program's stack
 *
 * A thread keeps how it found its last stacks: most calls come again from the same place. Those of
 * one place in the code and on the stack share a set, for they may have come by several ways. */

enum { SETS = 64, WAYS = 4 };

struct known {
    struct trail trail;
    stack_ix stack;
};

struct trails {
    struct trails *next; /* of a thread that has ended */
    uint8_t oldest[SETS];
    struct known of[SETS][WAYS];
};

static struct trails *unused_trails; /* the lock */
static __thread struct {
    struct trails *trails;
    bool is_busy; /* or its thread is past its end: no trails */
} own;

/* NULL: no memory. */
static struct trails *trails_take(void)
{
    lock_take(&stacks.lock);
    struct trails *trails = unused_trails;
    if (trails)
        unused_trails = trails->next;
    lock_drop(&stacks.lock);
    return trails ? trails : arena_take(sizeof *trails);
}

void stacks_thread_ends(void)
{
    struct trails *trails = own.trails;
    own.is_busy = true;
    own.trails = NULL;
    if (!trails)
        return;
    for (size_t i = 0; i < SETS; i++) /* the next one's stack is another one */
        for (size_t way = 0; way < WAYS; way++)
            trails->of[i][way].trail.n = 0;
    lock_take(&stacks.lock);
    trails->next = unused_trails;
    unused_trails = trails;
    lock_drop(&stacks.lock);
}

stack_ix stack_of(const struct caller *caller)
{
    uintptr_t pcs[STACK_DEEPEST];
    return stack_intern(pcs, unwind_caller(pcs, STACK_DEEPEST, caller));
}

static stack_ix walk_or_know(struct trails *trails, const struct caller *caller)
{
    const size_t i = (caller->pc >> 2 ^ caller->pc >> 11 ^ caller->sp >> 4) % SETS;
    for (size_t way = 0; way < WAYS; way++)
        if (unwind_is_same(&trails->of[i][way].trail, caller))
            return trails->of[i][way].stack;
    struct known *known = &trails->of[i][trails->oldest[i]];
    trails->oldest[i] = (uint8_t)((trails->oldest[i] + 1) % WAYS);
    uintptr_t pcs[STACK_DEEPEST];
    known->stack = stack_intern(pcs, unwind_with_trail(pcs, STACK_DEEPEST, caller, &known->trail));
    if (known->stack == 0) /* no memory: the next time there may be some */
        known->trail.n = 0;
    return known->stack;
}

stack_ix stack_of_call(void)
{
    if (own.is_busy) /* a signal handler, in the middle of it */
        return stack_of(&hooks_caller);
    own.is_busy = true;
    if (!own.trails)
        own.trails = trails_take();
    const stack_ix stack =
        own.trails ? walk_or_know(own.trails, &hooks_caller) : stack_of(&hooks_caller);
    own.is_busy = false;
    return stack;
}

bool stacks_are_busy(void)
{
    return own.is_busy;
}

bool stacks_try_lock(void)
{
    return lock_try(&stacks.lock);
}

void stacks_lock(void)
{
    lock_take(&stacks.lock);
}

void stacks_unlock(void)
{
    lock_drop(&stacks.lock);
}
