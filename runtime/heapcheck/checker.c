/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Checkers: the one of the whole program and those of parts of it, which take what there is when
 * they are made as what was before. What was before is a flag of each object, of which there are
 * four; checkers beyond that have a list of addresses, which cannot tell a block that took the
 * place of another. */
#include "heapcheck/internal.h"

#include <limits.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/arena.h"
#include "base/env.h"
#include "base/lock.h"
#include "base/message.h"
#include "base/syscall.h"

enum { NAME_ROOM = 200, BASES = 4, SITES_SHOWN = 20, OFFSET_MOST = 1024 };

struct HeapLeakChecker_State {
    struct HeapLeakChecker_State *next; /* among those that are free */
    char name[NAME_ROOM];
    struct base base;
    bool was_on; /* when it was made */
    bool is_checked;
    ssize_t bytes, objects;
};

static struct {
    struct lock lock; /* guards checkers, ignored objects, root regions, and one check at a time */
    _Atomic pid_t checking; /* the thread that holds it */
    bool is_on;
    const struct mode *mode;
    uint8_t bases; /* in use */
    struct HeapLeakChecker_State *unused;
    struct HeapLeakChecker_State global;
    bool has_global;
} checkers;

static __thread int disabled;

void checker_lock(void)
{
    lock_take(&checkers.lock);
    checkers.checking = sys_gettid();
}

void checker_unlock(void)
{
    checkers.checking = 0;
    lock_drop(&checkers.lock);
}

bool checker_is_on(void)
{
    return __atomic_load_n(&checkers.is_on, __ATOMIC_ACQUIRE);
}

struct HeapLeakChecker_State *checker_global(void)
{
    return checkers.has_global ? &checkers.global : NULL;
}

static void name_checker(struct HeapLeakChecker_State *checker, const char *name)
{
    (void)text_print(checker->name, NAME_ROOM, "%s", name);
}

void checker_start(const struct mode *mode)
{
    checkers.mode = mode;
    if (mode->checks_all) {
        name_checker(&checkers.global, "_main_");
        checkers.global.was_on = true;
        checkers.has_global = true;
    }
    __atomic_store_n(&checkers.is_on, true, __ATOMIC_RELEASE);
}

void checker_cancel(void)
{
    if (checkers.has_global)
        message_say(MESSAGE_NOTICE,
                    "Canceling the automatic at-exit whole-program memory leak check");
    checkers.has_global = false;
}

/* ---- what was before --------------------------------------------------------------------------
 */

static void note_base(void *to, const struct object *object)
{
    struct base *base = to;
    uintptr_t *next;
    if (base->flag) {
        objects_change_flags(object, base->flag, 0);
    } else if ((next = pile_next(&base->starts, sizeof *next))) {
        *next = object->start;
        base->starts.n++;
    }
}

static uint8_t free_base(void)
{
    for (int i = 0; i < BASES; i++) {
        const uint8_t flag = (uint8_t)(OBJECT_BASE << i);
        if (!(checkers.bases & flag))
            return flag;
    }
    return 0;
}

void checker_take_base(struct HeapLeakChecker_State *checker)
{
    struct base *base = &checker->base;
    if (!base->flag)
        base->flag = free_base();
    checkers.bases |= base->flag;
    objects_freeze();
    objects_clear_flags(base->flag);
    objects_each(note_base, base);
    objects_thaw();
}

static bool is_name_good(const char *name)
{
    return name && *name && !strchr(name, '/') && strcmp(name, "_main_") != 0;
}

struct HeapLeakChecker_State *checker_new(const char *name)
{
    static struct HeapLeakChecker_State none = {.is_checked = true}; /* when there is no memory */
    if (!is_name_good(name))
        message_say(MESSAGE_FATAL, "HeapLeakChecker: \"%s\" cannot be the name of a checker",
                    name ? name : "");
    checker_lock();
    struct HeapLeakChecker_State *checker = checkers.unused;
    if (checker)
        checkers.unused = checker->next;
    else
        checker = arena_take(sizeof *checker);
    if (checker) {
        *checker = (struct HeapLeakChecker_State){.was_on = checkers.is_on};
        name_checker(checker, name);
        if (checker->was_on)
            checker_take_base(checker);
    }
    checker_unlock();
    if (!checker)
        return &none;
    if (!checker->was_on)
        message_say(MESSAGE_WARNING,
                    "Heap checker is not active, hence checker \"%s\" will do nothing!\n"
                    "To activate set the HEAPCHECK environment variable.\n",
                    name);
    return checker;
}

