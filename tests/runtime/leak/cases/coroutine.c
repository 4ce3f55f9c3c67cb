/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: the program ends on a stack in a block; main's own stack still counts */
#include <ucontext.h>

#include "leaks.h"
static ucontext_t home, other;
static NOINLINE void body(void)
{
    char *volatile p = block(100);
    forget();
    exit(p[0]);
}
int main(void)
{
    char *volatile mine = block(200);
    char *volatile stack = malloc(262144);
    getcontext(&other);
    other.uc_stack.ss_sp = stack;
    other.uc_stack.ss_size = 262144;
    other.uc_link = &home;
    makecontext(&other, body, 0);
    forget();
    swapcontext(&home, &other);
    return mine[0];
}