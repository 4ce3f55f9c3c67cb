/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What lives at one moment, by stack: counted while the table is frozen, sorted when it is not. */
#include "heapprof/internal.h"

#include "base/pages.h"

static void add(struct row *row, size_t size)
{
    row->live.objects++;
    row->live.bytes += size;
}

static void count(void *to, const struct object *object)
{
    struct row *rows = to;
    if (object->flags & OBJECT_PROFILED)
        add(&rows[object->stack], object->size);
}

static void count_mapping(void *to, stack_ix stack, size_t size)
{
    struct row *rows = to;
    add(&rows[stack], size);
}

/* Moves the rows of stacks that made something to the front; returns how many there are. */
static size_t keep_used(struct row *to, const struct row *rows, stack_ix n,
                        struct tally (*made)(stack_ix))
{
    size_t kept = 0;
    for (stack_ix i = 0; i < n; i++) {
        const struct row row = {.stack = i, .live = rows[i].live, .made = made(i)};
        if (row.made.objects > 0)
            to[kept++] = row;
    }
    return kept;
}

static void add_up(struct snapshot *snapshot)
{
    for (size_t i = snapshot->n_mappings; i < snapshot->n; i++) {
        const struct row *row = &snapshot->rows[i];
        snapshot->live.objects += row->live.objects;
        snapshot->live.bytes += row->live.bytes;
        snapshot->made.objects += row->made.objects;
        snapshot->made.bytes += row->made.bytes;
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

/* Rows of mappings first, then of blocks: room for each stack twice. */
static void count_all(struct snapshot *snapshot, stack_ix n)
{
    struct row *rows = snapshot->rows;
    mappings_each(count_mapping, rows);
    snapshot->n_mappings = keep_used(rows, rows, n, stack_mapped);
    struct row *blocks = rows + n;
    objects_each(count, blocks);
    struct row *to = rows + snapshot->n_mappings;
    snapshot->n = snapshot->n_mappings + keep_used(to, blocks, n, stack_made);
    add_up(snapshot);
}

bool snapshot_take(struct snapshot *snapshot, bool may_wait)
{
    *snapshot = (struct snapshot){0};
    if (may_wait)
        mappings_lock();
    else if (!mappings_try_lock())
        return false;
    const bool is_frozen = may_wait ? (objects_freeze(), true) : objects_try_freeze();
    if (is_frozen) {
        const stack_ix n = stacks_number();
        const size_t size = sizeof(struct row) * 2 * n;
        snapshot->mapped = (size + SYSTEM_PAGE - 1) & ~(size_t)(SYSTEM_PAGE - 1);
        snapshot->rows = pages_map(NULL, snapshot->mapped, SYSTEM_PAGE);
        if (snapshot->rows)
            count_all(snapshot, n);
        objects_thaw();
    }
    mappings_unlock();
    if (!snapshot->rows)
        return false;
    rows_sort(snapshot->rows, snapshot->n_mappings);
    rows_sort(snapshot->rows + snapshot->n_mappings, snapshot->n - snapshot->n_mappings);
    return true;
}

void snapshot_free(struct snapshot *snapshot)
{
    pages_unmap(snapshot->rows, snapshot->mapped);
    snapshot->rows = NULL;
}
