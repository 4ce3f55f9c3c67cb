// SPDX-License-Identifier: BSD-3-Clause
//
// malloc_hook_c.h for C++.
#ifndef GPERFTOOLS_MALLOC_HOOK_H
#define GPERFTOOLS_MALLOC_HOOK_H

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

#include <gperftools/malloc_hook_c.h>

class MallocHook
{
  public:
    typedef MallocHook_NewHook NewHook;
    typedef MallocHook_DeleteHook DeleteHook;
    typedef MallocHook_PreMmapHook PreMmapHook;
    typedef MallocHook_MmapHook MmapHook;
    typedef MallocHook_MmapReplacement MmapReplacement;
    typedef MallocHook_MunmapHook MunmapHook;
    typedef MallocHook_MunmapReplacement MunmapReplacement;
    typedef MallocHook_MremapHook MremapHook;
    typedef MallocHook_PreSbrkHook PreSbrkHook;
    typedef MallocHook_SbrkHook SbrkHook;

    static bool AddNewHook(NewHook hook)
    {
        return MallocHook_AddNewHook(hook) != 0;
    }
    static bool RemoveNewHook(NewHook hook)
    {
        return MallocHook_RemoveNewHook(hook) != 0;
    }
    static bool AddDeleteHook(DeleteHook hook)
    {
        return MallocHook_AddDeleteHook(hook) != 0;
    }
    static bool RemoveDeleteHook(DeleteHook hook)
    {
        return MallocHook_RemoveDeleteHook(hook) != 0;
    }
    static NewHook SetNewHook(NewHook hook)
    {
        return MallocHook_SetNewHook(hook);
    }
    static DeleteHook SetDeleteHook(DeleteHook hook)
    {
        return MallocHook_SetDeleteHook(hook);
    }
    static int GetCallerStackTrace(void **result, int max_depth, int skip_count)
    {
        return MallocHook_GetCallerStackTrace(result, max_depth, skip_count);
    }

    // Mappings are not hooked any more.
    static bool AddPreMmapHook(PreMmapHook)
    {
        return false;
    }
    static bool RemovePreMmapHook(PreMmapHook)
    {
        return false;
    }
    static bool AddMmapHook(MmapHook)
    {
        return false;
    }
    static bool RemoveMmapHook(MmapHook)
    {
        return false;
    }
    static bool AddMunmapHook(MunmapHook)
    {
        return false;
    }
    static bool RemoveMunmapHook(MunmapHook)
    {
        return false;
    }
    static bool AddMremapHook(MremapHook)
    {
        return false;
    }
    static bool RemoveMremapHook(MremapHook)
    {
        return false;
    }
    static bool AddPreSbrkHook(PreSbrkHook)
    {
        return false;
    }
    static bool RemovePreSbrkHook(PreSbrkHook)
    {
        return false;
    }
    static bool AddSbrkHook(SbrkHook)
    {
        return false;
    }
    static bool RemoveSbrkHook(SbrkHook)
    {
        return false;
    }
    static void *UnhookedMMap(void *, size_t, int, int, int, off_t)
    {
        errno = ENOSYS;
        return MAP_FAILED;
    }
    static int UnhookedMUnmap(void *, size_t)
    {
        errno = ENOSYS;
        return -1;
    }
};

#endif
