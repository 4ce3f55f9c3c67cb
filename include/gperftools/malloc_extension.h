// SPDX-License-Identifier: BSD-3-Clause
//
// What the allocator can do beyond malloc, for C++: a thin wrapper of malloc_extension_c.h. To
// derive from the class, or to bring an allocator of the system's memory, is not supported.
#ifndef GPERFTOOLS_MALLOC_EXTENSION_H
#define GPERFTOOLS_MALLOC_EXTENSION_H

#include <stddef.h>
#include <stdint.h>
#include <string>
#include <vector>

#include <gperftools/malloc_extension_c.h>

namespace base
{
// A run of the allocator's memory.
struct MallocRange {
    enum Type { INUSE, FREE, UNMAPPED, UNKNOWN };
    uintptr_t address;
    size_t length;
    Type type;
    double fraction; // how much of it is in use, 0 to 1
};
} // namespace base

extern "C" {
// For the wrapper: the same, piece by piece.
void MallocExtension_Ranges(void *arg, void (*visit)(void *arg, uintptr_t address, size_t length,
                                                     int type, double fraction));
void MallocExtension_FreeLists(void *arg,
                               void (*visit)(void *arg, const char *type, size_t least_size,
                                             size_t most_size, size_t bytes));
}

typedef std::string MallocExtensionWriter;

class MallocExtension
{
  public:
    typedef void(RangeFunction)(void *arg, const base::MallocRange *range);

    enum Ownership { kUnknownOwnership = 0, kOwned, kNotOwned };

    struct FreeListInfo {
        size_t min_object_size;
        size_t max_object_size;
        size_t total_bytes_free;
        const char *type;
    };

    static MallocExtension *instance()
    {
        static MallocExtension the;
        return &the;
    }
    static void Initialize()
    {
    }

    bool VerifyAllMemory()
    {
        return MallocExtension_VerifyAllMemory() != 0;
    }
    bool VerifyNewMemory(const void *p)
    {
        return MallocExtension_VerifyNewMemory(p) != 0;
    }
    bool VerifyArrayNewMemory(const void *p)
    {
        return MallocExtension_VerifyArrayNewMemory(p) != 0;
    }
    bool VerifyMallocMemory(const void *p)
    {
        return MallocExtension_VerifyMallocMemory(p) != 0;
    }
    bool MallocMemoryStats(int *blocks, size_t *total, int histogram[kMallocExtensionHistogramSize])
    {
        return MallocExtension_MallocMemoryStats(blocks, total, histogram) != 0;
    }
    void GetStats(char *buffer, int length)
    {
        MallocExtension_GetStats(buffer, length);
    }
    void GetHeapSample(MallocExtensionWriter *result)
    {
        MallocExtension_GetHeapSample(append, result);
    }
    void GetHeapGrowthStacks(MallocExtensionWriter *result)
    {
        MallocExtension_GetHeapGrowthStacks(append, result);
    }
    void Ranges(void *arg, RangeFunction *function)
    {
        range_call call = {arg, function};
        MallocExtension_Ranges(&call, one_range);
    }
    bool GetNumericProperty(const char *property, size_t *value)
    {
        return MallocExtension_GetNumericProperty(property, value) != 0;
    }
    bool SetNumericProperty(const char *property, size_t value)
    {
        return MallocExtension_SetNumericProperty(property, value) != 0;
    }
    void MarkThreadIdle()
    {
        MallocExtension_MarkThreadIdle();
    }
    void MarkThreadBusy()
    {
        MallocExtension_MarkThreadBusy();
    }
    void MarkThreadTemporarilyIdle()
    {
        MallocExtension_MarkThreadTemporarilyIdle();
    }
    void ReleaseToSystem(size_t num_bytes)
    {
        MallocExtension_ReleaseToSystem(num_bytes);
    }
    void ReleaseFreeMemory()
    {
        MallocExtension_ReleaseFreeMemory();
    }
    void SetMemoryReleaseRate(double rate)
    {
        MallocExtension_SetMemoryReleaseRate(rate);
    }
    double GetMemoryReleaseRate()
    {
        return MallocExtension_GetMemoryReleaseRate();
    }
    size_t GetEstimatedAllocatedSize(size_t size)
    {
        return MallocExtension_GetEstimatedAllocatedSize(size);
    }
    size_t GetAllocatedSize(const void *p)
    {
        return MallocExtension_GetAllocatedSize(p);
    }
    size_t GetThreadCacheSize()
    {
        return MallocExtension_GetThreadCacheSize();
    }
    Ownership GetOwnership(const void *p)
    {
        return static_cast<Ownership>(MallocExtension_GetOwnership(p));
    }
    void GetFreeListSizes(std::vector<FreeListInfo> *lists)
    {
        MallocExtension_FreeLists(lists, one_list);
    }

  private:
    struct range_call {
        void *arg;
        RangeFunction *function;
    };

    static void append(void *arg, const char *text, size_t size)
    {
        static_cast<MallocExtensionWriter *>(arg)->append(text, size);
    }
    static void one_range(void *arg, uintptr_t address, size_t length, int type, double fraction)
    {
        range_call *call = static_cast<range_call *>(arg);
        base::MallocRange range = {address, length, static_cast<base::MallocRange::Type>(type),
                                   fraction};
        call->function(call->arg, &range);
    }
    static void one_list(void *arg, const char *type, size_t least, size_t most, size_t bytes)
    {
        FreeListInfo info = {least, most, bytes, type};
        static_cast<std::vector<FreeListInfo> *>(arg)->push_back(info);
    }
};

#endif
