/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A profile around a loop that takes large blocks and gives them back, and not of what comes before
 * and after it. */
#include <gperftools/profiler.h>

#include "work.h"

BURNER(before_and_after)

static KEPT void take_and_give(void)
{
    for (int i = 0; i < 300000; i++) {
        char *volatile p = malloc(120 << 20);
        free(p);
    }
}

int main(void)
{
    before_and_after(0.1);
    if (!ProfilerStart("blocks.prof"))
        return 9;
    take_and_give();
    ProfilerStop();
    before_and_after(0.1);
    return 0;
}
