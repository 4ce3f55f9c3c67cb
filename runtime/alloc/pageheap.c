/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Runs of free pages. A free span is resident (there is memory behind its addresses) or returned
 * (the system has it, it reads as zeroes; memory fresh from the system is that too). Neighbours
 * of one kind are always one span. The best fit is taken (freespans.c), resident ones first.
 *
 * What nobody needed for a while goes back to the system by pageheap_tick: of the pages that were
 * free all the time since the last tick, a part. A block that is freed and taken again and again
 * is not free all the time, so it is left alone whatever its size. */
#include "alloc/internal.h"

#include <string.h>

#include "alloc/freespans.h"
#include "base/arena.h"
#include "base/pages.h"

enum {
    GROW_LEAST = 128, /* pages: 1 MiB */
    GROW_MOST = 4096, /* addresses cost nothing, but a limit on them may be set */
    SPANS_AT_ONCE = 32,
    TICK_PART = 4, /* a tick returns 1/4 of what was idle, at rate 1 */
    TICKS_AHEAD = 8,
    PIECE_LEAST = 16, /* pages; to give back many short spans takes longer than it is worth */
    KINDS = 2,
};

static struct {
    struct lock lock; /* guards all below, the page map, and state and extent of all spans */
    struct freespans kind[KINDS]; /* [0] resident, [1] returned */
    struct span *unused;
    struct span *block; /* spans of the arena that were never used */
    size_t block_left;
    size_t idle_pages;  /* the least that was resident since the last tick */
    size_t taken_pages; /* since then */
    size_t system_pages;
    size_t spans;
    size_t credit;                /* bytes released beyond what was asked for */
    uintptr_t lowest;             /* page below which to ask for more */
    _Atomic uintptr_t first, end; /* of all pages that were ever asked for; [0, 0): none */
    size_t reserves, commits, releases, scavenges;
    size_t committed_pages, released_pages;
} heap;

static struct freespans *kind_of(const struct span *span)
{
    return &heap.kind[span->state == SPAN_RETURNED];
}

/* ---- span records */

static struct span *span_new(void)
{
    struct span *span = heap.unused;
    if (span) {
        heap.unused = span->next;
        memset(span, 0, sizeof *span);
        return span;
    }
    if (heap.block_left == 0) {
        heap.block = arena_take(SPANS_AT_ONCE * sizeof *span);
        if (!heap.block)
            return NULL;
        heap.block_left = SPANS_AT_ONCE;
    }
    heap.block_left--;
    return heap.block++;
}

static void span_delete(struct span *span)
{
    span->state = SPAN_UNUSED;
    span->pages = 0;
    span->next = heap.unused;
    heap.unused = span;
}

/* ---- free spans */

static void free_insert(struct span *span)
{
    freespans_insert(kind_of(span), span);
}

static void free_remove(struct span *span)
{
    freespans_remove(kind_of(span), span);
}

/* The span's neighbour, if it is free and of the state. */
static struct span *neighbour(uintptr_t page, uint8_t state)
{
    struct span *span = pagemap_span(page);
    return span && span->state == state ? span : NULL;
}

/* Lets a span that is in no list be free in its state: joined with its neighbours. */
static void free_join(struct span *span)
{
    struct span *other = neighbour(span->page - 1, span->state);
    if (other && other->page + other->pages == span->page) {
        free_remove(other);
        span->page = other->page;
        span->pages += other->pages;
        span_delete(other);
    }
    other = neighbour(span->page + span->pages, span->state);
    if (other && other->page == span->page + span->pages) {
        free_remove(other);
        span->pages += other->pages;
        span_delete(other);
    }
    pagemap_set_ends(span);
    free_insert(span);
}

/* Cuts a span that is in no list and longer: it keeps the first pages, the rest is returned. A span
 * record more is needed; without one the span stays as it is. */
static struct span *split(struct span *span, size_t pages)
{
    struct span *rest = span_new();
    if (!rest)
        return NULL;
    rest->page = span->page + pages;
    rest->pages = span->pages - pages;
    span->pages = pages;
    pagemap_set_ends(span);
    return rest;
}

/* The same, and the rest becomes free in the state. False when there is no record. */
static bool cut(struct span *span, size_t pages, uint8_t state)
{
    if (span->pages == pages)
        return true;
    struct span *rest = split(span, pages);
    if (!rest)
        return false;
    rest->state = state;
    const uint8_t kept = span->state;
    span->state = SPAN_UNUSED; /* or they would be joined again */
    free_join(rest);
    span->state = kept;
    return true;
}

