/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What threads share: for each class a list of spans that have blocks to give, and before it the
 * transfer, where whole batches wait for the next thread without being taken apart. A span is cut
 * into blocks as they are asked for, so that memory nobody used stays untouched. A span whose
 * blocks are all back goes to the page heap.
 *
 * Blocks that come back to their span are looked at closely: here double and invalid frees show
 * that the fast path could not see. */
#include "alloc/internal.h"

enum {
    SLOTS = 64,
    FIRST_SLOTS = 16,
    TRANSFER_BYTES = 1 << 20, /* the most that waits in one class */
};

struct central {
    struct lock lock;  /* guards all below, and freed, fresh and live of the class's spans */
    uint32_t used;     /* batches that wait */
    uint32_t unneeded; /* the least of them since the last tick */
    uint32_t slots;    /* how many may wait; grows */
    size_t in_spans;   /* blocks there */
    size_t span_count;
    struct span *spans; /* with blocks to give */
    void *slot[SLOTS];  /* chains of exactly one batch */
} __attribute__((aligned(64)));

static struct central central[CLASSES];

static uint32_t most_slots(uint32_t c)
{
    const size_t bytes = (size_t)classes.facts[c].size * classes.facts[c].batch;
    const size_t n = TRANSFER_BYTES / bytes;
    return n > SLOTS ? SLOTS : n < 2 ? 2 : (uint32_t)n;
}

static void list_insert(struct central *list, struct span *span)
{
    span->is_listed = true;
    span->prev = NULL;
    span->next = list->spans;
    if (list->spans)
        list->spans->prev = span;
    list->spans = span;
}

static void list_remove(struct central *list, struct span *span)
{
    span->is_listed = false;
    if (span->next)
        span->next->prev = span->prev;
    if (span->prev)
        span->prev->next = span->next;
    else
        list->spans = span->next;
}

/* Puts at most n blocks of the span before *chain. */
static uint32_t span_take(struct span *span, uint32_t c, uint32_t n, void **chain)
{
    const struct class_facts *f = &classes.facts[c];
    uint32_t got = 0;
    while (got < n && span->freed) {
        void **block = span->freed;
        span->freed = *block;
        *block = *chain;
        *chain = block;
        got++;
    }
    uint32_t fresh = f->capacity - span->fresh;
    fresh = fresh < n - got ? fresh : n - got;
    /* From the last to the first, so that the thread gets them in the order of addresses. */
    char *block = (char *)span_start(span) + (size_t)(span->fresh + fresh) * f->size;
    for (uint32_t i = 0; i < fresh; i++) {
        block -= f->size;
        *(void **)block = *chain;
        *chain = block;
    }
    /* Looked at by alloc_find without the lock. */
    __atomic_store_n(&span->fresh, span->fresh + fresh, __ATOMIC_RELAXED);
    span->live += got + fresh;
    return got + fresh;
}

/* A new span for the class, in its list; the lock is dropped and taken again. */
static bool populate(struct central *list, uint32_t c)
{
    lock_drop(&list->lock);
    struct span *span = pageheap_take_small(classes.facts[c].pages, c);
    lock_take(&list->lock);
    if (!span)
        return false;
    list_insert(list, span);
    list->in_spans += classes.facts[c].capacity;
    list->span_count++;
    return true;
}

/* Under the lock, but looked at without it. */
static void set_used(struct central *list, uint32_t used)
{
    __atomic_store_n(&list->used, used, __ATOMIC_RELAXED);
}

/* A batch that waits; there is one. */
static void *slot_take(struct central *list)
{
    set_used(list, list->used - 1);
    void *chain = list->slot[list->used];
    if (list->used < list->unneeded)
        list->unneeded = list->used;
    return chain;
}

/* One block back to its span; a span that is whole again is put before *whole, or stays in the
 * list if there is no such chain. */
static void block_give(struct central *list, uint32_t c, void *block, struct span **whole)
{
    struct span *span = pagemap_span((uintptr_t)block >> PAGE_SHIFT);
    if (!span || span->state != SPAN_SMALL || span->class_ix != c)
        misuse_double_free(block); /* its span is whole and gone */
    const size_t offset = (size_t)((char *)block - (char *)span_start(span));
    const uint32_t slot = class_slot(c, offset);
    if ((size_t)slot * classes.facts[c].size != offset || slot >= span->fresh)
        misuse_invalid_free(block);
    if (span->live == 0 || block == span->freed)
        misuse_double_free(block);
    *(void **)block = span->freed;
    span->freed = block;
    span->live--;
    list->in_spans++;
    if (span->live > 0 || !whole) {
        if (!span->is_listed)
            list_insert(list, span);
        return;
    }
    if (span->is_listed)
        list_remove(list, span);
    list->in_spans -= classes.facts[c].capacity;
    list->span_count--;
    span->next = *whole;
    *whole = span;
}

