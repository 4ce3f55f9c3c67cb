/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Leaves out what took the samples rather than what they are about: allocators in heap profiles,
 * locks in contention profiles, the profiler's own signal frames in CPU profiles. Stacks that
 * become equal are one afterwards. The invariant: names are looked at once a distinct frame, and
 * samples are added up in the order they were read, whatever their stacks became. */
#include "graph/internal.h"

/* Each also with one leading underscore. */
static const char *const allocator_names[] = {
    "calloc",
    "cfree",
    "malloc",
    "free",
    "memalign",
    "posix_memalign",
    "pvalloc",
    "valloc",
    "realloc",
    "tc_calloc",
    "tc_cfree",
    "tc_malloc",
    "tc_free",
    "tc_memalign",
    "tc_posix_memalign",
    "tc_pvalloc",
    "tc_valloc",
    "tc_realloc",
    "tc_new",
    "tc_delete",
    "tc_newarray",
    "tc_deletearray",
    "tc_new_nothrow",
    "tc_newarray_nothrow",
    "do_malloc",
    "::do_malloc",
    "::do_malloc_or_cpp_alloc",
    "DoSampledAllocation",
    "simple_alloc::allocate",
    "__malloc_alloc_template::allocate",
    "__builtin_delete",
    "__builtin_new",
    "__builtin_vec_delete",
    "__builtin_vec_new",
    "operator new",
    "operator new[]",
    "malloc_zone_malloc",
    "malloc_zone_calloc",
    "malloc_zone_valloc",
    "malloc_zone_realloc",
    "malloc_zone_memalign",
    "malloc_zone_free",
    "__start_google_malloc",
    "__stop_google_malloc",
    "__start_malloc_hook",
    "__stop_malloc_hook",
};

/* What jemalloc's profiles have besides. */
static const char *const jemalloc_names[] = {
    "newImpl", "void* newImpl", "aligned_alloc", "mallocx",          "rallocx",
    "xallocx", "dallocx",       "sdallocx",      "sdallocx_noflags",
};

static const char *const lock_names[] = {
    "base::RecordLockProfileData",
    "base::SubmitMutexProfileData",
    "base::SubmitSpinLockProfileData",
    "Mutex::Unlock",
    "Mutex::UnlockSlow",
    "Mutex::ReaderUnlock",
    "MutexLock::~MutexLock",
    "SpinLock::Unlock",
    "SpinLock::SlowUnlock",
    "SpinLockHolder::~SpinLockHolder",
};

static const char *const signal_names[] = {
    "ProfileData::Add", "ProfileData::prof_handler", "CpuProfiler::prof_handler",
    "__FRAME_END__",    "__pthread_sighandler",      "__restore",
};

/* ---- which addresses ----------------------------------------------------------------------------
 */

static void add_names(const struct strings *strings, const char *const *names, size_t n,
                      bool with_underscore, struct idmap *unwanted)
{
    for (size_t i = 0; i < n; i++) {
        str_id id;
        if (strings_find(strings, span_of(names[i]), &id))
            (void)idmap_add(unwanted, id, 0, NULL);
        char text[64] = "_";
        const size_t length = strlen(names[i]);
        if (!with_underscore || length >= sizeof text - 1)
            continue;
        memcpy(text + 1, names[i], length);
        if (strings_find(strings, span_make(text, length + 1), &id))
            (void)idmap_add(unwanted, id, 0, NULL);
    }
}

static bool is_allocator_class(struct span name)
{
    return span_starts(name, "tcmalloc::") || span_find_text(name, "TCMalloc") != SIZE_MAX;
}

