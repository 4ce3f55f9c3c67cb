/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Profiles itself, and then becomes a program that knows nothing of it and uses CPU time. */
#include <gperftools/profiler.h>

#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    (void)argc;
    printf("start=%d\n", ProfilerStart("exec.prof"));
    fflush(stdout);
    execl(argv[1], argv[1], "0.5", (char *)NULL);
    return 9;
}
