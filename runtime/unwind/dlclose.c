/* SPDX-License-Identifier: BSD-3-Clause
 *
 * dlclose, which is found here first in a shared library: other code may come to stand where the
 * code that goes away stood. */
#include <dlfcn.h>
#include <stddef.h>

#include "unwind/unwind.h"

static int (*next)(void *);

static __attribute__((constructor(101))) void find_next(void)
{
    *(void **)&next = dlsym(RTLD_NEXT, "dlclose");
}

__attribute__((visibility("default"))) int dlclose(void *library)
{
    if (!next) /* before any constructor of ours */
        find_next();
    void (*const before)(void) = __atomic_load_n(&unwind_before_unload, __ATOMIC_ACQUIRE);
    if (before)
        before();
    const int result = next(library);
    unwind_forget();
    return result;
}