/* A byte each address: whether reports leave it out. NULL: none is. */
static uint8_t *find_unwanted(const struct view *view, bool keep_signal_frames)
{
    const struct profile *profile = view->profile;
    const struct symbols *symbols = view->symbols;
    const bool is_heap = profile->kind == PROFILE_HEAP || profile->kind == PROFILE_GROWTH;
    if (!symbols)
        return NULL;

    struct idmap names = {0};
    if (profile->allocator_is_innermost)
        add_names(profile->strings, jemalloc_names, COUNT_OF(jemalloc_names), true, &names);
    if (is_heap)
        add_names(profile->strings, allocator_names, COUNT_OF(allocator_names), true, &names);
    else if (profile->kind == PROFILE_CONTENTION)
        add_names(profile->strings, lock_names, COUNT_OF(lock_names), false, &names);
    else if (profile->kind == PROFILE_CPU && !profile->signals_left_out && !keep_signal_frames)
        add_names(profile->strings, signal_names, COUNT_OF(signal_names), false, &names);
    if (!is_heap && names.n == 0)
        return NULL;

    uint8_t *is_frame = base_alloc(symbols->n_frames, 1);
    for (frame_ix f = 0; f < symbols->n_frames; f++) {
        const struct frame *frame = &symbols->frames[f];
        const str_id name = frame->brief ? frame->brief : frame->name;
        uint32_t id;
        is_frame[f] = idmap_find(&names, name, &id) ||
                      (is_heap && is_allocator_class(strings_span(profile->strings, name)));
    }
    idmap_free(&names);

    bool is_any = false;
    uint8_t *is_address = base_alloc(profile->n_addrs, 1);
    for (addr_ix a = 0; a < profile->n_addrs; a++) {
        if (symbols->addr_at[a] == symbols->addr_at[a + 1])
            continue;
        is_address[a] = is_frame[symbols->addr_frame[symbols->addr_at[a + 1] - 1]];
        is_any |= is_address[a];
    }
    base_free(is_frame);
    if (is_any)
        return is_address;
    base_free(is_address);
    return NULL;
}

#define ADDRESS_NONE UINT32_MAX

/* ---- common second frames -----------------------------------------------------------------------
 */

/* A stack while frames behind its leaf are being cut off: leaf, then rest[0 .. n_rest). Cutting the
 * second frame is a step forward, so that no round moves or copies anything. */
struct cut_stack {
    stack_ix stack;
    uint32_t n_rest;
    uint32_t n_shared; /* outermost addresses that are those of the first stack */
    addr_ix leaf;      /* ADDRESS_NONE: the stack is empty */
    const addr_ix *rest;
};

static bool has_common_second(const struct cut_stack *stacks, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (stacks[i].n_rest == 0 || stacks[i].rest[0] != stacks[0].rest[0])
            return false;
    }
    return n != 0;
}

static void count_shared(struct cut_stack *stacks, uint32_t n)
{
    const addr_ix *end = stacks[0].rest + stacks[0].n_rest;
    for (uint32_t i = 0; i < n; i++) {
        struct cut_stack *s = &stacks[i];
        const uint32_t most = s->n_rest < stacks[0].n_rest ? s->n_rest : stacks[0].n_rest;
        const addr_ix *p = end, *q = s->rest + s->n_rest;
        while (s->n_shared < most && *--p == *--q)
            s->n_shared++;
    }
}

/* Whether all of them are one stack by now. */
static bool is_one_stack(const struct cut_stack *stacks, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        if (stacks[i].leaf != stacks[0].leaf || stacks[i].n_rest != stacks[0].n_rest ||
            stacks[i].n_rest > stacks[i].n_shared)
            return false;
    }
    return true;
}

/* Signal handlers and trampolines stand between the leaf and its caller in every stack alike. One
 * distinct stack says nothing: it would be cut to its leaf. */
static void cut_common_seconds(const struct view *view, struct cut_stack *stacks, uint32_t n,
                               bool keep, struct notes *notes)
{
    const struct profile *profile = view->profile;
    if (has_common_second(stacks, n))
        count_shared(stacks, n);
    while (has_common_second(stacks, n) && !is_one_stack(stacks, n)) {
        const addr_ix second = stacks[0].rest[0];
        const struct frame *frame = view_physical(view, second);
        char text[20];
        const char *name = frame == view->blank ? profile_address_text(profile, second, text)
                                                : view_name_text(view, second, frame, text);
        if (keep) {
            notes_add(notes, "All second stack frames are same: `%s'.", name);
            notes_add(notes, "Might be stack trace capturing bug.");
            return;
        }
        notes_add(notes, "Removing %s from all stack traces.", name);
        for (uint32_t i = 0; i < n; i++) {
            struct cut_stack *s = &stacks[i];
            s->rest++;
            s->n_rest--;
            /* The interrupted address was written once more, as a caller. */
            if (s->n_rest >= 2 && profile->addr_pc[s->rest[0]] + 1 == profile->addr_pc[s->leaf]) {
                s->rest++;
                s->n_rest--;
            }
        }
    }
}

