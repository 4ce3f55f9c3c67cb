/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The form of a block. The seal in its head is made of everything else in the head, and of where it
 * is, so that one comparison tells whether it may be trusted. */
#include "alloc/debug/debug.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "base/env.h"
#include "base/knob.h"
#include "base/message.h"
#include "base/pages.h"
#include "hooks/hooks.h"

enum { MOST_WAITING = 10 << 20 };

struct debug_knobs debug_knobs = {.reclaims = true, .names = true, .most_waiting = MOST_WAITING};
struct lock debug_lock;

struct head {
    unsigned char *start;
    size_t size;
    uint8_t kind;      /* enum kind */
    uint8_t align_log; /* of what the program asked for, at least DEBUG_ALIGN */
    bool is_fenced;
    uint8_t unused[5];
    uint64_t seal; /* next to the program's bytes: who writes before them meets it first */
};
_Static_assert(sizeof(struct head) == HEAD_SIZE, "the head as the drawing has it");

struct tail { /* copied, for it may be anywhere */
    uint64_t seal;
    size_t size;
};
_Static_assert(sizeof(struct tail) == TAIL_SIZE, "the tail as the drawing has it");

static const struct {
    const char *taken, *given;
} calls[] = {
    [KIND_MALLOC] = {"malloc", "free"},
    [KIND_NEW] = {"new", "delete"},
    [KIND_NEW_ARRAY] = {"new []", "delete []"},
};

void entries_start(void)
{
    struct debug_knobs *k = &debug_knobs;
    k->reclaims = env_bool("TCMALLOC_RECLAIM_MEMORY", k->reclaims);
    k->names = env_bool("TCMALLOC_SYMBOLIZE_STACKTRACE", k->names);
    const int64_t most = env_int("TCMALLOC_MAX_FREE_QUEUE_SIZE", MOST_WAITING);
    k->most_waiting = most < 0 ? 0 : (size_t)most;
    /* Whoever starts a program with rights of its own shall neither make it write a file nor make
     * it fail on purpose. */
    if (env_is_untrusted())
        return;
    k->fences = env_bool("TCMALLOC_PAGE_FENCE", false);
    k->never_reclaims = env_bool("TCMALLOC_PAGE_FENCE_NEVER_RECLAIM", false);
    k->may_read_fences = env_bool("TCMALLOC_PAGE_FENCE_READABLE", false);
    k->traces = env_bool("TCMALLOC_TRACE", false);
}

static const struct knob rows[] = {
    {"TCMALLOC_MAX_FREE_QUEUE_SIZE", "10485760", "bytes of blocks that were given back are kept"},
    {"TCMALLOC_RECLAIM_MEMORY", "1", "0: what was given back is never used again"},
    {"TCMALLOC_PAGE_FENCE", "0", "a page behind each block that may not be touched"},
    {"TCMALLOC_PAGE_FENCE_READABLE", "0", "it may be read"},
    {"TCMALLOC_PAGE_FENCE_NEVER_RECLAIM", "0", "its addresses are never used again"},
    {"TCMALLOC_SYMBOLIZE_STACKTRACE", "1", "0: addresses without names in messages"},
    {"TCMALLOC_TRACE", "0", "a line for each call"},
    {"TCMALLOC_TRACE_FILE", "", "where these go; /tmp/google.alloc if not set"},
};

static __attribute__((constructor)) void show(void)
{
    knobs_show("the debugging allocator", rows, sizeof rows / sizeof *rows);
}

void entries_lock(void)
{
    lock_take(&debug_lock);
}

void entries_unlock(void)
{
    lock_drop(&debug_lock);
}

/* ---- form */

static struct head *head_of(const void *p)
{
    return (struct head *)((uintptr_t)p - HEAD_SIZE);
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    a = (a ^ b) * 0x9e3779b97f4a7c15u;
    return a ^ a >> 29;
}

/* The bytes that stand next to the program's are never such as a program would write there: zero
 * above all, the end of a string. */
enum { GUARD = 0xa5 };

static uint64_t seal_of(const struct head *head)
{
    const uint64_t rest =
        head->kind | (uint64_t)head->align_log << 8 | (uint64_t)head->is_fenced << 16;
    const uint64_t all =
        mix(mix(mix(mix(0, (uintptr_t)head), head->size), (uintptr_t)head->start), rest);
    return all >> 8 | (uint64_t)GUARD << 56;
}

