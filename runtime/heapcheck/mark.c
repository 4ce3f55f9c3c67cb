/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Marks what can be reached: every word that points into a block by the rules marks it, and the
 * words of marked blocks count too. Blocks still to be looked into wait in a pile of ours, so the
 * depth of the program's lists does not matter. Memory that the program mapped itself is looked at
 * once a word points into it. */
#include "heapcheck/internal.h"

#include <string.h>

#include "base/env.h"
#include "base/message.h"
#include "base/pages.h"

enum { DESCRIPTOR_ALIGN = 64, WORD = sizeof(uintptr_t) };

static const enum message_level tell_from = (enum message_level)14;

void mark_start(struct mark *mark, const struct mark_rules *rules)
{
    *mark = (struct mark){
        .rules = *rules,
        .is_told = env_int("PERFTOOLS_VERBOSE", 0) >= tell_from,
        .is_complete = true,
    };
    objects_range(&mark->low, &mark->high);
    mark->has_areas = areas_list(&mark->areas);
}

void mark_end(struct mark *mark)
{
    areas_free(&mark->areas);
    pile_free(&mark->work);
}

bool mark_points_at(const struct mark_rules *rules, uintptr_t word, struct object *out)
{
    if (!objects_find(word, out))
        return false;
    const size_t offset = word - out->start;
    return offset == 0 || (offset < out->size && offset <= rules->most_offset);
}

static void push(struct mark *mark, uintptr_t start, uintptr_t end)
{
    struct range *range = pile_next(&mark->work, sizeof *range);
    if (!range) {
        mark->is_complete = false;
        return;
    }
    *range = (struct range){start, end};
    mark->work.n++;
}

static void take(struct mark *mark, const struct object *object)
{
    if (object->flags & OBJECT_MARKED)
        return;
    objects_change_flags(object, OBJECT_MARKED, 0);
    push(mark, object->start, object->start + object->size);
}

/* A thread's descriptor begins with its own address, and has it again in its third word. */
static uintptr_t last_descriptor(const struct area *area)
{
    const uintptr_t first =
        (area->start + DESCRIPTOR_ALIGN - 1) & ~(uintptr_t)(DESCRIPTOR_ALIGN - 1);
    uintptr_t found = 0;
    for (uintptr_t at = first; at + (size_t)3 * WORD <= area->end; at += DESCRIPTOR_ALIGN) {
        const uintptr_t *words = (const uintptr_t *)at;
        if (words[0] == at && words[2] == at)
            found = at;
    }
    return found;
}

/* The C library keeps the stacks of threads that have ended for the next ones. What a thread
 * returned stays in its descriptor; that may still be asked for until it was. */
static void leave_out_old_stack(struct area *area)
{
    const uintptr_t descriptor = area->is_guarded ? last_descriptor(area) : 0;
    if (descriptor == 0)
        return;
    const uintptr_t end = descriptor + (roots_was_joined(descriptor) ? roots_descriptor_size() : 0);
    if (end > area->dead_end)
        area->dead_end = end < area->end ? end : area->end;
}

/* Our own pages, the heap's too, may lie beside what the program mapped, and our data among its. */
static void push_foreign(struct mark *mark, uintptr_t start, uintptr_t end)
{
    while (start < end) {
        uintptr_t own, own_end;
        if (!pages_next_own(start, end, &own, &own_end))
            own = own_end = end;
        if (own > start)
            push(mark, start, own);
        start = own_end;
    }
}

static void reach_area(struct mark *mark, uintptr_t word)
{
    if (word - mark->seen.start < mark->seen.end - mark->seen.start)
        return;
    struct area *area = areas_find(&mark->areas, word);
    if (!area)
        return;
    mark->seen = (struct range){area->start, area->end};
    if (!area->is_anonymous || area->is_reached)
        return;
    area->is_reached = true;
    leave_out_old_stack(area);
    push_foreign(mark, area->dead_end, area->end);
}

static void tell(const struct mark *mark, const struct object *object, uintptr_t at)
{
    struct object holder;
    if (objects_find(at, &holder))
        message_say(tell_from, "Found pointer to %p of %zu bytes at %p inside %p of size %zu",
                    (void *)object->start, object->size, (void *)at, (void *)holder.start,
                    holder.size);
    else
        message_say(tell_from, "Found pointer to %p of %zu bytes at %p inside %s",
                    (void *)object->start, object->size, (void *)at, mark->root);
}

static inline void consider(struct mark *mark, uintptr_t word, uintptr_t at)
{
    struct object object;
    if (word >= mark->low && word <= mark->high && mark_points_at(&mark->rules, word, &object)) {
        if (mark->is_told && !(object.flags & OBJECT_MARKED))
            tell(mark, &object, at);
        take(mark, &object);
    } else if (word >= mark->areas.low && word < mark->areas.high) {
        reach_area(mark, word);
    }
}

static void scan(struct mark *mark, uintptr_t start, uintptr_t end)
{
    const size_t step = mark->rules.step;
    for (uintptr_t at = (start + step - 1) / step * step; at + WORD <= end; at += step) {
        uintptr_t word;
        memcpy(&word, (const void *)at, WORD);
        consider(mark, word, at);
        if (mark->rules.other_form)
            consider(mark, word ^ mark->rules.other_form, at);
    }
}

/* As far as it can be read: the program may have taken that away from part of a block. */
static void scan_readable(struct mark *mark, uintptr_t start, uintptr_t end)
{
    if (start >= mark->here.start && end <= mark->here.end) {
        scan(mark, start, end);
        return;
    }
    const struct area *area = areas_from(&mark->areas, start);
    const struct area *last = areas_last(&mark->areas);
    for (; area < last && area->start < end; area++) {
        mark->here = (struct range){area->start, area->end};
        scan(mark, start > area->start ? start : area->start, end < area->end ? end : area->end);
    }
}

static void drain(struct mark *mark)
{
    while (mark->work.n > 0) {
        const struct range range = ((struct range *)mark->work.p)[--mark->work.n];
        scan_readable(mark, range.start, range.end);
    }
}

void mark_range(struct mark *mark, const char *root, uintptr_t start, uintptr_t end)
{
    mark->root = root;
    scan_readable(mark, start, end);
    drain(mark);
}

void mark_data(struct mark *mark, const char *root, uintptr_t start, uintptr_t end)
{
    mark->root = root;
    push_foreign(mark, start, end);
    drain(mark);
}

void mark_object(struct mark *mark, const char *root, const struct object *object)
{
    mark->root = root;
    take(mark, object);
    drain(mark);
}