/* ---- joining ------------------------------------------------------------------------------------
 */

/* Where the allocator took the stack itself, the leaf is in it: if that is the allocator's own
 * library, all of the leaf's neighbours there are the allocator too, with names or without. A
 * library of the user's may have the allocator built in: there only names tell. */
static map_ix allocator_of(const struct profile *profile, const struct cut_stack *stack)
{
    if (!profile->allocator_is_innermost || stack->leaf == ADDRESS_NONE)
        return MAP_NONE;
    const map_ix map = profile->addr_map[stack->leaf];
    if (map == MAP_NONE || !profile->maps[map].is_library)
        return MAP_NONE;
    const struct span path = strings_span(profile->strings, profile->maps[map].path);
    return span_find_text(span_file_name(path), "jemalloc") != SIZE_MAX ? map : MAP_NONE;
}

/* Addresses to leave out, a byte each; NULL: none. */
struct unwanted {
    const uint8_t *by_kind; /* what profiles of the kind have for their own sake */
    const uint8_t *by_name; /* what the user does not want; a stack of nothing else goes, too */
};

static uint32_t leave_out(addr_ix *addrs, uint32_t depth, const uint8_t *is_unwanted)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < depth; i++) {
        if (!is_unwanted[addrs[i]])
            addrs[kept++] = addrs[i];
    }
    return kept;
}

/* The stacks without unwanted addresses, equal ones once; new_of tells what became of each. */
static void join_stacks(struct view *view, const struct cut_stack *stacks, uint32_t n,
                        struct unwanted unwanted, uint32_t *new_of)
{
    const uint8_t *is_unwanted = unwanted.by_kind;
    size_t n_addrs = 0;
    for (uint32_t i = 0; i < n; i++)
        n_addrs += (size_t)stacks[i].n_rest + 1;
    struct join join;
    join_begin(&join, view->arena, n, n_addrs);
    for (uint32_t i = 0; i < n; i++) {
        addr_ix *p = join_room(&join);
        const struct cut_stack *s = &stacks[i];
        const map_ix allocator = allocator_of(view->profile, s);
        uint32_t depth = 0;
        bool is_inside = allocator != MAP_NONE;
        if (s->leaf != ADDRESS_NONE && !(is_unwanted && is_unwanted[s->leaf]))
            p[depth++] = s->leaf;
        for (uint32_t k = 0; k < s->n_rest; k++) {
            is_inside = is_inside && view->profile->addr_map[s->rest[k]] == allocator;
            if (!is_inside && !(is_unwanted && is_unwanted[s->rest[k]]))
                p[depth++] = s->rest[k];
            else if (view->profile->allocator_is_innermost)
                depth = 0; /* whatever is inside the allocator goes with it */
        }
        if (unwanted.by_name)
            depth = leave_out(p, depth, unwanted.by_name);
        new_of[s->stack] = unwanted.by_name && depth == 0 ? STACK_NONE : join_add(&join, depth);
    }
    join_end(&join, view);
}

/* ---- all of it ----------------------------------------------------------------------------------
 */

static void add_values(struct view *view, const uint32_t *new_of)
{
    const struct profile *profile = view->profile;
    view->stack_value = arena_alloc(view->arena, view->n_stacks, sizeof view->stack_value[0]);
    if (view->column >= profile->n_columns)
        return;
    const double *values = profile_values(profile, view->column);
    for (uint32_t i = 0; i < profile->n_samples; i++) {
        const stack_ix stack = profile->sample_stack[i];
        const uint32_t to = new_of ? new_of[stack] : stack;
        if (profile->sample_label[i] == view->label && to != STACK_NONE)
            view->stack_value[to] += values[i];
    }
}

