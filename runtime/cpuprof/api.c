/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The functions of gperftools/profiler.h and gperftools/stacktrace.h; the latter have names of C++
 * functions. */
#include "cpuprof/internal.h"

#include "unwind/unwind.h"

EXPORTED int ProfilerStart(const char *fname)
{
    return profile_start(fname, NULL, PROFILE_BY_CALL);
}

EXPORTED int ProfilerStartWithOptions(const char *fname, const struct ProfilerOptions *options)
{
    return profile_start(fname, options, PROFILE_BY_CALL);
}

EXPORTED void ProfilerStop(void)
{
    profile_stop();
}

EXPORTED void ProfilerFlush(void)
{
    profile_flush();
}

EXPORTED void ProfilerEnable(void)
{
}

EXPORTED void ProfilerDisable(void)
{
}

EXPORTED int ProfilingIsEnabledForAllThreads(void)
{
    return profile_is_on();
}

EXPORTED void ProfilerRegisterThread(void)
{
    timers_enter(0);
}

EXPORTED void ProfilerGetCurrentState(struct ProfilerState *state)
{
    profile_state(state);
}

/* One more frame is left out than is asked for: the exported function itself. With a context there
 * is none of ours. */
static inline __attribute__((always_inline)) int capture(void **result, int max, int skip,
                                                         const void *context)
{
    union {
        void **given;
        uintptr_t *pcs;
    } as = {result};
    if (max <= 0)
        return 0;
    const size_t skipped = (skip > 0 ? (size_t)skip : 0) + (context ? 0 : 1);
    return (int)unwind(as.pcs, (size_t)max, skipped, context);
}

EXPORTED int ProfilerGetStackTrace(void **result, int max_depth, int skip_count, const void *uc)
{
    return capture(result, max_depth, skip_count, uc);
}

EXPORTED int get_stack_trace(void **result, int max_depth,
                             int skip_count) __asm__("_Z13GetStackTracePPvii");
EXPORTED int get_stack_frames(void **result, int *sizes, int max_depth,
                              int skip_count) __asm__("_Z14GetStackFramesPPvPiii");
EXPORTED int get_stack_trace_with_context(
    void **result, int max_depth, int skip_count,
    const void *uc) __asm__("_Z24GetStackTraceWithContextPPviiPKv");
EXPORTED int get_stack_frames_with_context(
    void **result, int *sizes, int max_depth, int skip_count,
    const void *uc) __asm__("_Z25GetStackFramesWithContextPPvPiiiPKv");

int get_stack_trace(void **result, int max_depth, int skip_count)
{
    return capture(result, max_depth, skip_count, NULL);
}

int get_stack_trace_with_context(void **result, int max_depth, int skip_count, const void *uc)
{
    return capture(result, max_depth, skip_count, uc);
}

int get_stack_frames(void **result, int *sizes, int max_depth, int skip_count)
{
    const int n = capture(result, max_depth, skip_count, NULL);
    for (int i = 0; i < n; i++)
        sizes[i] = 0;
    return n;
}

int get_stack_frames_with_context(void **result, int *sizes, int max_depth, int skip_count,
                                  const void *uc)
{
    const int n = capture(result, max_depth, skip_count, uc);
    for (int i = 0; i < n; i++)
        sizes[i] = 0;
    return n;
}