void checker_delete(struct HeapLeakChecker_State *checker)
{
    if (checker->was_on && !checker->is_checked)
        message_say(MESSAGE_FATAL,
                    "Some *NoLeaks|SameHeap method must be called on any created HeapLeakChecker");
    if (!*checker->name)
        return;
    checker_lock();
    checkers.bases &= (uint8_t)~checker->base.flag;
    pile_free(&checker->base.starts);
    checker->next = checkers.unused;
    checkers.unused = checker;
    checker_unlock();
}

static void require_checked(const struct HeapLeakChecker_State *checker)
{
    if (!checker->is_checked)
        message_say(MESSAGE_FATAL, "*NoLeaks|SameHeap must execute before this call");
}

ssize_t checker_bytes(const struct HeapLeakChecker_State *checker)
{
    require_checked(checker);
    return checker->bytes;
}

ssize_t checker_objects(const struct HeapLeakChecker_State *checker)
{
    require_checked(checker);
    return checker->objects;
}

void checker_disable(int more)
{
    disabled += more;
    const uint8_t others = objects_flags_now() & (uint8_t)~OBJECT_DISABLED;
    objects_flags_for_new(disabled > 0 ? others | OBJECT_DISABLED : others);
}

/* ---- a check ----------------------------------------------------------------------------------
 */

static struct check make_check(const struct HeapLeakChecker_State *checker,
                               const struct own_frame *frame)
{
    const int64_t offset = env_int("HEAP_CHECK_MAX_POINTER_OFFSET", OFFSET_MOST);
    const int64_t step = env_int("HEAP_CHECK_POINTER_SOURCE_ALIGNMENT", sizeof(uintptr_t));
    return (struct check){
        .roots = checkers.mode->roots,
        .rules = {.step = step > 0 ? (size_t)step : sizeof(uintptr_t),
                  .most_offset = offset < 0 ? SIZE_MAX : (size_t)offset,
                  .other_form = (uintptr_t)env_hex("HEAP_CHECK_POINTER_XOR")},
        .base = &checker->base,
        .is_by_signal = env_bool("HEAP_CHECK_RUN_UNDER_GDB", false),
        .frame = *frame,
    };
}

static void say_findings(const struct findings *findings)
{
    if (!findings->has_threads) {
        message_say(MESSAGE_WARNING, "Thread finding failed with %d errno=%d", -1,
                    findings->refusal);
        message_say(MESSAGE_ERROR,
                    "Could not find thread stacks. Will likely report false leak positives.");
    }
    if (findings->unknown > 0)
        message_say(MESSAGE_ERROR,
                    "Thread stacks not found for %d threads. Will likely report false leak "
                    "positives.",
                    (int)findings->unknown);
    if (findings->gone)
        message_say(MESSAGE_FATAL,
                    "Object at %p of %zu bytes from an IgnoreObject() has disappeared",
                    (void *)findings->gone, findings->gone_size);
}

static void run(const struct check *check, struct findings *findings)
{
    if (!check->roots.threads)
        message_say(MESSAGE_WARNING, "Not looking for thread stacks; objects reachable only from "
                                     "there will be reported as leaks");
    check_run(check, findings);
    say_findings(findings);
}

/* Whether leaks go away when any address may hold a pointer. */
static void try_alignment(const struct check *check)
{
    struct check other = *check;
    struct findings findings;
    if (check->rules.step == 1) {
        message_say(MESSAGE_WARNING, "--heap_check_test_pointer_alignment has no effect: "
                                     "--heap_check_pointer_source_alignment was already set to 1");
        return;
    }
    other.rules.step = 1;
    check_run(&other, &findings);
    if (findings.leaks.objects == 0) {
        message_say(MESSAGE_WARNING,
                    "Found no leaks without pointer alignment: something might be placing pointers "
                    "at unaligned addresses! This needs to be fixed.");
    } else {
        message_say(MESSAGE_INFO, "Found leaks without pointer alignment as well: unaligned "
                                  "pointers must not be the cause of leaks.");
        message_say(MESSAGE_INFO,
                    "--heap_check_test_pointer_alignment did not help to diagnose the leaks.");
    }
    leaks_free(&findings.leaks);
}

/* What suppressions name, and what the C library keeps where no globals are looked at, is taken out
 * with all that it points to: by a second check. */
