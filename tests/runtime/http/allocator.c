/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Stands for an allocator that keeps account: the functions of one that the pages ask, with
 * profiles that are known beforehand. */
#include <stdlib.h>
#include <string.h>

#include <gperftools/malloc_extension_c.h>

int IsHeapProfilerRunning(void);
char *GetHeapProfile(void);

static void write_all(const char *text, void (*write)(void *arg, const char *text, size_t size),
                      void *arg)
{
    const size_t half = strlen(text) / 2;
    write(arg, text, half);
    write(arg, text + half, strlen(text) - half);
}

void MallocExtension_GetHeapSample(void (*write)(void *arg, const char *text, size_t size),
                                   void *arg)
{
    write_all("heap profile:      1:    70000 [     1:    70000] @ heap_v2/524288\n"
              "     1:    70000 [     1:    70000] @ 0x1000 0x2000\n",
              write, arg);
}

void MallocExtension_GetHeapGrowthStacks(void (*write)(void *arg, const char *text, size_t size),
                                         void *arg)
{
    write_all("heap profile:      1:  1048576 [     1:  1048576] @ growth\n"
              "     1:  1048576 [     1:  1048576] @ 0x1000 0x2000\n",
              write, arg);
}

int IsHeapProfilerRunning(void)
{
    return getenv("HEAP_IS_PROFILED") != NULL;
}

char *GetHeapProfile(void)
{
    return strdup("heap profile:      2:      300 [     2:      300] @ heapprofile\n"
                  "     2:      300 [     2:      300] @ 0x1000 0x2000\n");
}
