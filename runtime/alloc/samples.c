/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One block in so many bytes, with who made it. While the period is not 0, threads count the bytes
 * that they take on a way of the fast path that is closed else: so that nothing is paid for it when
 * it is off. The distances between samples are such that each byte is as likely as any other to
 * be the one, whatever was before. A sampled block is a span of its own, whose record notes it, and
 * takes the slow path when it is freed. */
#include "alloc/internal.h"

enum { STACK_SHIFT = 32, RANDOM_BITS = 26 };

static struct {
    const struct alloc_observer *observer;
    int64_t period; /* 0: off */
} samples;

static const struct alloc_observer *observer(void)
{
    return __atomic_load_n(&samples.observer, __ATOMIC_ACQUIRE);
}

/* The natural logarithm, for x in (0, 1]. */
static double logarithm(double x)
{
    static const double ln_2 = 0.693147180559945309;
    int halvings = 0;
    while (x < 0.5) {
        x *= 2;
        halvings++;
    }
    const double z = (x - 1) / (x + 1), square = z * z; /* at most 1/9 */
    double term = z, sum = 0;
    for (int i = 1; i < 20; i += 2, term *= square)
        sum += term / i;
    return 2 * sum - halvings * ln_2;
}

static int64_t next_distance(int64_t period)
{
    if (own.random == 0) /* each thread its own */
        own.random = (uintptr_t)&own ^ (uintptr_t)own.cache << 16 ^ 0x9e3779b97f4a7c15u;
    own.random ^= own.random << 13;
    own.random ^= own.random >> 7;
    own.random ^= own.random << 17;
    const double u = (double)((own.random >> (64 - RANDOM_BITS)) + 1) / (1 << RANDOM_BITS);
    const double distance = -logarithm(u) * (double)period;
    return distance < 4e18 ? (int64_t)distance + 1 : INT64_MAX;
}

/* This thread begins to count, or counts no more. */
static void change_way(int64_t period)
{
    own.fine_most = period ? 0 : FINE_MAX;
    own.align_most = period ? 0 : PAGE_SIZE;
    if (period)
        own.until_sample = next_distance(period);
}

bool sample_is_due(size_t size, bool is_counted)
{
    const int64_t period = __atomic_load_n(&samples.period, __ATOMIC_RELAXED);
    if (LIKELY((period == 0) == (own.fine_most != 0))) {
        if (LIKELY(period == 0))
            return false;
    } else {
        change_way(period);
        is_counted = period == 0;
    }
    if (!is_counted && __builtin_sub_overflow(own.until_sample, size, &own.until_sample))
        own.until_sample = -1;
    if (period == 0 || own.until_sample >= 0)
        return false;
    own.until_sample = next_distance(period);
    return true;
}

static uint64_t note(uint32_t stack, size_t size)
{
    return (uint64_t)stack << STACK_SHIFT | (size < UINT32_MAX ? size : UINT32_MAX);
}

void *sample_take(size_t size, size_t asked, size_t align)
{
    bool is_zero;
    alloc_ensure_started();
    const uint32_t stack = observer()->stack();
    void *p = alloc_take_large(size, align, &is_zero);
    if (p)
        __atomic_store_n(&pagemap_large(p)->sample, note(stack, asked), __ATOMIC_RELAXED);
    return p;
}

void sample_resize(struct span *span, size_t size)
{
    __atomic_store_n(&span->sample, note((uint32_t)(span->sample >> STACK_SHIFT), size),
                     __ATOMIC_RELAXED);
}

void alloc_each_sample(void (*visit)(void *to, uint32_t stack, size_t size), void *to)
{
    uintptr_t first, end;
    pageheap_lock();
    pageheap_range(&first, &end);
    const struct span *span;
    for (uintptr_t page = first; page < end && (span = pageheap_span_from(page)) != NULL;
         page = span->page + span->pages) {
        const uint64_t sample =
            span->state == SPAN_LARGE ? __atomic_load_n(&span->sample, __ATOMIC_RELAXED) : 0;
        const size_t size = (uint32_t)sample;
        if (sample)
            visit(to, (uint32_t)(sample >> STACK_SHIFT),
                  size < UINT32_MAX ? size : span->pages << PAGE_SHIFT);
    }
    pageheap_unlock();
}

void growth_tell(void)
{
    const size_t bytes = own.grown;
    own.grown = 0;
    if (observer())
        observer()->grew(bytes);
}

size_t alloc_sample_period(void)
{
    return (size_t)__atomic_load_n(&samples.period, __ATOMIC_RELAXED);
}

void alloc_sample_set_period(size_t bytes)
{
    const int64_t period = bytes < INT64_MAX ? (int64_t)bytes : INT64_MAX;
    if (observer())
        __atomic_store_n(&samples.period, period, __ATOMIC_RELAXED);
}

void alloc_observe(const struct alloc_observer *to)
{
    alloc_ensure_started();
    __atomic_store_n(&samples.observer, to, __ATOMIC_RELEASE);
    if (knobs.sample > 0)
        alloc_sample_set_period((size_t)knobs.sample);
}
