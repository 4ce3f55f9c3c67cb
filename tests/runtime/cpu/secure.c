/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Says whether it has rights of its own, whether it gets a block, and whether somebody has a
 * handler for the signal that could start a profile. */
#include <signal.h>
#include <sys/auxv.h>

#include "work.h"

BURNER(plain)

int main(void)
{
    char *volatile p = malloc(40 << 20);
    plain(0.05);
    printf("secure=%d block=%d handler=%d\n", getauxval(AT_SECURE) != 0, p != NULL,
           signal(SIGUSR2, SIG_DFL) != SIG_DFL);
    free(p);
    return 0;
}
