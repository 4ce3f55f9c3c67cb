/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the allocator can do beyond malloc, for C. */
#ifndef GPERFTOOLS_MALLOC_EXTENSION_C_H
#define GPERFTOOLS_MALLOC_EXTENSION_C_H

#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define kMallocExtensionHistogramSize 64

/* 1 unless memory was found damaged; only the debugging allocator looks. */
int MallocExtension_VerifyAllMemory(void);
int MallocExtension_VerifyNewMemory(const void *p);
int MallocExtension_VerifyArrayNewMemory(const void *p);
int MallocExtension_VerifyMallocMemory(const void *p);
int MallocExtension_MallocMemoryStats(int *blocks, size_t *total,
                                      int histogram[kMallocExtensionHistogramSize]);

/* A text for people; with 10000 bytes of room or more also a line for each size class. */
void MallocExtension_GetStats(char *buffer, int buffer_length);

/* Named numbers, such as "generic.current_allocated_bytes". 0 when there is no such name, or when
 * it cannot be set. */
int MallocExtension_GetNumericProperty(const char *property, size_t *value);
int MallocExtension_SetNumericProperty(const char *property, size_t value);

/* An idle thread gives back the blocks it keeps for itself. */
void MallocExtension_MarkThreadIdle(void);
void MallocExtension_MarkThreadBusy(void);
void MallocExtension_MarkThreadTemporarilyIdle(void);

/* Free memory goes back to the system: at least so many bytes if there are, or all. */
void MallocExtension_ReleaseToSystem(size_t num_bytes);
void MallocExtension_ReleaseFreeMemory(void);

/* How eagerly it goes back by itself: 0 never, 1 as a rule, 10 at once. */
void MallocExtension_SetMemoryReleaseRate(double rate);
double MallocExtension_GetMemoryReleaseRate(void);

/* Usable bytes of the block that malloc(size) would return, and of a block. */
size_t MallocExtension_GetEstimatedAllocatedSize(size_t size);
size_t MallocExtension_GetAllocatedSize(const void *p);
/* Bytes in the calling thread's lists. */
size_t MallocExtension_GetThreadCacheSize(void);

typedef enum {
    MallocExtension_kUnknownOwnership = 0,
    MallocExtension_kOwned,
    MallocExtension_kNotOwned
} MallocExtension_Ownership;

/* Does the address belong to the allocator's memory? */
MallocExtension_Ownership MallocExtension_GetOwnership(const void *p);

/* The sampled heap, and where the heap grew, as profiles; in pieces, to a function of the
 * caller's. */
void MallocExtension_GetHeapSample(void (*write)(void *arg, const char *text, size_t size),
                                   void *arg);
void MallocExtension_GetHeapGrowthStacks(void (*write)(void *arg, const char *text, size_t size),
                                         void *arg);

#ifdef __cplusplus
}
#endif

#endif
