// SPDX-License-Identifier: BSD-3-Clause
//
// A program as it was compiled against the ancestor's header: its functions are called by their C++
// names, and the object is its own.
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

class HeapLeakChecker
{
  public:
    enum ShouldSymbolize { SYMBOLIZE, DO_NOT_SYMBOLIZE };
    explicit HeapLeakChecker(const char *name);
    ~HeapLeakChecker();
    bool DoNoLeaks(ShouldSymbolize);
    ssize_t BytesLeaked() const;
    ssize_t ObjectsLeaked() const;
    static bool IsActive();
    static HeapLeakChecker *GlobalChecker();
    static bool NoGlobalLeaks();
    static void CancelGlobalCheck();
    static void DoIgnoreObject(const void *p);
    static void UnIgnoreObject(const void *p);
    class Disabler
    {
      public:
        Disabler();
        ~Disabler();
    };

  private:
    char room[56];
};

class HeapCleaner
{
  public:
    HeapCleaner(void (*cleanup)());
};

static void clean_up()
{
    fprintf(stderr, "cleanup runs\n");
}
static HeapCleaner cleaner(clean_up);

static __attribute__((noinline)) char *make(size_t n)
{
    char *p = new char[n];
    memset(p, 0, n);
    return p;
}

static __attribute__((noinline)) void lose(size_t n)
{
    char *volatile p = make(n);
    p = NULL;
}

static __attribute__((noinline)) void forget()
{
    char stack[65536];
    memset(stack, 0, sizeof stack);
    __asm__ volatile("" : : "r"(stack) : "memory");
}

int main()
{
    HeapLeakChecker checker("part");
    lose(100);
    {
        HeapLeakChecker::Disabler disabler;
        lose(200);
    }
    char *ignored = make(300);
    HeapLeakChecker::DoIgnoreObject(ignored);
    HeapLeakChecker::UnIgnoreObject(ignored);
    HeapLeakChecker::DoIgnoreObject(ignored);
    ignored = NULL;
    forget();
    const bool is_clean = checker.DoNoLeaks(HeapLeakChecker::DO_NOT_SYMBOLIZE);
    printf("active %d clean %d bytes %zd objects %zd\n", HeapLeakChecker::IsActive(), is_clean,
           checker.BytesLeaked(), checker.ObjectsLeaked());
    const bool all_clean = HeapLeakChecker::NoGlobalLeaks();
    printf("all clean %d bytes %zd\n", all_clean, HeapLeakChecker::GlobalChecker()->BytesLeaked());
    fflush(stdout);
    return 0;
}
