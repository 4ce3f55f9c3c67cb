/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Where the program starts from: the data of what is loaded, and of each thread its stack from the
 * stack pointer up, its registers and its own storage; and what the program says itself. Roots are
 * looked for where they are known to be, so memory that merely is there keeps nothing alive. */
#include "heapcheck/internal.h"

#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#include "base/syscall.h"
#include "unwind/unwind.h"

enum {
    RED_ZONE = 128, /* below the stack pointer, used all the same */
    DESCRIPTOR = 4096,
    FOREIGN_STACK_MOST = 8 << 20,
    OWN_STACK_MOST = 1 << 30,
    MODULES_MOST = 1 << 16, /* that a thread has storage of */
};

static struct {
    size_t descriptor;      /* bytes of a thread's descriptor, from the thread pointer on */
    size_t tid_at;          /* where its number is in it; 0: unknown */
    struct range exit_code; /* of the function exit */
    struct pile regions;    /* struct range: of the program's; the checker's lock guards them */
} roots = {.descriptor = DESCRIPTOR};

void roots_start(void)
{
    const uint32_t *descriptor = dlsym(RTLD_DEFAULT, "_thread_db_sizeof_pthread");
    if (descriptor && *descriptor)
        roots.descriptor = *descriptor;
    /* As debuggers are told of a field: its bits, how many there are, where it is. */
    const uint32_t *tid = dlsym(RTLD_DEFAULT, "_thread_db_pthread_tid");
    if (tid && tid[0] == 32 && tid[2] < roots.descriptor)
        roots.tid_at = tid[2];
    Dl_info info;
    const ElfW(Sym) *symbol = NULL;
    if (dladdr1((void *)(uintptr_t)exit, &info, (void **)&symbol, RTLD_DL_SYMENT) && symbol &&
        info.dli_saddr) {
        const uintptr_t start = (uintptr_t)info.dli_saddr;
        roots.exit_code = (struct range){start, start + symbol->st_size};
    }
}

size_t roots_descriptor_size(void)
{
    return roots.descriptor;
}

/* The kernel sets the number of a thread that ends to 0, the C library that of one that was waited
 * for to -1. */
bool roots_was_joined(uintptr_t descriptor)
{
    return roots.tid_at && *(const int32_t *)(descriptor + roots.tid_at) == -1;
}

/* ---- the program's own regions ----------------------------------------------------------------
 */

bool roots_add(const void *start, size_t size)
{
    struct range *range = pile_next(&roots.regions, sizeof *range);
    if (!range)
        return false;
    *range = (struct range){(uintptr_t)start, (uintptr_t)start + size};
    roots.regions.n++;
    return true;
}

bool roots_remove(const void *start, size_t size)
{
    struct range *list = roots.regions.p;
    for (size_t i = 0; i < roots.regions.n; i++) {
        if (list[i].start == (uintptr_t)start && list[i].end - list[i].start == size) {
            list[i] = list[--roots.regions.n];
            return true;
        }
    }
    return false;
}

/* ---- the calling thread -----------------------------------------------------------------------
 */

struct search {
    uintptr_t least_sp; /* the first frame with it is good */
    bool wants_exit, is_below_exit, is_found;
    struct own_frame frame;
};

static bool see_frame(void *to, const struct unwind_frame *frame)
{
    struct search *search = to;
    if (search->wants_exit ? search->is_below_exit : frame->sp >= search->least_sp) {
        search->is_found = true;
        search->frame.sp = frame->sp;
        memcpy(search->frame.saved, frame->saved, sizeof search->frame.saved);
        return false;
    }
    search->is_below_exit =
        frame->pc - 1 - roots.exit_code.start < roots.exit_code.end - roots.exit_code.start;
    return true;
}

struct own_frame frame_above(uintptr_t sp)
{
    struct search search = {.least_sp = sp, .frame = {.sp = sp}};
    unwind_frames(see_frame, &search);
    return search.frame;
}

struct own_frame frame_of_exit(uintptr_t sp)
{
    struct search search = {.wants_exit = true};
    unwind_frames(see_frame, &search);
    return search.is_found ? search.frame : frame_above(sp);
}

/* ---- threads ----------------------------------------------------------------------------------
 */

/* The stack that the thread was made with ends at its descriptor, the first one's at its top. */
static struct range made_stack(const struct mark *mark, uintptr_t tp, bool is_first)
{
    const struct area *area = NULL;
    if (is_first) {
        area = mark->areas.pile.p;
        while (area < areas_last(&mark->areas) && !area->is_stack)
            area++;
        return area < areas_last(&mark->areas) ? (struct range){area->start, area->end}
                                               : (struct range){0, 0};
    }
    area = areas_find(&mark->areas, tp);
    return area ? (struct range){area->start, tp} : (struct range){0, 0};
}

/* A stack in a block is alive from the stack pointer on; nothing below it is looked at. */
static bool mark_stack_in_block(struct mark *mark, uintptr_t sp)
{
    struct object object;
    if (!objects_find(sp, &object) || sp >= object.start + object.size)
        return false;
    objects_change_flags(&object, OBJECT_MARKED, 0);
    mark_range(mark, "a stack in a block",
               sp - RED_ZONE < object.start ? object.start : sp - RED_ZONE,
               object.start + object.size);
    return true;
}

