/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Calls that neither take a block nor give one back, and so are the same whatever form blocks have:
 * sizes, modes, memory back to the system. */
#include "alloc/internal.h"

#include <dlfcn.h>
#include <malloc.h>
#include <stdlib.h>

#include "base/message.h"
#include "gperftools/nallocx.h"
#include "gperftools/tcmalloc.h"

#pragma GCC diagnostic ignored "-Wmissing-prototypes" /* some have none in any header */

static int new_mode;

bool alloc_serves(const char *variable)
{
    void *volatile p = malloc(1);
    const bool is_ours = pagemap_search(p) != NULL;
    Dl_info info;
    free(p);
    if (!is_ours && dladdr(&new_mode, &info))
        message_say(MESSAGE_WARNING, "%s: malloc is not that of %s, which does nothing", variable,
                    info.dli_fname);
    return is_ours;
}

bool alloc_retries(void)
{
    return new_mode && new_handler_call();
}

EXPORT size_t nallocx(size_t size, int flags)
{
    alloc_ensure_started();
    const size_t align = (size_t)1 << (flags & 63);
    const uint32_t c = size > SMALL_MAX ? 0
                       : align > 8      ? class_aligned(size, align)
                                        : classes.of_size[class_index(size)];
    return c ? classes.facts[c].size : pages_for(size ? size : 1) << PAGE_SHIFT;
}

EXPORT int mallopt(int parameter, int value)
{
    (void)parameter;
    (void)value;
    return 1;
}

EXPORT int malloc_trim(size_t pad)
{
    (void)pad;
    cache_flush();
    central_tick(true);
    return pageheap_release(SIZE_MAX) > 0;
}

EXPORT int tc_set_new_mode(int flag)
{
    const int before = new_mode;
    new_mode = flag;
    return before;
}

EXPORT int tc_query_new_mode(void)
{
    return new_mode;
}

EXPORT const char *tc_version(int *major, int *minor, const char **patch)
{
    if (major)
        *major = TC_VERSION_MAJOR;
    if (minor)
        *minor = TC_VERSION_MINOR;
    if (patch)
        *patch = TC_VERSION_PATCH;
    return TC_VERSION_STRING;
}

ALIAS(mallopt) int tc_mallopt(int, int);
ALIAS(nallocx) size_t tc_nallocx(size_t, int);
