/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The lists of listeners. They are read without a lock, by any thread at any time, so a place is
 * written in one store and never moves. */
#include "hooks/hooks.h"

#include <stdatomic.h>
#include <stddef.h>

#include "base/lock.h"
#include "gperftools/malloc_hook_c.h"

#define EXPORT __attribute__((visibility("default")))

enum {
    PLACES = 7,
    OLD_PLACE = PLACES,
    DEEPEST = 256
}; /* the one of the Set functions comes last */

struct list {
    _Atomic(uintptr_t) place[PLACES + 1];
};

bool hooks_heard;
__thread struct caller hooks_caller;
static __thread bool is_telling;

static struct {
    struct lock lock; /* guards writing */
    struct list created, deleted;
    bool is_tracked;
    bool any; /* as the allocator was told */
    void (*first)(void), (*none)(void);
} hooks;

static bool is_empty(struct list *list)
{
    for (int i = 0; i <= PLACES; i++)
        if (list->place[i])
            return false;
    return true;
}

/* Under the lock. */
static void update(void)
{
    const bool heard = !is_empty(&hooks.created) || !is_empty(&hooks.deleted);
    const bool any = heard || hooks.is_tracked;
    __atomic_store_n(&hooks_heard, heard, __ATOMIC_RELEASE);
    if (any == hooks.any)
        return;
    hooks.any = any;
    void (*change)(void) = any ? hooks.first : hooks.none;
    if (change)
        change();
}

static bool replace(struct list *list, uintptr_t from, uintptr_t to)
{
    bool done = false;
    lock_take(&hooks.lock);
    for (int i = 0; i < PLACES && !done; i++)
        if (list->place[i] == from) {
            list->place[i] = to;
            done = true;
        }
    update();
    lock_drop(&hooks.lock);
    return done;
}

static uintptr_t set_old(struct list *list, uintptr_t to)
{
    lock_take(&hooks.lock);
    const uintptr_t before = list->place[OLD_PLACE];
    list->place[OLD_PLACE] = to;
    update();
    lock_drop(&hooks.lock);
    return before;
}

bool hooks_add_new(hooks_new_fn fn)
{
    return fn && replace(&hooks.created, 0, (uintptr_t)fn);
}

bool hooks_remove_new(hooks_new_fn fn)
{
    return fn && replace(&hooks.created, (uintptr_t)fn, 0);
}

bool hooks_add_delete(hooks_delete_fn fn)
{
    return fn && replace(&hooks.deleted, 0, (uintptr_t)fn);
}

bool hooks_remove_delete(hooks_delete_fn fn)
{
    return fn && replace(&hooks.deleted, (uintptr_t)fn, 0);
}

void hooks_tell_new(const void *p, size_t size)
{
    is_telling = true;
    for (int i = 0; i <= PLACES; i++) {
        const hooks_new_fn fn = (hooks_new_fn)hooks.created.place[i];
        if (fn)
            fn(p, size);
    }
    is_telling = false;
}

void hooks_tell_delete(const void *p)
{
    is_telling = true;
    for (int i = 0; i <= PLACES; i++) {
        const hooks_delete_fn fn = (hooks_delete_fn)hooks.deleted.place[i];
        if (fn)
            fn(p);
    }
    is_telling = false;
}

void hooks_track(bool on)
{
    lock_take(&hooks.lock);
    hooks.is_tracked = on;
    update();
    lock_drop(&hooks.lock);
}

void hooks_watch(void (*first)(void), void (*none)(void))
{
    lock_take(&hooks.lock);
    hooks.first = first;
    hooks.none = none;
    if (hooks.any)
        first();
    lock_drop(&hooks.lock);
}

void hooks_lock(void)
{
    lock_take(&hooks.lock);
}

void hooks_unlock(void)
{
    lock_drop(&hooks.lock);
}

/* ---- the program's door */

EXPORT int MallocHook_AddNewHook(MallocHook_NewHook hook)
{
    return hooks_add_new(hook);
}

EXPORT int MallocHook_RemoveNewHook(MallocHook_NewHook hook)
{
    return hooks_remove_new(hook);
}

EXPORT int MallocHook_AddDeleteHook(MallocHook_DeleteHook hook)
{
    return hooks_add_delete(hook);
}

EXPORT int MallocHook_RemoveDeleteHook(MallocHook_DeleteHook hook)
{
    return hooks_remove_delete(hook);
}

EXPORT MallocHook_NewHook MallocHook_SetNewHook(MallocHook_NewHook hook)
{
    return (MallocHook_NewHook)set_old(&hooks.created, (uintptr_t)hook);
}

EXPORT MallocHook_DeleteHook MallocHook_SetDeleteHook(MallocHook_DeleteHook hook)
{
    return (MallocHook_DeleteHook)set_old(&hooks.deleted, (uintptr_t)hook);
}

EXPORT int MallocHook_GetCallerStackTrace(void **result, int max_depth, int skip_count)
{
    uintptr_t pcs[DEEPEST];
    size_t first = skip_count > 0 ? (size_t)skip_count : 0;
    /* Not called from a hook: the caller of this function is as good. */
    const size_t n =
        is_telling ? unwind_caller(pcs, DEEPEST, &hooks_caller) : unwind(pcs, DEEPEST, 1, NULL);
    int depth = 0;
    for (; first < n && depth < max_depth; first++)
        result[depth++] = (void *)pcs[first];
    return depth;
}
