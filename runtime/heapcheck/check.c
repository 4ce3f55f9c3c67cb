/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One check, from stopping the threads to letting them go; and the list of objects that the program
 * wants ignored, each of which must still be there. The caller has the checker's lock. */
#include "heapcheck/internal.h"

enum { ATTEMPTS = 10 }; /* when libraries come and go all the time */

/* ---- ignored objects --------------------------------------------------------------------------
 */

/* The address in a disguise, so that the list itself keeps nothing alive. */
struct ignored_object {
    uintptr_t disguised;
    size_t size;
};

static struct pile ignored;

static struct ignored_object *find_ignored(uintptr_t start)
{
    struct ignored_object *list = ignored.p;
    for (size_t i = 0; i < ignored.n; i++) {
        if (~list[i].disguised == start)
            return &list[i];
    }
    return NULL;
}

enum ignored ignore_object(const void *p)
{
    struct object object;
    if (!objects_find((uintptr_t)p, &object))
        return IGNORED_NO_OBJECT;
    if (object.flags & OBJECT_IGNORED)
        return IGNORED_BEFORE;
    struct ignored_object *entry = pile_next(&ignored, sizeof *entry);
    if (!entry)
        return IGNORED_NO_MEMORY;
    *entry = (struct ignored_object){~object.start, object.size};
    ignored.n++;
    objects_change_flags(&object, OBJECT_IGNORED, 0);
    return IGNORED_DONE;
}

enum ignored unignore_object(const void *p)
{
    struct object object;
    if (!objects_find((uintptr_t)p, &object))
        return IGNORED_NO_OBJECT;
    struct ignored_object *entry = find_ignored(object.start);
    if (!(object.flags & OBJECT_IGNORED) || !entry)
        return IGNORED_BEFORE;
    *entry = ((struct ignored_object *)ignored.p)[--ignored.n];
    objects_change_flags(&object, 0, OBJECT_IGNORED);
    return IGNORED_DONE;
}

static void look_for_ignored(struct findings *findings)
{
    const struct ignored_object *list = ignored.p;
    for (size_t i = 0; i < ignored.n; i++) {
        struct object object;
        const uintptr_t start = ~list[i].disguised;
        if (objects_find(start, &object) && object.start == start && object.size == list[i].size &&
            (object.flags & OBJECT_IGNORED))
            continue;
        findings->gone = start;
        findings->gone_size = list[i].size;
        return;
    }
}

/* ---- the check --------------------------------------------------------------------------------
 */

struct excusing {
    struct mark *mark;
    const struct pile *stacks;
};

static bool has_stack(const struct pile *stacks, stack_ix stack)
{
    const stack_ix *list = stacks->p;
    size_t low = 0, high = stacks->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (list[middle] < stack)
            low = middle + 1;
        else
            high = middle;
    }
    return low < stacks->n && list[low] == stack;
}

static void excuse(void *to, const struct object *object)
{
    const struct excusing *excusing = to;
    if (!(object->flags & OBJECT_MARKED) && has_stack(excusing->stacks, object->stack))
        mark_object(excusing->mark, "what a suppression names", object);
}

static void mark_and_gather(const struct check *check, const struct world *world,
                            const struct modules *modules, struct findings *findings)
{
    struct mark mark;
    mark_start(&mark, &check->rules);
    look_for_ignored(findings);
    roots_mark(&mark, &check->roots, world, modules, &check->frame);
    if (check->excused && check->excused->n > 0) {
        struct excusing excusing = {&mark, check->excused};
        objects_each(excuse, &excusing);
    }
    leaks_gather(&findings->leaks, &mark, check->base);
    findings->has_areas = mark.has_areas;
    findings->leaks.is_complete &= mark.is_complete && modules->is_complete;
    mark_end(&mark);
}

/* False: libraries were loaded or unloaded meanwhile. */
static bool try_once(const struct check *check, struct findings *findings)
{
    static struct world world;
    struct modules modules;
    modules_list(&modules);
    objects_freeze();
    findings->has_threads = world_stop(&world, check->is_by_signal);
    mark_and_gather(check, &world, &modules, findings);
    findings->refusal = world.refusal;
    findings->unknown = world.unknown;
    if (findings->has_threads)
        world_resume(&world);
    objects_thaw();
    const bool is_good = modules_are_same(&modules);
    modules_free(&modules);
    return is_good;
}

void check_run(const struct check *check, struct findings *findings)
{
    *findings = (struct findings){0};
    for (int i = 1; !try_once(check, findings) && i < ATTEMPTS; i++) {
        leaks_free(&findings->leaks);
        *findings = (struct findings){0};
    }
    leaks_group(&findings->leaks);
}
