/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: exit is called by a handler on a stack of its own */
#include <signal.h>

#include "leaks.h"
static void handle(int n)
{
    (void)n;
    forget();
    exit(0);
}
int main(void)
{
    char *volatile p = block(100);
    stack_t stack = {.ss_sp = malloc(262144), .ss_size = 262144};
    sigaltstack(&stack, NULL);
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK};
    sigaction(SIGUSR1, &action, NULL);
    forget();
    raise(SIGUSR1);
    return p[0];
}