static void mark_stack(struct mark *mark, uintptr_t sp, uintptr_t tp, bool is_first)
{
    const struct range made = made_stack(mark, tp, is_first);
    struct object object;
    const bool is_in_block = !is_first && objects_find(made.end - 1, &object);
    if (sp - made.start < made.end - made.start) {
        if (!is_in_block || !mark_stack_in_block(mark, sp))
            mark_range(mark, "a stack", sp - RED_ZONE, made.end);
        return;
    }
    /* It runs on another stack, and may come back to its own: how much of that is in use nobody
     * knows. */
    if (!is_in_block)
        mark_range(mark, "a stack that may be in use",
                   made.end - made.start > FOREIGN_STACK_MOST ? made.end - FOREIGN_STACK_MOST
                                                              : made.start,
                   made.end);
    if (sp && !mark_stack_in_block(mark, sp))
        mark_range(mark, "a stack of the program's", sp - RED_ZONE, sp + FOREIGN_STACK_MOST);
}

/* Storage in the thread's own block, its descriptor, and the vector of its dynamic storage, which
 * for the first thread the loader made before there was a malloc. */
static void mark_storage(struct mark *mark, uintptr_t tp, const struct modules *modules)
{
    static const char root[] = "a thread's storage";
    mark_range(mark, root, tp - modules->tls_below, tp - modules->own_below);
    mark_range(mark, root, tp - modules->own_below + modules->own_size, tp + roots.descriptor);
    const uintptr_t vector_at = tp + sizeof(uintptr_t);
    if (!areas_find(&mark->areas, vector_at))
        return;
    const uintptr_t vector = *(const uintptr_t *)vector_at;
    enum { ENTRY = 16 };
    if (vector % sizeof(uintptr_t) || !areas_find(&mark->areas, vector - ENTRY))
        return;
    const size_t n = *(const size_t *)(vector - ENTRY);
    struct object object;
    if (n < MODULES_MOST && !objects_find(vector, &object))
        mark_range(mark, "a thread's vector", vector, vector + (n + 1) * ENTRY);
}

/* Nothing of a stack is reached through a pointer to it. */
static void bury_stack(const struct mark *mark, uintptr_t tp)
{
    struct area *area = areas_find(&mark->areas, tp);
    const uintptr_t end = tp + roots.descriptor;
    if (area && area->is_anonymous && area->is_guarded && end > area->dead_end)
        area->dead_end = end < area->end ? end : area->end;
}

static void mark_threads(struct mark *mark, const struct world *world,
                         const struct modules *modules)
{
    const pid_t first = sys_getpid();
    for (size_t i = 0; i < world->n; i++)
        bury_stack(mark, world->threads[i].tp);
    for (size_t i = 0; i < world->n; i++) {
        const struct world_thread *thread = &world->threads[i];
        mark_range(mark, "a register", (uintptr_t)thread->words,
                   (uintptr_t)(thread->words + THREAD_WORDS));
        if (thread->sp)
            mark_stack(mark, thread->sp, thread->tp, thread->tid == first);
        if (thread->tp)
            mark_storage(mark, thread->tp, modules);
    }
}

static void mark_own(struct mark *mark, const struct modules *modules,
                     const struct own_frame *frame, bool is_first)
{
    const uintptr_t tp = (uintptr_t)__builtin_thread_pointer();
    mark_range(mark, "a register", (uintptr_t)frame->saved, (uintptr_t)(&frame->saved[6]));
    mark_stack(mark, frame->sp, tp, is_first);
    mark_storage(mark, tp, modules);
}

/* ---- all --------------------------------------------------------------------------------------
 */

struct visit {
    struct mark *mark;
    const struct modules *modules;
};

static void mark_excused(void *to, const struct object *object)
{
    struct visit *visit = to;
    if (object->flags & OBJECT_MARKED)
        return;
    if (object->flags & (OBJECT_IGNORED | OBJECT_DISABLED))
        mark_object(visit->mark, "what is not to be a leak", object);
    else if (modules_exempt(visit->modules, object->stack))
        mark_object(visit->mark, "what the loader keeps", object);
}

void roots_mark(struct mark *mark, const struct root_choice *choice, const struct world *world,
                const struct modules *modules, const struct own_frame *frame)
{
    struct visit visit = {mark, modules};
    if (choice->threads) {
        bury_stack(mark, (uintptr_t)__builtin_thread_pointer());
        mark_threads(mark, world, modules);
        mark_own(mark, modules, frame, sys_gettid() == sys_getpid());
    }
    objects_each(mark_excused, &visit);
    if (!choice->globals)
        return;
    for (size_t i = 0; i < modules->data.n; i++) {
        const struct range *data = (const struct range *)modules->data.p + i;
        mark_data(mark, "global data", data->start, data->end);
    }
    for (size_t i = 0; i < roots.regions.n; i++) {
        const struct range *region = (const struct range *)roots.regions.p + i;
        mark_range(mark, "a region of the program's", region->start, region->end);
    }
}