static uint64_t tail_seal(const struct head *head)
{
    return head->seal << 8 | GUARD;
}

static size_t align_of(const struct head *head)
{
    return (size_t)1 << head->align_log;
}

/* Bytes before the program's. */
static size_t lead(size_t align)
{
    return align > HEAD_SIZE ? align : HEAD_SIZE;
}

static size_t total_of(const struct head *head)
{
    const size_t align = align_of(head);
    if (!head->is_fenced)
        return lead(align) + head->size + TAIL_SIZE;
    return pages_for(HEAD_SIZE + head->size + align + SYSTEM_PAGE) << PAGE_SHIFT;
}

void entries_trim(struct alloc_block *block)
{
    const struct head *head = *(struct head **)block->start;
    const size_t before = (uintptr_t)(head + 1) - block->start;
    if (before > block->room || head->size > block->room - before) /* the program wrote over it */
        return;
    block->start += before;
    block->room = head->size;
}

/* ---- taking */

static unsigned char *place_fenced(struct head *head)
{
    const size_t total = total_of(head), align = align_of(head);
    bool is_zero;
    head->start = alloc_take_large(total, 1, &is_zero);
    if (!head->start)
        return NULL;
    unsigned char *fence = head->start + total - SYSTEM_PAGE;
    /* It may have been another one, that nobody was to touch. */
    if (mprotect(head->start, total - SYSTEM_PAGE, PROT_READ | PROT_WRITE) != 0 ||
        mprotect(fence, SYSTEM_PAGE, debug_knobs.may_read_fences ? PROT_READ : PROT_NONE) != 0) {
        alloc_give(head->start);
        return NULL;
    }
    return (unsigned char *)(((uintptr_t)fence - head->size) & ~(uintptr_t)(align - 1));
}

static unsigned char *place_plain(struct head *head)
{
    const size_t total = total_of(head), align = align_of(head);
    head->start = sampled_take(total, head->size, align > DEBUG_ALIGN ? align : 1);
    if (!head->start)
        return NULL;
    unsigned char *user = head->start + lead(align);
    memset(head->start, BYTE_NEW, (size_t)(user - head->start));
    return user;
}

void *debug_take(size_t size, size_t align, enum kind kind, struct caller caller)
{
    hooks_caller = caller;
    alloc_ensure_started();
    if (align < DEBUG_ALIGN)
        align = DEBUG_ALIGN;
    /* So large that no sum of them runs over. */
    if (size > PTRDIFF_MAX / 4 || align > PTRDIFF_MAX / 4)
        return NULL;
    struct head head = {.size = size,
                        .kind = (uint8_t)kind,
                        .align_log = (uint8_t)__builtin_ctzl(align),
                        .is_fenced = debug_knobs.fences};
    unsigned char *user = head.is_fenced ? place_fenced(&head) : place_plain(&head);
    if (!user)
        return NULL;
    memset(user, BYTE_NEW, size);
    *(struct head **)head.start = head_of(user);
    *head_of(user) = head;
    head_of(user)->seal = seal_of(head_of(user));
    if (!head.is_fenced) {
        const struct tail tail = {tail_seal(head_of(user)), size};
        memcpy(user + size, &tail, sizeof tail);
    }
    lock_take(&debug_lock);
    const bool is_noted = map_put(user, (struct place){PLACE_LIVE, kind});
    lock_drop(&debug_lock);
    if (!is_noted) {
        alloc_give(head.start);
        return NULL;
    }
    tracked_note(head.start, size);
    return user;
}

/* ---- looking */

static bool is_filled(const void *from, size_t n)
{
    const unsigned char *p = from;
    while (n > 0 && *p == BYTE_FREED)
        p++, n--;
    return n == 0;
}

enum fault debug_fault(const void *p, enum kind kind)
{
    const struct head *head = head_of(p);
    if (head->seal != seal_of(head))
        return is_filled(head, sizeof *head) ? FAULT_FREED : FAULT_BEFORE;
    if (head->kind != kind)
        return FAULT_MEMORY_MAP;
    if (head->is_fenced)
        return FAULT_NONE;
    struct tail tail;
    memcpy(&tail, (const char *)p + head->size, sizeof tail);
    return tail.size == head->size && tail.seal == tail_seal(head) ? FAULT_NONE : FAULT_AFTER;
}

size_t debug_size_of(const void *p)
{
    return head_of(p)->size;
}

