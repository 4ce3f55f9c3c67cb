/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How much memory is where: as numbers, and as the text that monitoring scripts read line by line.
 * Gathered part by part while threads go on, so the sum is exact only when they rest. */
#include "alloc/internal.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/text.h"
#include "gperftools/tcmalloc.h"

enum { TEXT_SIZE = 16 << 10, MIB = 1 << 20 };

void alloc_stats(struct alloc_stats *out)
{
    alloc_ensure_started();
    memset(out, 0, sizeof *out);
    size_t thread[CLASSES] = {0};
    cache_stats(thread, &out->caches);
    for (uint32_t c = 1; c < CLASSES; c++) {
        const struct central_stats s = central_stats(c);
        out->thread += thread[c];
        out->central += s.in_spans;
        out->transfer += s.in_transfer;
        out->class_free[c] = thread[c] + s.in_spans + s.in_transfer;
        out->class_spans[c] = s.spans;
    }
    pageheap_stats(&out->heap);
    out->metadata = arena_used();
    const size_t free =
        out->heap.resident + out->heap.returned + out->thread + out->central + out->transfer;
    out->in_use = out->heap.system > free ? out->heap.system - free : 0;
}

/* ---- the text */

static const char rule[] = "------------------------------------------------\n";
static const char short_rule[] = "MALLOC:   ------------\n";

static void line(struct text *text, const char *start, size_t bytes, const char *what)
{
    text_add(text, start);
    text_unsigned(text, bytes, 12);
    text_add(text, " (");
    text_ratio(text, bytes, MIB, 1, 7);
    text_add(text, " MiB) ");
    text_add(text, what);
    text_add(text, "\n");
}

static void count_line(struct text *text, size_t n, const char *what)
{
    text_add(text, "MALLOC:   ");
    text_unsigned(text, n, 12);
    text_add(text, "              ");
    text_add(text, what);
    text_add(text, "\n");
}

static void classes_text(struct text *text, const struct alloc_stats *s)
{
    text_add(text, rule);
    text_add(text, "Total size of freelists for per-thread caches,\n"
                   "transfer cache, and central cache, by size class\n");
    text_add(text, rule);
    size_t free = 0, overhead = 0;
    for (uint32_t c = 1; c < CLASSES; c++) {
        if (s->class_free[c] == 0)
            continue;
        const struct class_facts *f = &classes.facts[c];
        const size_t rest = ((size_t)f->pages << PAGE_SHIFT) - (size_t)f->capacity * f->size;
        free += s->class_free[c];
        overhead += rest * s->class_spans[c];
        text_add(text, "class ");
        text_unsigned(text, c, 3);
        text_add(text, " [ ");
        text_unsigned(text, f->size, 8);
        text_add(text, " bytes ] : ");
        text_unsigned(text, s->class_free[c] / f->size, 8);
        text_add(text, " objs; ");
        text_ratio(text, s->class_free[c], MIB, 1, 5);
        text_add(text, " MiB; ");
        text_ratio(text, free, MIB, 1, 5);
        text_add(text, " cum MiB; ");
        text_ratio(text, rest * s->class_spans[c], MIB, 3, 8);
        text_add(text, " overhead MiB; ");
        text_ratio(text, overhead, MIB, 3, 8);
        text_add(text, " cum overhead MiB\n");
    }
}

static void spans_line(struct text *text, size_t spans, const size_t bytes[2], size_t sum[2])
{
    for (int i = 0; i < 2; i++)
        sum[i] += bytes[i];
    text_unsigned(text, spans, 6);
    text_add(text, " spans ~ ");
    text_ratio(text, bytes[0], MIB, 1, 6);
    text_add(text, " MiB; ");
    text_ratio(text, sum[0], MIB, 1, 6);
    text_add(text, " MiB cum; unmapped: ");
    text_ratio(text, bytes[1], MIB, 1, 6);
    text_add(text, " MiB; ");
    text_ratio(text, sum[1], MIB, 1, 6);
    text_add(text, " MiB cum\n");
}

