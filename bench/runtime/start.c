/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the allocator costs a program that barely allocates: CPU
 * time of the process from its start to here (loading included), and its
 * resident size after one malloc. */
#include "bench.h"

int main(void)
{
    char *p = must(malloc(100));
    *p = 1;
    report("cpu", (double)process_ns() / 1000, "us");
    report("peak", (double)peak_kb(), "KiB");
    report("anon", (double)proc_kb(ROLLUP, "\nAnonymous:"), "KiB");
    free(p);
    return 0;
}
