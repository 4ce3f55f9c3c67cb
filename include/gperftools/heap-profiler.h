/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The heap profiler: who made the blocks that live, and all that were ever made. Link with
 * -ltcmalloc (and -Wl,--no-as-needed before it, if nothing here is called), or preload
 * libtcmalloc.so.4.
 *
 * Without a call, the variable HEAPPROFILE=PREFIX profiles the whole run into files
 * PREFIX.0001.heap, PREFIX.0002.heap and so on. See cprof-runtime(7) for all variables. Profiles
 * are read by cprof, pprof and others.
 *
 * Only HeapProfilerDump may be called from signal handlers. */
#ifndef GPERFTOOLS_HEAP_PROFILER_H_
#define GPERFTOOLS_HEAP_PROFILER_H_

#ifdef __cplusplus
extern "C" {
#endif

/* Begins a profile: blocks that are made from now on are followed. Files have names that begin with
 * the prefix. Nothing happens when one is on. */
void HeapProfilerStart(const char *prefix);

/* 1 while a profile is on, else 0. */
int IsHeapProfilerRunning(void);

/* Ends it and forgets what it knew; nothing is written. */
void HeapProfilerStop(void);

/* Writes the next file; the reason is said in the message. Nothing happens when no profile is on,
 * or another file is being written. In a signal handler that interrupted the allocator the file is
 * written when its call is over. */
void HeapProfilerDump(const char *reason);

/* The profile as a string, which the caller frees; an empty one when none is on, NULL when there is
 * no memory. */
char *GetHeapProfile(void);

#ifdef __cplusplus
}
#endif

#endif
