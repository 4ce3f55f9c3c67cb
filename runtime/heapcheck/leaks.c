/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What was not reached: objects, and sites of objects with one stack. A leak is indirect when
 * another leak points to it, so that it is gone once that one is mended; of a ring one is direct.
 */
#include "heapcheck/internal.h"

#include <string.h>

/* ---- sorting ----------------------------------------------------------------------------------
 */

static void swap(char *a, char *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        const char c = a[i];
        a[i] = b[i];
        b[i] = c;
    }
}

static void sift(char *items, size_t at, size_t n, size_t size,
                 int (*compare)(const void *, const void *))
{
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && compare(items + child * size, items + (child + 1) * size) < 0)
            child++;
        if (compare(items + at * size, items + child * size) >= 0)
            return;
        swap(items + at * size, items + child * size, size);
    }
}

void sort_items(void *items, size_t n, size_t size, int (*compare)(const void *, const void *))
{
    for (size_t i = n / 2; i-- > 0;)
        sift(items, i, n, size, compare);
    for (size_t i = n; i-- > 1;) {
        swap(items, (char *)items + i * size, size);
        sift(items, 0, i, size, compare);
    }
}

/* ---- objects ----------------------------------------------------------------------------------
 */

struct gathering {
    struct leaks *leaks;
    const struct base *base;
};

static bool was_before(const struct base *base, const struct object *object)
{
    const uintptr_t *starts = base->starts.p;
    size_t low = 0, high = base->starts.n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (starts[middle] < object->start)
            low = middle + 1;
        else
            high = middle;
    }
    return (object->flags & base->flag) || (low < base->starts.n && starts[low] == object->start);
}

static void see(void *to, const struct object *object)
{
    const struct gathering *gathering = to;
    struct leaks *leaks = gathering->leaks;
    leaks->live_objects++;
    leaks->live_bytes += object->size;
    if (object->flags & OBJECT_MARKED)
        objects_change_flags(object, 0, OBJECT_MARKED);
    if ((object->flags & OBJECT_MARKED) || was_before(gathering->base, object))
        return;
    struct leak *leak = pile_next(&leaks->list, sizeof *leak);
    if (!leak) {
        leaks->is_complete = false;
        return;
    }
    *leak = (struct leak){object->start, object->size, object->stack, false};
    leaks->list.n++;
    leaks->objects++;
    leaks->bytes += object->size;
}

static struct leak *find(const struct leaks *leaks, uintptr_t start)
{
    struct leak *list = leaks->list.p;
    size_t low = 0, high = leaks->list.n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (list[middle].start < start)
            low = middle + 1;
        else
            high = middle;
    }
    return low < leaks->list.n && list[low].start == start ? &list[low] : NULL;
}

/* Leaks that a leak points to, and what these point to, are indirect; not itself. */
static void follow(struct leaks *leaks, const struct mark *mark, struct leak *first,
                   struct pile *work)
{
    const struct leak *at = first;
    for (;;) {
        const size_t step = mark->rules.step;
        uintptr_t p = (at->start + step - 1) / step * step;
        for (; p + sizeof(uintptr_t) <= at->start + at->size; p += step) {
            if (!areas_find(&mark->areas, p)) /* the program took that part away */
                continue;
            uintptr_t word;
            struct object object;
            memcpy(&word, (const void *)p, sizeof word);
            if (word < mark->low || word > mark->high ||
                !mark_points_at(&mark->rules, word, &object))
                continue;
            struct leak *other = find(leaks, object.start);
            struct leak **next;
            if (!other || other == first || other->is_indirect ||
                !(next = pile_next(work, sizeof(struct leak *))))
                continue;
            other->is_indirect = true;
            *next = other;
            work->n++;
        }
        if (work->n == 0)
            return;
        at = ((struct leak **)work->p)[--work->n];
    }
}

void leaks_gather(struct leaks *leaks, const struct mark *mark, const struct base *base)
{
    struct gathering gathering = {leaks, base};
    *leaks = (struct leaks){.is_complete = true};
    objects_each(see, &gathering);
    struct pile work = {0};
    struct leak *list = leaks->list.p;
    for (size_t i = 0; i < leaks->list.n; i++) {
        if (!list[i].is_indirect)
            follow(leaks, mark, &list[i], &work);
    }
    pile_free(&work);
}

/* ---- sites ------------------------------------------------------------------------------------
 */

static int by_stack(const void *a, const void *b)
{
    const struct site *x = a, *y = b;
    return x->stack < y->stack ? -1 : x->stack > y->stack;
}

static int by_frames(stack_ix a, stack_ix b)
{
    size_t m, n;
    const uintptr_t *x = stack_pcs(a, &m), *y = stack_pcs(b, &n);
    for (size_t i = 0; i < m && i < n; i++) {
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    }
    return m < n ? -1 : m > n;
}

static int by_size(const void *a, const void *b)
{
    const struct site *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    if (x->objects != y->objects)
        return x->objects > y->objects ? -1 : 1;
    return by_frames(x->stack, y->stack);
}

static bool make_sites(struct leaks *leaks)
{
    const struct leak *list = leaks->list.p;
    for (size_t i = 0; i < leaks->list.n; i++) {
        struct site *site = pile_next(&leaks->sites, sizeof *site);
        if (!site)
            return false;
        *site = (struct site){list[i].stack, 1, list[i].size, list[i].is_indirect,
                              list[i].is_indirect ? list[i].size : 0};
        leaks->sites.n++;
    }
    return true;
}

static void join_sites(struct leaks *leaks)
{
    struct site *sites = leaks->sites.p;
    size_t n = 0;
    for (size_t i = 0; i < leaks->sites.n; i++) {
        if (n > 0 && sites[n - 1].stack == sites[i].stack) {
            sites[n - 1].objects += sites[i].objects;
            sites[n - 1].bytes += sites[i].bytes;
            sites[n - 1].indirect_objects += sites[i].indirect_objects;
            sites[n - 1].indirect_bytes += sites[i].indirect_bytes;
        } else {
            sites[n++] = sites[i];
        }
    }
    leaks->sites.n = n;
}

void leaks_group(struct leaks *leaks)
{
    if (!make_sites(leaks)) {
        leaks->is_complete = false;
        return;
    }
    sort_items(leaks->sites.p, leaks->sites.n, sizeof(struct site), by_stack);
    join_sites(leaks);
    sort_items(leaks->sites.p, leaks->sites.n, sizeof(struct site), by_size);
}

void leaks_free(struct leaks *leaks)
{
    pile_free(&leaks->list);
    pile_free(&leaks->sites);
}