static void pageheap_text(struct text *text, const struct pageheap_stats *h)
{
    size_t lengths = 0;
    for (size_t i = 1; i <= BINS; i++)
        lengths += h->bin_resident[i] + h->bin_returned[i] > 0;
    text_add(text, rule);
    text_add(text, "PageHeap: ");
    text_unsigned(text, lengths, 0);
    text_add(text, " sizes; ");
    text_ratio(text, h->resident, MIB, 1, 6);
    text_add(text, " MiB free; ");
    text_ratio(text, h->returned, MIB, 1, 6);
    text_add(text, " MiB unmapped\n");
    text_add(text, rule);
    size_t sum[2] = {0};
    for (size_t i = 1; i <= BINS; i++) {
        if (h->bin_resident[i] + h->bin_returned[i] == 0)
            continue;
        text_unsigned(text, i, 6);
        text_add(text, " pages * ");
        spans_line(
            text, h->bin_resident[i] + h->bin_returned[i],
            (size_t[]){h->bin_resident[i] * i << PAGE_SHIFT, h->bin_returned[i] * i << PAGE_SHIFT},
            sum);
    }
    text_add(text, ">128   large * ");
    spans_line(
        text, h->bin_resident[0] + h->bin_returned[0],
        (size_t[]){h->long_resident_pages << PAGE_SHIFT, h->long_returned_pages << PAGE_SHIFT},
        sum);
}

void alloc_stats_text(struct text *text, int level)
{
    struct alloc_stats s;
    alloc_stats(&s);
    text_add(text, rule);
    line(text, "MALLOC:   ", s.in_use, "Bytes in use by application");
    line(text, "MALLOC: + ", s.heap.resident, "Bytes in page heap freelist");
    line(text, "MALLOC: + ", s.central, "Bytes in central cache freelist");
    line(text, "MALLOC: + ", s.transfer, "Bytes in transfer cache freelist");
    line(text, "MALLOC: + ", s.thread, "Bytes in thread cache freelists");
    line(text, "MALLOC: + ", s.metadata, "Bytes in malloc metadata");
    text_add(text, short_rule);
    line(text, "MALLOC: = ", s.heap.system - s.heap.returned + s.metadata,
         "Actual memory used (physical + swap)");
    line(text, "MALLOC: + ", s.heap.returned, "Bytes released to OS (aka unmapped)");
    text_add(text, short_rule);
    line(text, "MALLOC: = ", s.heap.system + s.metadata, "Virtual address space used");
    text_add(text, "MALLOC:\n");
    count_line(text, s.heap.spans, "Spans in use");
    count_line(text, s.caches, "Thread heaps in use");
    count_line(text, PAGE_SIZE, "Tcmalloc page size");
    text_add(text, rule);
    text_add(text,
             "Call ReleaseFreeMemory() to release freelist memory to the OS (via madvise()).\n"
             "Bytes released to the OS take up virtual address space but no physical memory.\n");
    if (level >= 2) {
        classes_text(text, &s);
        pageheap_text(text, &s.heap);
    }
}

static void say_stats(int level)
{
    char buffer[TEXT_SIZE];
    struct text text = text_over(buffer, sizeof buffer);
    alloc_stats_text(&text, level);
    text_write(&text, STDERR_FILENO);
}

__attribute__((destructor)) static void say_stats_at_exit(void)
{
    const char *level = getenv("MALLOCSTATS");
    if (level)
        say_stats(level[0] >= '2' && level[0] <= '9' ? 2 : 1);
}

/* ---- the functions of libc that tell of it */

EXPORT void malloc_stats(void)
{
    say_stats(1);
}

EXPORT struct mallinfo2 mallinfo2(void)
{
    struct alloc_stats s;
    alloc_stats(&s);
    return (struct mallinfo2){
        .arena = s.heap.system,
        .fsmblks = s.thread + s.central + s.transfer,
        .fordblks = s.heap.resident + s.heap.returned,
        .uordblks = s.in_use,
    };
}

EXPORT struct mallinfo mallinfo(void)
{
    const struct mallinfo2 m = mallinfo2();
    return (struct mallinfo){
        .arena = (int)m.arena,
        .fsmblks = (int)m.fsmblks,
        .fordblks = (int)m.fordblks,
        .uordblks = (int)m.uordblks,
    };
}

EXPORT int malloc_info(int options, FILE *file)
{
    struct alloc_stats s;
    if (options != 0)
        return -1;
    alloc_stats(&s);
    char buffer[256];
    struct text text = text_over(buffer, sizeof buffer);
    text_add(&text, "<malloc version=\"1\"><system type=\"current\" size=\"");
    text_unsigned(&text, s.heap.system, 0);
    text_add(&text, "\"/><total type=\"rest\" count=\"0\" size=\"");
    text_unsigned(&text, s.heap.system - s.in_use, 0);
    text_add(&text, "\"/></malloc>\n");
    return fputs(buffer, file) < 0 ? -1 : 0;
}

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
ALIAS(malloc_stats) void tc_malloc_stats(void);
ALIAS(mallinfo) struct mallinfo tc_mallinfo(void);
ALIAS(mallinfo2) struct mallinfo2 tc_mallinfo2(void);
