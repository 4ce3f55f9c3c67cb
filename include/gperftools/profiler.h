/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The CPU profiler: where a program spends its time, by looking at its stacks many times a second
 * of CPU time. Link with -lprofiler (and -Wl,--no-as-needed before it, if nothing here is called),
 * or preload libprofiler.so.0.
 *
 * Without a call, the variable CPUPROFILE=FILE profiles the whole run. See cprof-runtime(7) for all
 * variables. Profiles are read by cprof, pprof and others.
 *
 * All functions may be called by any thread, and also in signal handlers. */
#ifndef GPERFTOOLS_PROFILER_H_
#define GPERFTOOLS_PROFILER_H_

#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ProfilerOptions {
    /* Called at each tick, in a signal handler: 0 leaves the tick out. NULL: all are taken. */
    int (*filter_in_thread)(void *arg);
    void *filter_in_thread_arg;
};

struct ProfilerState {
    int enabled;
    time_t start_time;
    char profile_name[1024]; /* cut to what fits */
    int samples_gathered;    /* since the start */
};

/* Begins to write a profile to the file, which is created or emptied. 1, or 0: one is already on,
 * the file cannot be opened (see errno), or the program uses the signal SIGPROF itself. */
int ProfilerStart(const char *fname);
int ProfilerStartWithOptions(const char *fname, const struct ProfilerOptions *options);

/* Ends it: the file is complete when this returns. Nothing happens when none is on. */
void ProfilerStop(void);

/* Brings the file up to date and goes on. */
void ProfilerFlush(void);

/* Do nothing; kept for programs that call them. */
void ProfilerEnable(void);
void ProfilerDisable(void);

/* 1 while a profile is on. */
int ProfilingIsEnabledForAllThreads(void);

/* For threads that were made in unusual ways; all others are known without it. */
void ProfilerRegisterThread(void);

void ProfilerGetCurrentState(struct ProfilerState *state);

/* Return addresses of the calling thread's stack, innermost first, or of what a signal interrupted,
 * if the handler's third argument is given. The number that was written. Never faults. */
int ProfilerGetStackTrace(void **result, int max_depth, int skip_count, const void *uc);

#ifdef __cplusplus
}
#endif

#endif
