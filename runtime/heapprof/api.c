/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The functions of gperftools/heap-profiler.h. */
#include "gperftools/heap-profiler.h"

#include "heapprof/internal.h"

#define EXPORTED __attribute__((visibility("default")))

EXPORTED void HeapProfilerStart(const char *prefix)
{
    heap_profile_start(prefix);
}

EXPORTED int IsHeapProfilerRunning(void)
{
    return heap_profile_is_on();
}

EXPORTED void HeapProfilerStop(void)
{
    heap_profile_stop();
}

EXPORTED void HeapProfilerDump(const char *reason)
{
    heap_profile_dump(reason);
}

EXPORTED char *GetHeapProfile(void)
{
    return heap_profile_text();
}