/* The stacks that have samples, in their order. */
static struct cut_stack *list_stacks(const struct view *view, uint32_t *n)
{
    const struct profile *profile = view->profile;
    uint8_t *has_sample = base_alloc(profile->n_stacks, 1);
    for (uint32_t i = 0; i < profile->n_samples; i++) {
        if (profile->sample_label[i] == view->label)
            has_sample[profile->sample_stack[i]] = 1;
    }
    struct cut_stack *stacks = base_alloc(profile->n_stacks, sizeof *stacks);
    *n = 0;
    for (stack_ix s = 0; s < profile->n_stacks; s++) {
        if (!has_sample[s])
            continue;
        const uint32_t begin = profile->stack_at[s], depth = profile->stack_at[s + 1] - begin;
        stacks[(*n)++] = (struct cut_stack){
            .stack = s,
            .leaf = depth ? profile->stack_addr[begin] : ADDRESS_NONE,
            .rest = profile->stack_addr + begin + (depth ? 1 : 0),
            .n_rest = depth ? depth - 1 : 0,
        };
    }
    base_free(has_sample);
    return stacks;
}

/* A byte each address whose physical function is not to be seen; NULL: all are. */
static uint8_t *find_unretained(const struct view *view, const struct regex *retain,
                                const struct regex *exclude)
{
    if (!retain && !exclude)
        return NULL;
    const uint32_t n = view->profile->n_addrs;
    const uint32_t n_frames = view->symbols ? view->symbols->n_frames : 0;
    enum { UNKNOWN, WANTED, UNWANTED };
    uint8_t *of_frame = base_alloc(n_frames, 1);
    uint8_t *is_unwanted = base_alloc(n, 1);
    for (addr_ix a = 0; a < n; a++) {
        const struct frame *frame = view_physical(view, a);
        const bool is_stand_in = frame == view->blank || frame == view->missing;
        uint8_t *known = is_stand_in ? NULL : &of_frame[frame - view->symbols->frames];
        if (!known || *known == UNKNOWN) {
            char text[20];
            const struct span name = span_of(view_name_text(view, a, frame, text));
            is_unwanted[a] = (retain && !regex_matches(retain, name)) ||
                             (exclude && regex_matches(exclude, name));
            if (known)
                *known = is_unwanted[a] ? UNWANTED : WANTED;
        } else {
            is_unwanted[a] = *known == UNWANTED;
        }
    }
    base_free(of_frame);
    return is_unwanted;
}

void prune_stacks(struct view *view, const struct view_options *options, struct notes *notes)
{
    const struct profile *profile = view->profile;
    const bool keep_signal_frames = options->keep_signal_frames;
    uint32_t n;
    struct cut_stack *stacks = list_stacks(view, &n);
    bool is_cut = n != profile->n_stacks || profile->allocator_is_innermost;
    if (profile->kind == PROFILE_CPU && !profile->signals_left_out && n) {
        const uint32_t before = stacks[0].n_rest;
        cut_common_seconds(view, stacks, n, keep_signal_frames, notes);
        is_cut |= stacks[0].n_rest != before;
    }
    uint8_t *by_kind = find_unwanted(view, keep_signal_frames);
    uint8_t *by_name = find_unretained(view, options->retain, options->exclude);

    if (is_cut || by_kind || by_name) {
        uint32_t *new_of = arena_alloc(view->arena, profile->n_stacks, sizeof *new_of);
        memset(new_of, 0xff, profile->n_stacks * sizeof *new_of);
        join_stacks(view, stacks, n, (struct unwanted){.by_kind = by_kind, .by_name = by_name},
                    new_of);
        add_values(view, new_of);
        view->stack_of = new_of;
    } else {
        view->stack_at = profile->stack_at;
        view->stack_addr = profile->stack_addr;
        view->n_stacks = n;
        add_values(view, NULL);
    }
    base_free(by_kind);
    base_free(by_name);
    base_free(stacks);
}
