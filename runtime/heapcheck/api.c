/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The functions of gperftools/heap-checker-c.h, and those that programs call which were compiled
 * against the ancestor's heap-checker.h: C functions with the names of C++ ones. Of a checker's
 * object only the first word is used. */
#include "heapcheck/internal.h"

#include "base/message.h"
#include "gperftools/heap-checker-c.h"
#include "unwind/unwind.h"

#pragma GCC diagnostic ignored "-Wmissing-prototypes" /* C++ declares what is defined here */

EXPORTED int HeapLeakChecker_IsActive(void)
{
    return checker_is_on();
}

EXPORTED HeapLeakChecker_State *HeapLeakChecker_GlobalChecker(void)
{
    return checker_global();
}

/* Checks from the caller of one of these functions on. */
static __attribute__((noinline)) bool check(HeapLeakChecker_State *checker, uintptr_t sp)
{
    const struct own_frame frame = frame_above(sp);
    return checker_check(checker, &frame, false);
}

EXPORTED int HeapLeakChecker_NoGlobalLeaks(void)
{
    HeapLeakChecker_State *global = checker_global();
    return !global || check(global, CALLER().sp);
}

EXPORTED void HeapLeakChecker_CancelGlobalCheck(void)
{
    checker_cancel();
}

EXPORTED HeapLeakChecker_State *HeapLeakChecker_New(const char *name)
{
    return checker_new(name);
}

EXPORTED void HeapLeakChecker_Delete(HeapLeakChecker_State *checker)
{
    checker_delete(checker);
}

EXPORTED int HeapLeakChecker_NoLeaks(HeapLeakChecker_State *checker)
{
    return check(checker, CALLER().sp);
}

EXPORTED ssize_t HeapLeakChecker_BytesLeaked(const HeapLeakChecker_State *checker)
{
    return checker_bytes(checker);
}

EXPORTED ssize_t HeapLeakChecker_ObjectsLeaked(const HeapLeakChecker_State *checker)
{
    return checker_objects(checker);
}

EXPORTED void HeapLeakChecker_DisableBegin(void)
{
    checker_disable(1);
}

EXPORTED void HeapLeakChecker_DisableEnd(void)
{
    checker_disable(-1);
}

EXPORTED void HeapLeakChecker_IgnoreObject(const void *p)
{
    if (!checker_is_on())
        return;
    checker_lock();
    const enum ignored result = ignore_object(p);
    checker_unlock();
    if (result == IGNORED_NO_OBJECT)
        message_say(MESSAGE_ERROR, "No live heap object at %p to ignore", p);
    else if (result == IGNORED_BEFORE)
        message_say(MESSAGE_WARNING, "Object at %p is already being ignored", p);
    else if (result == IGNORED_NO_MEMORY)
        message_say(MESSAGE_ERROR, "Object at %p cannot be ignored: out of memory", p);
}

EXPORTED void HeapLeakChecker_UnIgnoreObject(const void *p)
{
    if (!checker_is_on())
        return;
    checker_lock();
    const enum ignored result = unignore_object(p);
    checker_unlock();
    if (result == IGNORED_NO_OBJECT)
        message_say(MESSAGE_FATAL, "No live heap object at %p to un-ignore", p);
    else if (result == IGNORED_BEFORE)
        message_say(MESSAGE_FATAL, "Object at %p has not been ignored", p);
}

EXPORTED void HeapLeakChecker_AddCleanup(void (*cleanup)(void))
{
    start_add_cleanup(cleanup);
}

EXPORTED void HeapLeakChecker_AddRootRegion(const void *start, size_t size)
{
    checker_lock();
    const bool is_added = roots_add(start, size);
    checker_unlock();
    if (!is_added)
        message_say(MESSAGE_ERROR, "Region at %p cannot be a root: out of memory", start);
}

EXPORTED void HeapLeakChecker_RemoveRootRegion(const void *start, size_t size)
{
    checker_lock();
    const bool is_removed = roots_remove(start, size);
    checker_unlock();
    if (!is_removed)
        message_say(MESSAGE_ERROR, "Region at %p of %zu bytes is no root", start, size);
}

/* ---- the names of C++ -------------------------------------------------------------------------
 */

struct cxx_checker {
    HeapLeakChecker_State *state;
    char room[48];
};

#define CXX(result, label, name, ...) EXPORTED result name(__VA_ARGS__) __asm__(label)