static void suppress(struct check *check, struct findings *findings, struct symbols *symbols,
                     struct pile *excused)
{
    if (symbols && suppressions_are_wanted() &&
        !(symbols_collect(symbols, &findings->leaks, findings->leaks.sites.n) &&
          symbols_ask(symbols, true)))
        symbols_free(symbols);
    const size_t found =
        suppressions_apply(&findings->leaks, !check->roots.globals, symbols, excused);
    if (found == 0)
        return;
    const size_t objects = findings->leaks.objects, bytes = findings->leaks.bytes;
    leaks_free(&findings->leaks);
    check->excused = excused;
    check_run(check, findings);
    if (suppressions_are_wanted())
        message_say(MESSAGE_NOTICE, "Suppressed leaks of %zu bytes in %zu objects",
                    bytes - findings->leaks.bytes, objects - findings->leaks.objects);
}

static void report(const struct HeapLeakChecker_State *checker, struct leaks *leaks,
                   struct symbols *symbols)
{
    static char path[PATH_MAX]; /* the checker's lock guards it */
    start_dump_path(path, sizeof path, checker->name);
    report_leaks(&(struct report){
        .name = checker->name,
        .dump = path,
        .leaks = leaks,
        .symbols = symbols,
        .most = env_int("HEAP_CHECK_MAX_LEAKS", SITES_SHOWN),
        .identifies = env_bool("HEAP_CHECK_IDENTIFY_LEAKS", false),
    });
}

static void say_clean(const struct HeapLeakChecker_State *checker, const struct check *check,
                      const struct leaks *leaks)
{
    if (check->rules.most_offset == SIZE_MAX)
        message_say(MESSAGE_WARNING,
                    "Found no leaks without max_pointer_offset restriction: it's possible that the "
                    "default value of heap_check_max_pointer_offset flag is too low. Do you use "
                    "pointers with larger than that offsets pointing in the middle of "
                    "heap-allocated objects?");
    message_say(MESSAGE_NOTICE,
                "No leaks found for check \"%s\" (but no 100%% guarantee that there aren't any): "
                "found %ld reachable heap objects of %ld bytes",
                checker->name, (long)leaks->live_objects, (long)leaks->live_bytes);
}

/* Where not all could be looked at, what was not reached says nothing. */
static bool is_known(const struct findings *findings)
{
    return findings->leaks.is_complete && findings->has_areas;
}

static bool has_leaks(const struct findings *findings)
{
    return is_known(findings) && findings->leaks.objects > 0;
}

static bool check_locked(struct HeapLeakChecker_State *checker, const struct own_frame *frame,
                         bool symbolizes)
{
    struct check check = make_check(checker, frame);
    struct findings findings;
    struct pile excused = {0};
    struct symbols names = {0}, *symbols = symbolizes ? &names : NULL;
    run(&check, &findings);
    if (has_leaks(&findings) && env_bool("HEAP_CHECK_TEST_POINTER_ALIGNMENT", false))
        try_alignment(&check);
    if (has_leaks(&findings) && (suppressions_are_wanted() || !check.roots.globals))
        suppress(&check, &findings, symbols, &excused);
    if (!is_known(&findings)) {
        message_say(MESSAGE_ERROR, "Leak check %s: %s, nothing is known", checker->name,
                    findings.has_areas ? "out of memory" : "/proc/self/maps cannot be read");
        findings.leaks.objects = findings.leaks.bytes = 0;
    } else if (findings.leaks.objects > 0) {
        report(checker, &findings.leaks, symbols);
    } else {
        say_clean(checker, &check, &findings.leaks);
    }
    checker->bytes = (ssize_t)findings.leaks.bytes;
    checker->objects = (ssize_t)findings.leaks.objects;
    leaks_free(&findings.leaks);
    pile_free(&excused);
    symbols_free(&names);
    return checker->objects == 0;
}

bool checker_check(struct HeapLeakChecker_State *checker, const struct own_frame *frame,
                   bool symbolizes)
{
    checker->is_checked = true;
    if (!checker->was_on || !checkers.is_on)
        return true;
    if (checkers.checking == sys_gettid()) {
        message_say(
            MESSAGE_ERROR,
            "Leak check %s: called within a check, from a signal's handler; nothing is done",
            checker->name);
        return true;
    }
    const int kept = errno;
    checker_lock();
    const bool is_clean = check_locked(checker, frame, symbolizes);
    checker_unlock();
    errno = kept;
    return is_clean;
}
