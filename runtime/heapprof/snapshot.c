/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What lives at one moment, by stack: counted while the table is frozen, sorted when it is not. */
#include "heapprof/internal.h"

#include "base/pages.h"

static void count(void *to, const struct object *object)
{
    struct row *rows = to;
    if (!(object->flags & OBJECT_PROFILED))
        return;
    rows[object->stack].live.objects++;
    rows[object->stack].live.bytes += object->size;
}

/* Leaves the rows of stacks that made something. */
static void keep_used(struct snapshot *snapshot, stack_ix n)
{
    struct row *rows = snapshot->rows;
    for (stack_ix i = 0; i < n; i++) {
        const struct row row = {.stack = i, .live = rows[i].live, .made = stack_made(i)};
        if (row.made.objects == 0)
            continue;
        snapshot->live.objects += row.live.objects;
        snapshot->live.bytes += row.live.bytes;
        snapshot->made.objects += row.made.objects;
        snapshot->made.bytes += row.made.bytes;
        rows[snapshot->n++] = row;
    }
}

/* By bytes that live, bytes that were made, addresses: the same blocks, the same order. */
static bool is_before(const struct row *a, const struct row *b)
{
    if (a->live.bytes != b->live.bytes)
        return a->live.bytes > b->live.bytes;
    if (a->made.bytes != b->made.bytes)
        return a->made.bytes > b->made.bytes;
    size_t an, bn;
    const uintptr_t *ap = stack_pcs(a->stack, &an), *bp = stack_pcs(b->stack, &bn);
    for (size_t i = 0; i < an && i < bn; i++)
        if (ap[i] != bp[i])
            return ap[i] < bp[i];
    return an < bn;
}

/* Row i, of n, moves down until those below it come before it. */
static void sift(struct row *rows, size_t i, size_t n)
{
    const struct row row = rows[i];
    for (size_t below; (below = 2 * i + 1) < n; i = below) {
        if (below + 1 < n && is_before(&rows[below], &rows[below + 1]))
            below++;
        if (!is_before(&row, &rows[below]))
            break;
        rows[i] = rows[below];
    }
    rows[i] = row;
}

/* In place: qsort may allocate. */
void rows_sort(struct row *rows, size_t n)
{
    for (size_t i = n / 2; i > 0; i--)
        sift(rows, i - 1, n);
    for (size_t end = n; end > 1; end--) {
        const struct row last = rows[end - 1];
        rows[end - 1] = rows[0];
        rows[0] = last;
        sift(rows, 0, end - 1);
    }
}

bool snapshot_take(struct snapshot *snapshot, bool may_wait)
{
    *snapshot = (struct snapshot){0};
    if (may_wait)
        objects_freeze();
    else if (!objects_try_freeze())
        return false;
    const stack_ix n = stacks_number();
    snapshot->mapped = (n * sizeof(struct row) + SYSTEM_PAGE - 1) & ~(size_t)(SYSTEM_PAGE - 1);
    snapshot->rows = pages_map(NULL, snapshot->mapped, SYSTEM_PAGE);
    if (snapshot->rows) {
        objects_each(count, snapshot->rows);
        keep_used(snapshot, n);
    }
    objects_thaw();
    if (!snapshot->rows)
        return false;
    rows_sort(snapshot->rows, snapshot->n);
    return true;
}

void snapshot_free(struct snapshot *snapshot)
{
    pages_unmap(snapshot->rows, snapshot->mapped);
    snapshot->rows = NULL;
}