CXX(void, "_ZN15HeapLeakCheckerC1EPKc", cxx_new1, struct cxx_checker *this, const char *name);
CXX(void, "_ZN15HeapLeakCheckerC2EPKc", cxx_new2, struct cxx_checker *this, const char *name);
CXX(void, "_ZN15HeapLeakCheckerD1Ev", cxx_delete1, struct cxx_checker *this);
CXX(void, "_ZN15HeapLeakCheckerD2Ev", cxx_delete2, struct cxx_checker *this);
CXX(bool, "_ZN15HeapLeakChecker9DoNoLeaksENS_15ShouldSymbolizeE", cxx_no_leaks,
    struct cxx_checker *this, int symbolizes);
CXX(ssize_t, "_ZNK15HeapLeakChecker11BytesLeakedEv", cxx_bytes, const struct cxx_checker *this);
CXX(ssize_t, "_ZNK15HeapLeakChecker13ObjectsLeakedEv", cxx_objects, const struct cxx_checker *this);
CXX(bool, "_ZN15HeapLeakChecker8IsActiveEv", cxx_is_active, void);
CXX(struct cxx_checker *, "_ZN15HeapLeakChecker13GlobalCheckerEv", cxx_global, void);
CXX(bool, "_ZN15HeapLeakChecker13NoGlobalLeaksEv", cxx_no_global_leaks, void);
CXX(void, "_ZN15HeapLeakChecker17CancelGlobalCheckEv", cxx_cancel, void);
CXX(void, "_ZN15HeapLeakChecker14DoIgnoreObjectEPKv", cxx_ignore, const void *p);
CXX(void, "_ZN15HeapLeakChecker14UnIgnoreObjectEPKv", cxx_unignore, const void *p);
CXX(void, "_ZN15HeapLeakChecker8DisablerC1Ev", cxx_disable1, void *this);
CXX(void, "_ZN15HeapLeakChecker8DisablerC2Ev", cxx_disable2, void *this);
CXX(void, "_ZN15HeapLeakChecker8DisablerD1Ev", cxx_enable1, void *this);
CXX(void, "_ZN15HeapLeakChecker8DisablerD2Ev", cxx_enable2, void *this);
CXX(void, "_ZN11HeapCleanerC1EPFvvE", cxx_clean1, void *this, void (*cleanup)(void));
CXX(void, "_ZN11HeapCleanerC2EPFvvE", cxx_clean2, void *this, void (*cleanup)(void));
CXX(void, "_ZN11HeapCleaner15RunHeapCleanupsEv", cxx_run_cleanups, void);

void cxx_new1(struct cxx_checker *this, const char *name)
{
    this->state = checker_new(name);
}

void cxx_new2(struct cxx_checker *this, const char *name)
{
    this->state = checker_new(name);
}

void cxx_delete1(struct cxx_checker *this)
{
    checker_delete(this->state);
}

void cxx_delete2(struct cxx_checker *this)
{
    checker_delete(this->state);
}

bool cxx_no_leaks(struct cxx_checker *this, int symbolizes)
{
    (void)symbolizes; /* only the check at the end does */
    return check(this->state, CALLER().sp);
}

ssize_t cxx_bytes(const struct cxx_checker *this)
{
    return checker_bytes(this->state);
}

ssize_t cxx_objects(const struct cxx_checker *this)
{
    return checker_objects(this->state);
}

bool cxx_is_active(void)
{
    return checker_is_on();
}

struct cxx_checker *cxx_global(void)
{
    static struct cxx_checker global;
    global.state = checker_global();
    return global.state ? &global : NULL;
}

bool cxx_no_global_leaks(void)
{
    HeapLeakChecker_State *global = checker_global();
    return !global || check(global, CALLER().sp);
}

void cxx_cancel(void)
{
    checker_cancel();
}

void cxx_ignore(const void *p)
{
    HeapLeakChecker_IgnoreObject(p);
}

void cxx_unignore(const void *p)
{
    HeapLeakChecker_UnIgnoreObject(p);
}

void cxx_disable1(void *this)
{
    (void)this;
    checker_disable(1);
}

void cxx_disable2(void *this)
{
    (void)this;
    checker_disable(1);
}

void cxx_enable1(void *this)
{
    (void)this;
    checker_disable(-1);
}

void cxx_enable2(void *this)
{
    (void)this;
    checker_disable(-1);
}

void cxx_clean1(void *this, void (*cleanup)(void))
{
    (void)this;
    start_add_cleanup(cleanup);
}

void cxx_clean2(void *this, void (*cleanup)(void))
{
    (void)this;
    start_add_cleanup(cleanup);
}

void cxx_run_cleanups(void)
{
    start_run_cleanups();
}
