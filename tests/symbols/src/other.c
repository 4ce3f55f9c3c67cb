/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A second unit, with a function of its own that has the name of one in the first. */
#include "shared.h"

static __attribute__((noinline)) int helper(int x)
{
    struct pair pair = {x, sink};
    return pair.a * pair.b + from_header(x);
}

int other(int x)
{
    return helper(x) + from_header(x + 1);
}