/* Gives the memory of a resident span, in no list, back to the system. */
static bool give_back(struct span *span)
{
    if (knobs.never_releases || !pages_release(span_start(span), span->pages << PAGE_SHIFT))
        return false;
    span->state = SPAN_RETURNED;
    heap.releases++;
    heap.released_pages += span->pages;
    return true;
}

/* Whenever resident pages became fewer. */
static void note_least(void)
{
    if (heap.kind[0].pages < heap.idle_pages)
        heap.idle_pages = heap.kind[0].pages;
}

/* Pages that were free in the state are in use now. */
static void note_taken(size_t pages, uint8_t state)
{
    if (state == SPAN_RETURNED) {
        heap.commits++;
        heap.committed_pages += pages;
    }
    heap.taken_pages += pages;
    note_least();
}

static bool is_beyond_limit(size_t pages)
{
    if (knobs.limit_mb == 0)
        return false;
    const size_t limit = knobs.limit_mb << (20 - PAGE_SHIFT);
    const size_t tables = (arena_used() + PAGE_SIZE - 1) >> PAGE_SHIFT;
    return heap.system_pages - heap.kind[1].pages + tables + pages > limit;
}

static bool grow(size_t pages)
{
    size_t n = heap.system_pages / 8;
    n = n < GROW_LEAST ? GROW_LEAST : n > GROW_MOST ? GROW_MOST : n;
    n = n < pages ? pages : n;
    struct span *span = span_new();
    if (!span)
        return false;
    /* Best right below what we have, so that free spans join across. */
    void *wish = heap.lowest > n ? (void *)((heap.lowest - n) << PAGE_SHIFT) : NULL;
    char *p = pages_map(wish, n << PAGE_SHIFT, PAGE_SIZE);
    if (!p && n > pages) {
        n = pages;
        p = pages_map(NULL, n << PAGE_SHIFT, PAGE_SIZE);
    }
    if (!p || !pagemap_cover((uintptr_t)p >> PAGE_SHIFT, n)) {
        if (p)
            pages_unmap(p, n << PAGE_SHIFT);
        span_delete(span);
        return false;
    }
    span->page = (uintptr_t)p >> PAGE_SHIFT;
    span->pages = n;
    span->state = SPAN_RETURNED;
    heap.lowest = span->page;
    if (heap.end == 0 || span->page < heap.first)
        heap.first = span->page;
    if (span->page + n > heap.end)
        heap.end = span->page + n;
    heap.system_pages += n;
    heap.reserves++;
    own.grown += n << PAGE_SHIFT;
    free_join(span);
    return true;
}

/* A free span with at least so many pages, still in its list. */
static struct span *fit(size_t pages)
{
    struct span *span = freespans_fit(&heap.kind[0], pages);
    if (span)
        return span;
    span = freespans_fit(&heap.kind[1], pages);
    if (span && !is_beyond_limit(pages))
        return span;
    if (is_beyond_limit(pages)) {
        /* Make room by giving back all that is free: it may also join to what fits. */
        heap.scavenges++;
        struct span *s;
        while ((s = freespans_longest(&heap.kind[0])) != NULL) {
            free_remove(s);
            if (!give_back(s)) {
                free_join(s);
                return NULL;
            }
            free_join(s);
        }
        heap.idle_pages = 0;
        if (is_beyond_limit(pages))
            return NULL;
        span = freespans_fit(&heap.kind[1], pages);
    }
    if (!span && grow(pages))
        span = freespans_fit(&heap.kind[1], pages);
    return span;
}

static struct span *take(size_t pages)
{
    struct span *span = fit(pages);
    if (!span)
        return NULL;
    const uint8_t state = span->state;
    free_remove(span);
    if (!cut(span, pages, state)) {
        free_insert(span);
        return NULL;
    }
    note_taken(pages, state);
    span->state = SPAN_LARGE;
    span->is_zero = state == SPAN_RETURNED;
    span->word = 0;
    span->sample = 0;
    heap.spans++;
    return span;
}

static void give(struct span *span)
{
    heap.spans--;
    span->state = SPAN_RESIDENT;
    if (knobs.is_aggressive)
        give_back(span);
    free_join(span);
}

struct span *pageheap_take(size_t pages)
{
    lock_take(&heap.lock);
    struct span *span = take(pages);
    if (span)
        pagemap_set_ends(span);
    lock_drop(&heap.lock);
    return span;
}

