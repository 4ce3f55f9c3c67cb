/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Blocks that the program gave back wait here, filled with one byte, until too many do. When one
 * leaves, and at the end of the process, it is looked through for bytes that were written since. */
#include "alloc/debug/debug.h"

#include "base/message.h"
#include "names/names.h"

enum {
    MOST = 1024,
    PART = 1024, /* a longer block is looked through in parts, and the first bad one is told */
    LONGEST_NAME = 1024,
};

static struct {
    struct waiting entries[MOST]; /* a ring */
    uint32_t first, n;
    size_t bytes;
} queue; /* debug_lock */

/* ---- finding */

/* Where the bytes do not all say that the block is free; n when they do. */
static size_t first_written(const unsigned char *p, size_t n)
{
    size_t i = 0;
    while (i < n && p[i] == BYTE_FREED)
        i++;
    return i;
}

static void say_stack(const struct waiting *freed)
{
    static struct names names; /* the program ends here: nobody comes twice */
    const bool has_names = debug_knobs.names && names_refresh(&names);
    message_say(MESSAGE_ERROR, "Deleted by thread %p", (void *)freed->thread);
    for (uint32_t i = 0; i < freed->n_pcs; i++) {
        char text[LONGEST_NAME] = "";
        struct name name;
        /* They are addresses to return to. */
        if (has_names && names_find(&names, freed->pcs[i] - 1, &name))
            (void)names_readable(&name, text, sizeof text);
        message_say(MESSAGE_ERROR, "    @ %p %s", (void *)freed->pcs[i], text);
    }
}

COLD static void report(const struct waiting *freed, size_t at)
{
    const size_t part = at / PART;
    const unsigned char *p = freed->start + part * PART;
    const size_t rest = freed->total - part * PART, n = rest < PART ? rest : PART;
    message_say(MESSAGE_ERROR,
                "Found a corrupted memory buffer in MallocBlock (may be offset from user ptr): "
                "buffer index: %zd, buffer ptr: %p, size of buffer: %zd",
                part, (const void *)p, n);
    for (size_t i = 0; i < n; i++)
        if (p[i] != BYTE_FREED)
            message_say(MESSAGE_ERROR, "Buffer byte %d is 0x%02x (should be 0x%02x).", (int)i, p[i],
                        (unsigned)BYTE_FREED);
    say_stack(freed);
    message_say(MESSAGE_FATAL,
                "Memory was written to after being freed.  MallocBlock: %p, user ptr: %p, size: "
                "%zd.  If you can't find the source of the error, try using ASan "
                "(http://code.google.com/p/address-sanitizer/), Valgrind, or Purify, or study "
                "the output of the deleter's stack printed above.",
                (void *)freed->start, freed->user, freed->total);
}

static void check(const struct waiting *freed)
{
    const size_t at = first_written(freed->start, freed->total);
    if (at < freed->total)
        report(freed, at);
}

/* ---- waiting */

/* The memory becomes the allocator's again. */
static void release(const struct waiting *freed)
{
    check(freed);
    lock_take(&debug_lock);
    const struct place place = {PLACE_GONE, map_find(freed->user).kind};
    (void)map_put(freed->user, place);
    lock_drop(&debug_lock);
    alloc_give(freed->start);
}

void queue_push(const struct waiting *freed)
{
    lock_take(&debug_lock);
    queue.bytes += freed->total;
    while (queue.n > 0 && (queue.n == MOST || queue.bytes > debug_knobs.most_waiting)) {
        const struct waiting oldest = queue.entries[queue.first];
        queue.first = (queue.first + 1) % MOST;
        queue.n--;
        queue.bytes -= oldest.total;
        lock_drop(&debug_lock);
        release(&oldest);
        lock_take(&debug_lock);
    }
    const bool waits = queue.bytes <= debug_knobs.most_waiting;
    if (waits)
        queue.entries[(queue.first + queue.n++) % MOST] = *freed;
    else
        queue.bytes -= freed->total;
    lock_drop(&debug_lock);
    if (!waits)
        release(freed);
}

size_t queue_bytes(void)
{
    lock_take(&debug_lock);
    const size_t n = queue.bytes;
    lock_drop(&debug_lock);
    return n;
}

size_t entries_waiting(void)
{
    return queue_bytes();
}

/* Threads may go on: what they take out meanwhile, they check. */
__attribute__((destructor)) static void check_all(void)
{
    struct waiting bad = {0};
    size_t at = 0;
    lock_take(&debug_lock);
    for (uint32_t i = 0; i < queue.n && !bad.start; i++) {
        const struct waiting *freed = &queue.entries[(queue.first + i) % MOST];
        at = first_written(freed->start, freed->total);
        if (at < freed->total)
            bad = *freed;
    }
    lock_drop(&debug_lock);
    if (bad.start)
        report(&bad, at);
}
