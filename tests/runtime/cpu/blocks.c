/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A profile around a loop that takes large blocks and gives them back, and not of what comes before
 * and after it:
 *   blocks N */
#include <gperftools/profiler.h>

#include "work.h"

BURNER(before_and_after)

static KEPT void take_and_give(long n)
{
    for (long i = 0; i < n; i++) {
        char *volatile p = malloc(120 << 20);
        free(p);
    }
}

int main(int argc, char **argv)
{
    before_and_after(0.1);
    if (!ProfilerStart("blocks.prof"))
        return 9;
    take_and_give(argc > 1 ? atol(argv[1]) : 1);
    ProfilerStop();
    before_and_after(0.1);
    return 0;
}
