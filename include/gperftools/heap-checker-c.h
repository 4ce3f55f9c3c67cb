/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The heap leak checker, for C. It is on when the program was started with HEAPCHECK=normal (or
 * minimal, strict, draconian, as-is, local) and libtcmalloc; otherwise every check answers that
 * there are no leaks. */
#ifndef GPERFTOOLS_HEAP_CHECKER_C_H
#define GPERFTOOLS_HEAP_CHECKER_C_H

#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* With this defined, a program can be linked and run without libtcmalloc. */
#ifdef HEAP_CHECKER_IS_OPTIONAL
#define HEAP_CHECKER_FUNCTION __attribute__((weak))
#else
#define HEAP_CHECKER_FUNCTION
#endif

typedef struct HeapLeakChecker_State HeapLeakChecker_State;

HEAP_CHECKER_FUNCTION int HeapLeakChecker_IsActive(void);

/* The checker of the whole program, which checks at its end; NULL if there is none. */
HEAP_CHECKER_FUNCTION HeapLeakChecker_State *HeapLeakChecker_GlobalChecker(void);
/* That check now, too: 1 when there are no leaks. */
HEAP_CHECKER_FUNCTION int HeapLeakChecker_NoGlobalLeaks(void);
/* No check at the end. */
HEAP_CHECKER_FUNCTION void HeapLeakChecker_CancelGlobalCheck(void);

/* A checker of what is allocated from now on. The name becomes part of a file's name. Never NULL.
 */
HEAP_CHECKER_FUNCTION HeapLeakChecker_State *HeapLeakChecker_New(const char *name);
/* The program ends with a message if it never asked. */
HEAP_CHECKER_FUNCTION void HeapLeakChecker_Delete(HeapLeakChecker_State *checker);
/* 1 when all that was allocated since is freed, reachable or ignored; else it is reported. May be
 * called again. */
HEAP_CHECKER_FUNCTION int HeapLeakChecker_NoLeaks(HeapLeakChecker_State *checker);
/* Of the last check. */
HEAP_CHECKER_FUNCTION ssize_t HeapLeakChecker_BytesLeaked(const HeapLeakChecker_State *checker);
HEAP_CHECKER_FUNCTION ssize_t HeapLeakChecker_ObjectsLeaked(const HeapLeakChecker_State *checker);

/* Between these, what this thread allocates is no leak, nor what only that points to. They nest. */
HEAP_CHECKER_FUNCTION void HeapLeakChecker_DisableBegin(void);
HEAP_CHECKER_FUNCTION void HeapLeakChecker_DisableEnd(void);

/* The block that has the address is no leak, nor what it points to. It must not be freed while it
 * is ignored. */
HEAP_CHECKER_FUNCTION void HeapLeakChecker_IgnoreObject(const void *p);
HEAP_CHECKER_FUNCTION void HeapLeakChecker_UnIgnoreObject(const void *p);

/* Runs before the check at the end, if there is one, in order of registration. */
HEAP_CHECKER_FUNCTION void HeapLeakChecker_AddCleanup(void (*cleanup)(void));

/* Memory that the program manages itself: what it points to is no leak. */
HEAP_CHECKER_FUNCTION void HeapLeakChecker_AddRootRegion(const void *start, size_t size);
HEAP_CHECKER_FUNCTION void HeapLeakChecker_RemoveRootRegion(const void *start, size_t size);

#ifdef __cplusplus
}
#endif

#endif
