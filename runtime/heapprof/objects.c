/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The words of the allocator's blocks, as heapprof.h draws them: what they are made of, and how
 * they are read. Whoever has a word owns the block, or has frozen the table, so that it is read and
 * written without regard to others; only flags may be changed by several threads at once. */
#include "heapprof/internal.h"

#include <pthread.h>

#include "alloc/alloc.h"
#include "base/lock.h"
#include "unwind/unwind.h"

enum { STACK_SHIFT = 32, FLAGS_SHIFT = 56 };

static struct {
    struct lock lock; /* guards changes of who tracks, and whoever has frozen the table */
    uint8_t trackers; /* enum tracker */
    bool has_fork_handlers;
    _Atomic size_t lost;
} objects;

static __thread uint8_t flags_for_new;

static stack_ix stack_of_word(uint64_t word)
{
    return (stack_ix)(word >> STACK_SHIFT) & (STACKS_MOST - 1);
}

/* ---- what the allocator asks */

static uint64_t make(size_t size)
{
    const uint64_t stack = stack_of_call();
    return stack << STACK_SHIFT | (size < UINT32_MAX ? size : UINT32_MAX);
}

static uint64_t made(uint64_t word, size_t size)
{
    uint8_t flags = flags_for_new;
    if (objects_are_tracked(TRACKER_PROFILE)) {
        flags |= OBJECT_PROFILED;
        heap_profile_made(stack_of_word(word), size);
    }
    word |= (uint64_t)flags << FLAGS_SHIFT;
    return word ? word : 1; /* no bytes by an unknown stack: zero would be no block */
}

/* What a pointer of an earlier owner points to would pass as reachable. */
static size_t clears(void)
{
    enum { CLEARED_MOST = 4096 };
    return objects_are_tracked(TRACKER_CHECK) ? CLEARED_MOST : 0;
}

static void gone(uint64_t word, const void *p)
{
    struct object object;
    if (!(word >> FLAGS_SHIFT & OBJECT_PROFILED))
        return;
    const uint32_t size = (uint32_t)word;
    const bool is_cut = size == UINT32_MAX && objects_find((uintptr_t)p, &object);
    heap_profile_gone(is_cut ? object.size : size);
}

static void lost(void)
{
    objects.lost++;
}

static void thread_ends(void)
{
    heap_profile_thread_ends();
    stacks_thread_ends();
}

static const struct alloc_tracker tracker = {
    .make = make,
    .made = made,
    .clears = clears,
    .gone = gone,
    .lost = lost,
    .after = heap_profile_after,
    .thread_ends = thread_ends,
};

/* ---- who tracks */

/* Registered after the allocator's, so that they run before them and its locks are taken last. */
static void before_fork(void)
{
    heap_profile_lock();
    mappings_lock();
    lock_take(&objects.lock);
    stacks_lock();
}

static void after_fork(void)
{
    stacks_unlock();
    lock_drop(&objects.lock);
    mappings_unlock();
    heap_profile_unlock();
}

static void add_fork_handlers(void)
{
    alloc_ensure_started();
    if (!__atomic_exchange_n(&objects.has_fork_handlers, true, __ATOMIC_ACQ_REL))
        (void)pthread_atfork(before_fork, after_fork, after_fork);
}

static void set_trackers(uint8_t trackers)
{
    const uint8_t before = objects.trackers;
    if (trackers) /* before the first word is made */
        __atomic_store_n(&objects.trackers, trackers, __ATOMIC_RELEASE);
    if (!trackers != !before)
        alloc_track(trackers ? &tracker : NULL);
    __atomic_store_n(&objects.trackers, trackers, __ATOMIC_RELEASE);
}

void objects_track(enum tracker who, bool on)
{
    add_fork_handlers(); /* which allocates */
    unwind_choose();
    lock_take(&objects.lock);
    const uint8_t before = objects.trackers;
    const uint8_t after = (uint8_t)(on ? before | who : before & ~who);
    set_trackers(after);
    if (who == TRACKER_PROFILE && !on && after) {
        alloc_freeze();
        objects_clear_flags(OBJECT_PROFILED);
        alloc_thaw();
    }
    lock_drop(&objects.lock);
}

bool objects_are_tracked(enum tracker who)
{
    return (__atomic_load_n(&objects.trackers, __ATOMIC_ACQUIRE) & who) != 0;
}

void objects_flags_for_new(uint8_t new_flags)
{
    flags_for_new = new_flags;
}

uint8_t objects_flags_now(void)
{
    return flags_for_new;
}

size_t objects_lost(void)
{
    return objects.lost;
}

/* ---- looking */

void objects_freeze(void)
{
    lock_take(&objects.lock);
    stacks_lock();
    alloc_freeze();
}

bool objects_may_wait(void)
{
    return !alloc_is_inside() && !stacks_are_busy();
}

bool objects_try_freeze(void)
{
    if (!lock_try(&objects.lock))
        return false;
    if (stacks_try_lock()) {
        if (alloc_try_freeze())
            return true;
        stacks_unlock();
    }
    lock_drop(&objects.lock);
    return false;
}

void objects_thaw(void)
{
    alloc_thaw();
    stacks_unlock();
    lock_drop(&objects.lock);
}

/* False: it is no object. */
static bool read_block(const struct alloc_block *block, struct object *out)
{
    const uint64_t word = __atomic_load_n(block->word, __ATOMIC_RELAXED);
    const uint32_t size = (uint32_t)word;
    *out = (struct object){
        .start = block->start,
        .size = size < UINT32_MAX ? size : block->room,
        .stack = stack_of_word(word),
        .flags = (uint8_t)(word >> FLAGS_SHIFT),
        .word = block->word,
    };
    return word != 0;
}

bool objects_find(uintptr_t address, struct object *out)
{
    struct alloc_block block;
    return alloc_block_at(address, &block) && read_block(&block, out);
}

void objects_range(uintptr_t *low, uintptr_t *high)
{
    alloc_range(low, high);
}

struct visitor {
    void (*visit)(void *to, const struct object *object);
    void *to;
};

static void visit_block(void *to, const struct alloc_block *block)
{
    const struct visitor *visitor = to;
    struct object object;
    if (read_block(block, &object))
        visitor->visit(visitor->to, &object);
}

void objects_each(void (*visit)(void *to, const struct object *object), void *to)
{
    struct visitor visitor = {visit, to};
    alloc_each_block(visit_block, &visitor);
}

/* A word that became zero in between stays zero. */
static void change_flags(uint64_t *at, uint8_t set, uint8_t clear)
{
    uint64_t word = __atomic_load_n(at, __ATOMIC_RELAXED), changed;
    do {
        if (word == 0)
            return;
        changed = (word & ~((uint64_t)clear << FLAGS_SHIFT)) | (uint64_t)set << FLAGS_SHIFT;
    } while (
        !__atomic_compare_exchange_n(at, &word, changed, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
}

void objects_change_flags(const struct object *object, uint8_t set, uint8_t clear)
{
    change_flags(object->word, set, clear);
}

static void clear_block(void *to, const struct alloc_block *block)
{
    change_flags(block->word, 0, *(const uint8_t *)to);
}

void objects_clear_flags(uint8_t cleared)
{
    alloc_each_block(clear_block, &cleared);
}
