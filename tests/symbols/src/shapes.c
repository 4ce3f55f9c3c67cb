/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Calls inlined two deep, in loops and twice in a line, and functions that stay: one is cut in parts by the compiler. */
#include "shared.h"

volatile int sink;

static inline __attribute__((always_inline)) int leaf(int x)
{
    sink += x;
    return x * 3 + sink;
}

static inline __attribute__((always_inline)) int middle(int x)
{
    int sum = leaf(x) + leaf(x + 1);
    if (sum & 1)
        sum -= leaf(sum);
    return sum;
}

__attribute__((noinline)) int work(int n)
{
    int sum = 0;
    for (int i = 0; i < n; i++)
        sum += middle(i) ^ from_header(i);
    return sum;
}

__attribute__((cold, noinline)) void complain(int x)
{
    sink = x;
}

__attribute__((noinline)) static int helper(struct pair *p, int unused)
{
    (void)unused;
    if (p->a > 1000) {
        complain(p->a);
        complain(p->b);
        sink = leaf(p->a);
        return -1;
    }
    return p->a + p->b + sink;
}

int main(int argc, char **argv)
{
    (void)argv;
    struct pair pair = {argc, argc + 1};
    int sum = work(argc) + middle(argc) + helper(&pair, 1);
    for (int i = 0; i < argc; i++)
        sum += other(sum + i) + helper(&pair, i);
    return sum & 1;
}
