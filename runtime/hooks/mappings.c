/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Hooks for mappings, which old programs may set and nobody calls. */
#include "gperftools/malloc_hook_c.h"

#include <stddef.h>

#define NEVER(name, type)                                                                          \
    __attribute__((visibility("default"))) int MallocHook_##name(type hook)                        \
    {                                                                                              \
        (void)hook;                                                                                \
        return 0;                                                                                  \
    }
#define NONE(name, type)                                                                           \
    __attribute__((visibility("default"))) type MallocHook_##name(type hook)                       \
    {                                                                                              \
        (void)hook;                                                                                \
        return NULL;                                                                               \
    }

NEVER(AddPreMmapHook, MallocHook_PreMmapHook)
NEVER(RemovePreMmapHook, MallocHook_PreMmapHook)
NEVER(AddMmapHook, MallocHook_MmapHook)
NEVER(RemoveMmapHook, MallocHook_MmapHook)
NEVER(SetMmapReplacement, MallocHook_MmapReplacement)
NEVER(RemoveMmapReplacement, MallocHook_MmapReplacement)
NEVER(AddMunmapHook, MallocHook_MunmapHook)
NEVER(RemoveMunmapHook, MallocHook_MunmapHook)
NEVER(SetMunmapReplacement, MallocHook_MunmapReplacement)
NEVER(RemoveMunmapReplacement, MallocHook_MunmapReplacement)
NEVER(AddMremapHook, MallocHook_MremapHook)
NEVER(RemoveMremapHook, MallocHook_MremapHook)
NEVER(AddPreSbrkHook, MallocHook_PreSbrkHook)
NEVER(RemovePreSbrkHook, MallocHook_PreSbrkHook)
NEVER(AddSbrkHook, MallocHook_SbrkHook)
NEVER(RemoveSbrkHook, MallocHook_SbrkHook)
NONE(SetPreMmapHook, MallocHook_PreMmapHook)
NONE(SetMmapHook, MallocHook_MmapHook)
NONE(SetMunmapHook, MallocHook_MunmapHook)
NONE(SetMremapHook, MallocHook_MremapHook)
NONE(SetPreSbrkHook, MallocHook_PreSbrkHook)
NONE(SetSbrkHook, MallocHook_SbrkHook)
