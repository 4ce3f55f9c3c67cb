/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Memory that the modes treat differently. */
// Four kinds of heap data that the modes treat differently:
//   ctor_lost   24 bytes, lost inside a global constructor (before main)
//   main_lost   40 bytes, lost in main
//   dtor_lost   56 bytes, held by a global whose destructor forgets it
//   kept        72 bytes, held by a plain global pointer at exit
//   on_stack    88 bytes, held only by a local of main, which calls exit()
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>
static void __attribute__((noinline)) lose(size_t n)
{
    char *p = new char[n];
    memset(p, 0, n);
    p = nullptr;
}
static void __attribute__((noinline)) scrub()
{
    volatile char b[16384];
    memset((char *)b, 0, sizeof b);
}
struct Ctor {
    Ctor()
    {
        lose(24);
        scrub();
    }
} ctor;
struct Holder {
    char *p;
    Holder() : p(nullptr)
    {
    }
    ~Holder()
    {
        p = nullptr;
    }
} holder;
char *kept;
int main()
{
    lose(40);
    holder.p = new char[56];
    kept = new char[72];
    char *volatile on_stack = new char[88];
    printf("running\n");
    fflush(stdout);
    scrub();
    exit(on_stack ? 0 : 1);
}
