// SPDX-License-Identifier: BSD-3-Clause
//
// The heap leak checker, for C++: a thin wrapper of heap-checker-c.h.
#ifndef GPERFTOOLS_HEAP_CHECKER_H
#define GPERFTOOLS_HEAP_CHECKER_H

#include <stdarg.h>
#include <stdint.h>
#include <sys/types.h>

#include <gperftools/heap-checker-c.h>

class HeapLeakChecker
{
  public:
    static bool IsActive()
    {
#ifdef HEAP_CHECKER_IS_OPTIONAL
        if (!HeapLeakChecker_IsActive)
            return false;
#endif
        return HeapLeakChecker_IsActive() != 0;
    }

    static HeapLeakChecker *GlobalChecker()
    {
        static HeapLeakChecker global(IsActive() ? HeapLeakChecker_GlobalChecker() : NULL);
        return global.state_ ? &global : NULL;
    }
    static bool NoGlobalLeaks()
    {
        return !IsActive() || HeapLeakChecker_NoGlobalLeaks();
    }
    static void CancelGlobalCheck()
    {
        if (IsActive())
            HeapLeakChecker_CancelGlobalCheck();
    }

    // A checker of what is allocated from now on.
    explicit HeapLeakChecker(const char *name) : state_(NULL), is_own_(true)
    {
#ifdef HEAP_CHECKER_IS_OPTIONAL
        if (!HeapLeakChecker_New)
            return;
#endif
        state_ = HeapLeakChecker_New(name);
    }
    ~HeapLeakChecker()
    {
        if (is_own_ && state_)
            HeapLeakChecker_Delete(state_);
    }

    bool NoLeaks()
    {
        return !state_ || HeapLeakChecker_NoLeaks(state_);
    }
    bool QuickNoLeaks()
    {
        return NoLeaks();
    }
    bool BriefNoLeaks()
    {
        return NoLeaks();
    }
    bool SameHeap()
    {
        return NoLeaks();
    }
    bool QuickSameHeap()
    {
        return NoLeaks();
    }
    bool BriefSameHeap()
    {
        return NoLeaks();
    }
    ssize_t BytesLeaked() const
    {
        return state_ ? HeapLeakChecker_BytesLeaked(state_) : 0;
    }
    ssize_t ObjectsLeaked() const
    {
        return state_ ? HeapLeakChecker_ObjectsLeaked(state_) : 0;
    }

    // While one of these exists, what this thread allocates is no leak.
    class Disabler
    {
      public:
        Disabler()
        {
            if (IsActive())
                HeapLeakChecker_DisableBegin();
        }
        ~Disabler()
        {
            if (IsActive())
                HeapLeakChecker_DisableEnd();
        }

      private:
        Disabler(const Disabler &);
        void operator=(const Disabler &);
    };

    template <typename T> static T *IgnoreObject(T *p)
    {
        if (IsActive())
            HeapLeakChecker_IgnoreObject(static_cast<const void *>(const_cast<const T *>(p)));
        return p;
    }
    static void UnIgnoreObject(const void *p)
    {
        if (IsActive())
            HeapLeakChecker_UnIgnoreObject(p);
    }

    // Holds a pointer that the checker does not see.
    template <typename T> class HiddenPointer
    {
      public:
        explicit HiddenPointer(T *p) : hidden_(reinterpret_cast<uintptr_t>(p) ^ mask())
        {
        }
        T *get() const
        {
            return reinterpret_cast<T *>(hidden_ ^ mask());
        }

      private:
        static uintptr_t mask()
        {
            return static_cast<uintptr_t>(0xF03A5F7BF03A5F7BULL);
        }
        uintptr_t hidden_;
    };

  private:
    explicit HeapLeakChecker(HeapLeakChecker_State *state) : state_(state), is_own_(false)
    {
    }
    HeapLeakChecker(const HeapLeakChecker &);
    void operator=(const HeapLeakChecker &);

    HeapLeakChecker_State *state_;
    bool is_own_;
    char room_[40]; // the size that programs know
};

// Runs before the check at the end, if there is one.
class HeapCleaner
{
  public:
    typedef void (*void_function)(void);
    explicit HeapCleaner(void_function cleanup)
    {
#ifdef HEAP_CHECKER_IS_OPTIONAL
        if (!HeapLeakChecker_AddCleanup)
            return;
#endif
        HeapLeakChecker_AddCleanup(cleanup);
    }
};

#define REGISTER_HEAPCHECK_CLEANUP(name, body)                                                     \
    namespace                                                                                      \
    {                                                                                              \
    void heapcheck_cleanup_##name()                                                                \
    {                                                                                              \
        body;                                                                                      \
    }                                                                                              \
    HeapCleaner heapcheck_cleaner_##name(&heapcheck_cleanup_##name);                               \
    }

#endif
