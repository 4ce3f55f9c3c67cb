/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What both units have: a type, and code that is inlined from another file. */
#pragma once

struct pair {
    int a, b;
};

extern volatile int sink;
int other(int x);

static inline __attribute__((always_inline)) int from_header(int x)
{
    int sum = x;
    while (sum > 100)
        sum -= sink;
    return sum;
}