void debug_report(const void *p, enum fault fault)
{
    static const char *const says[] = {
        [FAULT_NONE] = "",
        [FAULT_BEFORE] = "a word before object at %p has been corrupted",
        [FAULT_FREED] =
            ("a word before object at %p has been corrupted; or else the object has been "
             "already deallocated and our memory map has been corrupted"),
        [FAULT_AFTER] = "a word after object at %p has been corrupted",
        [FAULT_MEMORY_MAP] = "our memory map entry of object at %p has been corrupted",
    };
    char text[200];
    (void)text_print(text, sizeof text, "memory stomping bug: %s", says[fault]);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    message_say(MESSAGE_FATAL, text, p);
#pragma GCC diagnostic pop
    __builtin_unreachable();
}

_Noreturn COLD static void report_place(const void *p, struct place place, bool is_cleared)
{
    if (place.state == PLACE_UNKNOWN)
        message_say(MESSAGE_FATAL, "memory allocation bug: object at %p has never been allocated",
                    p);
    if (is_cleared)
        message_say(MESSAGE_FATAL,
                    "memory allocation bug: object at %p has been already deallocated; or else a "
                    "word before the object has been corrupted (memory stomping bug)",
                    p);
    message_say(MESSAGE_FATAL,
                "memory allocation bug: object at %p has been already deallocated (it was "
                "allocated with %s)",
                p, calls[place.kind].taken);
    __builtin_unreachable();
}

/* Ends the program when there is no whole block at p. Leaves the lock taken. */
static enum kind find(const void *p)
{
    lock_take(&debug_lock);
    const struct place place = map_find(p);
    if (place.state != PLACE_LIVE) {
        /* A block that waits is still there to be read. */
        const bool is_cleared =
            place.state == PLACE_WAITING && is_filled(head_of(p), sizeof(struct head));
        lock_drop(&debug_lock);
        report_place(p, place, is_cleared);
    }
    const enum fault fault = debug_fault(p, place.kind);
    if (fault != FAULT_NONE) {
        lock_drop(&debug_lock);
        debug_report(p, fault);
    }
    return place.kind;
}

size_t debug_size(const void *p)
{
    (void)find(p);
    const size_t size = debug_size_of(p);
    lock_drop(&debug_lock);
    return size;
}

/* The lock stays taken. */
static size_t examine(const void *p, enum kind kind, size_t said)
{
    const enum kind taken = find(p);
    const size_t size = debug_size_of(p);
    if (taken == kind && (said == 0 || said == size))
        return size;
    lock_drop(&debug_lock);
    if (taken != kind)
        message_say(MESSAGE_FATAL,
                    "memory allocation/deallocation mismatch at %p: allocated with %s being "
                    "deallocated with %s",
                    p, calls[taken].taken, calls[kind].given);
    message_say(MESSAGE_FATAL,
                "Check failed: %zu, the size of the object at %p, is not %zu: right size must be "
                "passed to sized delete",
                size, p, said);
    __builtin_unreachable();
}

size_t debug_examine(const void *p, enum kind kind, size_t said)
{
    const size_t size = examine(p, kind, said);
    lock_drop(&debug_lock);
    return size;
}

/* ---- giving */

size_t debug_claim(void *p, enum kind kind, size_t said)
{
    const size_t size = examine(p, kind, said);
    (void)map_put(p, (struct place){PLACE_WAITING, kind});
    lock_drop(&debug_lock);
    return size;
}

static void retire_fenced(void *p, unsigned char *start, size_t total)
{
    /* Before the addresses can be somebody else's. */
    lock_take(&debug_lock);
    (void)map_put(p, (struct place){PLACE_GONE, head_of(p)->kind});
    lock_drop(&debug_lock);
    (void)mprotect(start, total, PROT_NONE);
    if (!debug_knobs.never_reclaims)
        alloc_give(start);
}

void debug_retire(void *p, struct caller caller)
{
    const struct head *head = head_of(p);
    struct waiting freed = {.start = head->start, .user = p, .total = total_of(head)};
    tracked_forget(freed.start);
    if (head->is_fenced) {
        retire_fenced(p, freed.start, freed.total);
        return;
    }
    memset(freed.start, BYTE_FREED, freed.total);
    if (!debug_knobs.reclaims)
        return;
    freed.thread = (uintptr_t)pthread_self();
    freed.n_pcs = unwind_caller(freed.pcs, DEEPEST_FREE, &caller);
    queue_push(&freed);
}
