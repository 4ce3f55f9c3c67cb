/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Sites of many sizes. */
// 25 leak sites of growing size, some leaking several objects.
#include <cstdlib>
#include <cstring>
template <int N> static void __attribute__((noinline)) site()
{
    for (int i = 0; i < 1 + N % 3; i++) {
        char *p = (char *)malloc(N * 10);
        memset(p, 0, N * 10);
    }
}
template <int N> struct Run {
    static void go()
    {
        site<N>();
        Run<N - 1>::go();
    }
};
template <> struct Run<0> {
    static void go()
    {
    }
};
static void __attribute__((noinline)) scrub()
{
    volatile char b[65536];
    memset((char *)b, 0, sizeof b);
}
static void __attribute__((noinline)) work()
{
    Run<25>::go();
    scrub();
}
int main()
{
    work();
    scrub();
    return 0;
}