struct span *pageheap_take_small(size_t pages, uint32_t class_ix)
{
    lock_take(&heap.lock);
    struct span *span = take(pages);
    if (span) {
        span->freed = NULL;
        span->fresh = 0;
        span->live = 0;
        span->is_listed = false;
        span->class_ix = (uint8_t)class_ix;
        span->state = SPAN_SMALL;
        pagemap_set_ends(span);
    }
    lock_drop(&heap.lock);
    if (span) /* the pages are the caller's alone now */
        pagemap_set_all(span, class_ix);
    return span;
}

struct span *pageheap_take_aligned(size_t pages, size_t align)
{
    const size_t step = align >> PAGE_SHIFT;
    if (step <= 1)
        return pageheap_take(pages);
    if (pages + step < pages)
        return NULL;
    lock_take(&heap.lock);
    struct span *span = take(pages + step - 1);
    struct span *front = NULL;
    if (span) {
        const uintptr_t skip = -span->page & (step - 1);
        const uint8_t state = span->is_zero ? SPAN_RETURNED : SPAN_RESIDENT;
        front = skip ? span_new() : NULL;
        if (skip && !front) {
            give(span);
            span = NULL;
        } else {
            if (front) {
                front->page = span->page;
                front->pages = skip;
                front->state = state;
                span->page += skip;
                span->pages -= skip;
                free_join(front);
            }
            /* Without a record for the rest the block is merely longer. */
            cut(span, pages, state);
            pagemap_set_ends(span);
        }
    }
    lock_drop(&heap.lock);
    return span;
}

void pageheap_give(struct span *span)
{
    if (span->state == SPAN_SMALL) {
        pagemap_clear_class(span);
        words_detach(span);
    }
    lock_take(&heap.lock);
    give(span);
    lock_drop(&heap.lock);
}

bool pageheap_resize(struct span *span, size_t pages)
{
    if (pages == span->pages)
        return true;
    lock_take(&heap.lock);
    bool done = false;
    if (pages < span->pages) {
        struct span *rest = split(span, pages);
        done = rest != NULL;
        if (rest) {
            heap.spans++;
            give(rest);
        }
    } else {
        struct span *next = pagemap_span(span->page + span->pages);
        const size_t more = pages - span->pages;
        if (next && (next->state == SPAN_RESIDENT || next->state == SPAN_RETURNED) &&
            next->page == span->page + span->pages && next->pages >= more &&
            !(next->state == SPAN_RETURNED && is_beyond_limit(more))) {
            const uint8_t state = next->state;
            free_remove(next);
            if (cut(next, more, state)) {
                span->pages = pages;
                span_delete(next);
                pagemap_set_ends(span);
                note_taken(more, state);
                done = true;
            } else {
                free_insert(next);
            }
        }
    }
    lock_drop(&heap.lock);
    return done;
}

/* Gives back resident pages, longest spans first, whole ones or just as much as asked for. */
static size_t release(size_t pages, bool whole)
{
    size_t done = 0;
    struct span *span;
    while (done < pages && (span = freespans_longest(&heap.kind[0])) &&
           (whole || span->pages >= PIECE_LEAST)) {
        free_remove(span);
        if (!whole && span->pages > pages - done + GROW_LEAST)
            cut(span, pages - done, SPAN_RESIDENT);
        const size_t n = span->pages;
        const bool is_back = give_back(span);
        free_join(span);
        if (!is_back)
            break;
        done += n;
    }
    note_least();
    return done;
}

size_t pageheap_release(size_t bytes)
{
    lock_take(&heap.lock);
    size_t done = 0;
    if (bytes <= heap.credit && bytes != SIZE_MAX) {
        heap.credit -= bytes;
    } else {
        const size_t want = bytes == SIZE_MAX ? bytes : bytes - heap.credit;
        done = release(want / PAGE_SIZE + (want % PAGE_SIZE != 0), true) << PAGE_SHIFT;
        heap.credit = done > want ? done - want : 0;
    }
    lock_drop(&heap.lock);
    return done;
}