/* The same for a chain of n blocks. */
static void chain_give(struct central *list, uint32_t c, void *chain, uint32_t n,
                       struct span **whole)
{
    for (uint32_t i = 0; i < n; i++) {
        void *block = chain;
        chain = *(void **)block;
        block_give(list, c, block, whole);
    }
}

uint32_t central_take(uint32_t c, uint32_t n, void **chain)
{
    struct central *list = &central[c];
    lock_take(&list->lock);
    if (list->used > 0 && n == classes.facts[c].batch) {
        *chain = slot_take(list);
        lock_drop(&list->lock);
        return n;
    }
    *chain = NULL;
    uint32_t got = 0;
    while (got < n) {
        struct span *span = list->spans;
        if (!span) {
            /* What there is will do, rather than a new span; even a batch that waits. */
            if (got > 0 || (list->used == 0 && !populate(list, c)))
                break;
            /* Spans that become whole by this stay: we take at once, and what is left is less than
             * a batch. */
            if (!list->spans)
                chain_give(list, c, slot_take(list), classes.facts[c].batch, NULL);
            continue;
        }
        got += span_take(span, c, n - got, chain);
        if (span->live == classes.facts[c].capacity)
            list_remove(list, span);
    }
    list->in_spans -= got;
    lock_drop(&list->lock);
    return got;
}

static void give_whole(struct span *whole)
{
    while (whole) {
        struct span *next = whole->next;
        pageheap_give(whole);
        whole = next;
    }
}

void central_give(uint32_t c, void *chain, uint32_t n)
{
    struct central *list = &central[c];
    struct span *whole = NULL;
    lock_take(&list->lock);
    if (n == classes.facts[c].batch) {
        if (list->slots == 0)
            list->slots = most_slots(c) < FIRST_SLOTS ? most_slots(c) : FIRST_SLOTS;
        if (list->used == list->slots && list->slots < most_slots(c))
            list->slots++;
        if (list->used < list->slots) {
            list->slot[list->used] = chain;
            set_used(list, list->used + 1);
            lock_drop(&list->lock);
            return;
        }
    }
    chain_give(list, c, chain, n, &whole);
    lock_drop(&list->lock);
    give_whole(whole);
}

void central_tick(bool all)
{
    for (uint32_t c = 1; c < CLASSES; c++) {
        struct central *list = &central[c];
        if (__atomic_load_n(&list->used, __ATOMIC_RELAXED) == 0)
            continue;
        struct span *whole = NULL;
        lock_take(&list->lock);
        uint32_t n = all ? list->used : list->unneeded;
        for (; n > 0; n--)
            chain_give(list, c, slot_take(list), classes.facts[c].batch, &whole);
        list->unneeded = list->used;
        lock_drop(&list->lock);
        give_whole(whole);
    }
}

bool central_each_lock(lock_step *step)
{
    for (uint32_t c = 1; c < CLASSES; c++)
        if (!step(&central[c].lock))
            return false;
    return true;
}

struct central_stats central_stats(uint32_t c)
{
    struct central *list = &central[c];
    lock_take(&list->lock);
    const size_t size = classes.facts[c].size;
    const struct central_stats stats = {
        .in_spans = list->in_spans * size,
        .in_transfer = (size_t)list->used * classes.facts[c].batch * size,
        .spans = list->span_count,
    };
    lock_drop(&list->lock);
    return stats;
}

void central_check(void)
{
    for (uint32_t c = 1; c < CLASSES; c++) {
        struct central *list = &central[c];
        const struct class_facts *f = &classes.facts[c];
        lock_take(&list->lock);
        size_t blocks = 0;
        for (const struct span *s = list->spans; s; s = s->next) {
            ALLOC_CHECK(s->state == SPAN_SMALL && s->class_ix == c && s->is_listed);
            ALLOC_CHECK(s->pages == f->pages && s->live < f->capacity);
            ALLOC_CHECK(!s->next || s->next->prev == s);
            uint32_t free = f->capacity - s->fresh;
            for (void **block = s->freed; block; block = *block) {
                ALLOC_CHECK(pagemap_span((uintptr_t)block >> PAGE_SHIFT) == s);
                ALLOC_CHECK(++free <= f->capacity);
            }
            ALLOC_CHECK(free + s->live == f->capacity);
            blocks += free;
        }
        ALLOC_CHECK(blocks == list->in_spans);
        ALLOC_CHECK(list->used <= SLOTS && list->unneeded <= list->used);
        for (uint32_t i = 0; i < list->used; i++) {
            uint32_t n = 0;
            for (void **block = list->slot[i]; block; block = *block) {
                ALLOC_CHECK(pagemap_class((uintptr_t)block >> PAGE_SHIFT) == c);
                ALLOC_CHECK(++n <= f->batch);
            }
            ALLOC_CHECK(n == f->batch);
        }
        lock_drop(&list->lock);
    }
}
