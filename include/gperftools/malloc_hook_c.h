/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Functions that the allocator calls. A hook must not allocate, and it may run in any thread. While
 * a hook is there, every allocation takes the slow path. */
#ifndef GPERFTOOLS_MALLOC_HOOK_C_H
#define GPERFTOOLS_MALLOC_HOOK_C_H

#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The stack of the program at the allocation call that a hook hears of: return addresses,
 * innermost first, without the allocator's own frames and without skip more. Returns how many. */
int MallocHook_GetCallerStackTrace(void **result, int max_depth, int skip_count);

/* After an allocation: the block (NULL if there was no memory) and the size asked for. */
typedef void (*MallocHook_NewHook)(const void *p, size_t size);
/* Before a block is freed. */
typedef void (*MallocHook_DeleteHook)(const void *p);

/* Up to 7 of each. 1 on success; 0 when there is no place left, or no such hook. */
int MallocHook_AddNewHook(MallocHook_NewHook hook);
int MallocHook_RemoveNewHook(MallocHook_NewHook hook);
int MallocHook_AddDeleteHook(MallocHook_DeleteHook hook);
int MallocHook_RemoveDeleteHook(MallocHook_DeleteHook hook);

/* One more of each, set and not added; NULL for none. Returns the one before. */
MallocHook_NewHook MallocHook_SetNewHook(MallocHook_NewHook hook);
MallocHook_DeleteHook MallocHook_SetDeleteHook(MallocHook_DeleteHook hook);

/* Kept so that old programs link: hooks for mappings are never called. Adding answers 0, setting
 * answers NULL. */
typedef void (*MallocHook_PreMmapHook)(const void *start, size_t size, int protection, int flags,
                                       int fd, off_t offset);
typedef void (*MallocHook_MmapHook)(const void *result, const void *start, size_t size,
                                    int protection, int flags, int fd, off_t offset);
typedef int (*MallocHook_MmapReplacement)(const void *start, size_t size, int protection, int flags,
                                          int fd, off_t offset, void **result);
typedef void (*MallocHook_MunmapHook)(const void *p, size_t size);
typedef int (*MallocHook_MunmapReplacement)(const void *p, size_t size, int *result);
typedef void (*MallocHook_MremapHook)(const void *result, const void *old_addr, size_t old_size,
                                      size_t new_size, int flags, const void *new_addr);
typedef void (*MallocHook_PreSbrkHook)(ptrdiff_t increment);
typedef void (*MallocHook_SbrkHook)(const void *result, ptrdiff_t increment);

int MallocHook_AddPreMmapHook(MallocHook_PreMmapHook hook);
int MallocHook_RemovePreMmapHook(MallocHook_PreMmapHook hook);
int MallocHook_AddMmapHook(MallocHook_MmapHook hook);
int MallocHook_RemoveMmapHook(MallocHook_MmapHook hook);
int MallocHook_SetMmapReplacement(MallocHook_MmapReplacement hook);
int MallocHook_RemoveMmapReplacement(MallocHook_MmapReplacement hook);
int MallocHook_AddMunmapHook(MallocHook_MunmapHook hook);
int MallocHook_RemoveMunmapHook(MallocHook_MunmapHook hook);
int MallocHook_SetMunmapReplacement(MallocHook_MunmapReplacement hook);
int MallocHook_RemoveMunmapReplacement(MallocHook_MunmapReplacement hook);
int MallocHook_AddMremapHook(MallocHook_MremapHook hook);
int MallocHook_RemoveMremapHook(MallocHook_MremapHook hook);
int MallocHook_AddPreSbrkHook(MallocHook_PreSbrkHook hook);
int MallocHook_RemovePreSbrkHook(MallocHook_PreSbrkHook hook);
int MallocHook_AddSbrkHook(MallocHook_SbrkHook hook);
int MallocHook_RemoveSbrkHook(MallocHook_SbrkHook hook);
MallocHook_PreMmapHook MallocHook_SetPreMmapHook(MallocHook_PreMmapHook hook);
MallocHook_MmapHook MallocHook_SetMmapHook(MallocHook_MmapHook hook);
MallocHook_MunmapHook MallocHook_SetMunmapHook(MallocHook_MunmapHook hook);
MallocHook_MremapHook MallocHook_SetMremapHook(MallocHook_MremapHook hook);
MallocHook_PreSbrkHook MallocHook_SetPreSbrkHook(MallocHook_PreSbrkHook hook);
MallocHook_SbrkHook MallocHook_SetSbrkHook(MallocHook_SbrkHook hook);

#ifdef __cplusplus
}
#endif

#endif