void pageheap_tick(void)
{
    lock_take(&heap.lock);
    const double part = knobs.release_rate / TICK_PART;
    /* What will be taken in the next ticks, if it goes on like this, had better stay. */
    const size_t soon = heap.taken_pages * TICKS_AHEAD;
    if (part > 0 && heap.idle_pages > soon) {
        const size_t idle = heap.idle_pages - soon;
        const size_t n = part >= 1 ? idle : (size_t)((double)idle * part) + 1;
        heap.scavenges++;
        release(n, false);
    }
    heap.idle_pages = heap.kind[0].pages;
    heap.taken_pages = 0;
    lock_drop(&heap.lock);
}

void pageheap_range(uintptr_t *first, uintptr_t *end)
{
    *first = heap.first;
    *end = heap.end;
}

bool pageheap_each_lock(lock_step *step)
{
    return step(&heap.lock);
}

void pageheap_lock(void)
{
    lock_take(&heap.lock);
}

void pageheap_unlock(void)
{
    lock_drop(&heap.lock);
}

struct span *pageheap_span_from(uintptr_t page)
{
    while (page >> LEAF_SHIFT < ROOT_SIZE) {
        if (!pagemap_leaf(page)) {
            page = ((page >> LEAF_SHIFT) + 1) << LEAF_SHIFT;
            continue;
        }
        struct span *span = pagemap_span(page);
        if (span && span->state != SPAN_UNUSED && span->page == page)
            return span;
        page++;
    }
    return NULL;
}

size_t pageheap_copy(uintptr_t page, struct span *out, size_t n)
{
    size_t got = 0;
    lock_take(&heap.lock);
    for (const struct span *span; got < n && (span = pageheap_span_from(page)); got++) {
        out[got] = (struct span){
            .page = span->page,
            .pages = span->pages,
            .class_ix = span->class_ix,
            .state = span->state,
        };
        page = span->page + span->pages;
    }
    lock_drop(&heap.lock);
    return got;
}

void pageheap_stats(struct pageheap_stats *out)
{
    lock_take(&heap.lock);
    *out = (struct pageheap_stats){
        .system = heap.system_pages << PAGE_SHIFT,
        .resident = heap.kind[0].pages << PAGE_SHIFT,
        .returned = heap.kind[1].pages << PAGE_SHIFT,
        .spans = heap.spans,
        .reserves = heap.reserves,
        .commits = heap.commits,
        .releases = heap.releases,
        .scavenges = heap.scavenges,
        .committed_total = heap.committed_pages << PAGE_SHIFT,
        .released_total = heap.released_pages << PAGE_SHIFT,
    };
    out->long_resident_pages = freespans_count(&heap.kind[0], out->bin_resident);
    out->long_returned_pages = freespans_count(&heap.kind[1], out->bin_returned);
    lock_drop(&heap.lock);
}

/* ---- check */

static void check_free(const struct span *span)
{
    ALLOC_CHECK(pagemap_span(span->page) == span);
    ALLOC_CHECK(pagemap_span(span->page + span->pages - 1) == span);
    const struct span *after = pagemap_span(span->page + span->pages);
    ALLOC_CHECK(!after || after->state != span->state || after->page != span->page + span->pages);
    ALLOC_CHECK(pagemap_class(span->page) == 0);
}

struct tally {
    size_t pages[KINDS], used, spans;
};

static void check_span(struct tally *tally, const struct span *span)
{
    if (span->state == SPAN_RESIDENT || span->state == SPAN_RETURNED) {
        check_free(span);
        tally->pages[span->state == SPAN_RETURNED] += span->pages;
    } else {
        tally->used += span->pages;
        tally->spans++;
        ALLOC_CHECK(pagemap_span(span->page + span->pages - 1) == span);
        ALLOC_CHECK(pagemap_class(span->page) == (span->state == SPAN_SMALL ? span->class_ix : 0));
        words_check(span);
    }
}

void pageheap_check(void)
{
    struct tally tally = {0};
    lock_take(&heap.lock);
    for (const struct span *s = pageheap_span_from(0); s;
         s = pageheap_span_from(s->page + s->pages))
        check_span(&tally, s);
    for (size_t k = 0; k < KINDS; k++) {
        freespans_check(&heap.kind[k], k ? SPAN_RETURNED : SPAN_RESIDENT);
        ALLOC_CHECK(heap.kind[k].pages == tally.pages[k]);
    }
    ALLOC_CHECK(heap.idle_pages <= heap.kind[0].pages);
    ALLOC_CHECK(tally.used + heap.kind[0].pages + heap.kind[1].pages == heap.system_pages);
    ALLOC_CHECK(tally.spans == heap.spans);
    lock_drop(&heap.lock);
}
