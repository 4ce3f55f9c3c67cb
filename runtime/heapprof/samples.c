/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Blocks that the allocator samples, and the stacks at which it asked the system for more, as text
 * for whoever asks: MallocExtension. */
#include "heapprof/internal.h"

#include "alloc/alloc.h"
#include "base/arena.h"
#include "base/pages.h"
#include "gperftools/malloc_extension_c.h"
#include "unwind/unwind.h"

#define EXPORTED __attribute__((visibility("default")))

typedef void write_fn(void *arg, const char *text, size_t size);

/* ---- what the allocator tells */

struct growth {
    const struct growth *next; /* the one before */
    stack_ix stack;
    size_t bytes;
};

static const struct growth *last_growth; /* only ever added to */

static void grew(size_t bytes)
{
    struct growth *growth = arena_take(sizeof *growth);
    if (!growth)
        return;
    *growth = (struct growth){
        .next = __atomic_load_n(&last_growth, __ATOMIC_ACQUIRE),
        .stack = stack_of_call(),
        .bytes = bytes,
    };
    while (!__atomic_compare_exchange_n(&last_growth, &growth->next, growth, true, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE))
        ;
}

/* Before constructors that allocate, as far as these are not our own. */
static __attribute__((constructor(101))) void begin(void)
{
    static const struct alloc_observer observer = {.stack = stack_of_call, .grew = grew};
    unwind_choose();
    alloc_observe(&observer);
}

/* ---- as text */

/* Room in pages for as many rows as there are; more may come while it is made. */
struct rows {
    struct row *p;
    size_t n, room;
};

static void count_sample(void *to, uint32_t stack, size_t size)
{
    (void)stack;
    (void)size;
    ++*(size_t *)to;
}

static void add_sample(void *to, uint32_t stack, size_t size)
{
    struct rows *rows = to;
    const struct tally one = {.objects = 1, .bytes = size};
    if (rows->n < rows->room)
        rows->p[rows->n++] = (struct row){.stack = stack, .live = one, .made = one};
}

static bool rows_take(struct rows *rows)
{
    enum { SPARE = 64 };
    size_t n = 0;
    alloc_each_sample(count_sample, &n);
    rows->room = n + SPARE;
    rows->p = pages_map(NULL, rows->room * sizeof *rows->p, SYSTEM_PAGE);
    if (rows->p)
        alloc_each_sample(add_sample, rows);
    return rows->p != NULL;
}

static bool is_same(const struct row *a, const struct row *b)
{
    return a->stack == b->stack && a->live.bytes / a->live.objects == b->live.bytes;
}

/* Blocks of one stack and one size share a row: readers reckon with the size. */
static void rows_merge(struct rows *rows)
{
    size_t kept = 0;
    rows_sort(rows->p, rows->n);
    for (size_t i = 0; i < rows->n; i++) {
        if (kept > 0 && is_same(&rows->p[kept - 1], &rows->p[i])) {
            struct row *row = &rows->p[kept - 1];
            row->live.objects++;
            row->live.bytes += rows->p[i].live.bytes;
            row->made = row->live;
        } else {
            rows->p[kept++] = rows->p[i];
        }
    }
    rows->n = kept;
    rows_sort(rows->p, rows->n);
}

static void put_row(const struct text_sink *sink, stack_ix stack, struct tally tally)
{
    size_t n;
    const uintptr_t *pcs = stack_pcs(stack, &n);
    text_row(sink, &tally, &tally, pcs, n);
}

static void put_samples(const struct text_sink *sink, const struct rows *rows)
{
    struct tally all = {0};
    char label[40];
    for (size_t i = 0; i < rows->n; i++) {
        all.objects += rows->p[i].live.objects;
        all.bytes += rows->p[i].live.bytes;
    }
    (void)text_print(label, sizeof label, "heap_v2/%zu", alloc_sample_period());
    text_head(sink, &all, &all, label);
    for (size_t i = 0; i < rows->n; i++)
        put_row(sink, rows->p[i].stack, rows->p[i].live);
}

static void put_growth(const struct text_sink *sink)
{
    const struct growth *last = __atomic_load_n(&last_growth, __ATOMIC_ACQUIRE);
    struct tally all = {0};
    for (const struct growth *g = last; g; g = g->next) {
        all.objects++;
        all.bytes += g->bytes;
    }
    text_head(sink, &all, &all, "growth");
    for (const struct growth *g = last; g; g = g->next)
        put_row(sink, g->stack, (struct tally){.objects = 1, .bytes = g->bytes});
}

static void put_maps(const struct text_sink *sink)
{
    heap_profile_lock();
    text_maps(sink);
    heap_profile_unlock();
}

/* No lock is held while somebody else's function runs. */
static void hand_over(struct grown *grown, write_fn *write, void *arg)
{
    if (grown->room > 0)
        write(arg, grown->p, grown->n);
    grown_free(grown);
}

EXPORTED void MallocExtension_GetHeapSample(write_fn *write, void *arg)
{
    static const char off[] = "%warn\n"
                              "%warn This heap profile does not have any data in it, because\n"
                              "%warn the application was run with heap sampling turned off.\n"
                              "%warn To get useful data from GetHeapSample(), you must\n"
                              "%warn set the environment variable TCMALLOC_SAMPLE_PARAMETER to\n"
                              "%warn a positive sampling period, such as 524288.\n"
                              "%warn\n";
    struct rows rows = {.n = 0};
    struct grown grown;
    if (!rows_take(&rows))
        return;
    rows_merge(&rows);
    const struct text_sink sink = grown_begin(&grown);
    if (alloc_sample_period() == 0)
        sink.put(sink.to, off, sizeof off - 1);
    put_samples(&sink, &rows);
    pages_unmap(rows.p, rows.room * sizeof *rows.p);
    put_maps(&sink);
    hand_over(&grown, write, arg);
}

EXPORTED void MallocExtension_GetHeapGrowthStacks(write_fn *write, void *arg)
{
    struct grown grown;
    const struct text_sink sink = grown_begin(&grown);
    put_growth(&sink);
    put_maps(&sink);
    hand_over(&grown, write, arg);
}
