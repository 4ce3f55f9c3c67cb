/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Stacks of the calling thread, for C++ programs. Safe in signal handlers; never faults. */
#ifndef GPERFTOOLS_STACKTRACE_H_
#define GPERFTOOLS_STACKTRACE_H_

/* Writes up to max_depth return addresses, innermost first, the caller's own being number 0 before
 * skip_count are left out. The number that was written. */
extern int GetStackTrace(void **result, int max_depth, int skip_count);

/* Sizes of frames are not known: each is 0. */
extern int GetStackFrames(void **result, int *sizes, int max_depth, int skip_count);

/* The same from the third argument of a signal handler: number 0 is the interrupted instruction.
 * NULL: from the caller. */
extern int GetStackTraceWithContext(void **result, int max_depth, int skip_count, const void *uc);
extern int GetStackFramesWithContext(void **result, int *sizes, int max_depth, int skip_count,
                                     const void *uc);

#endif
