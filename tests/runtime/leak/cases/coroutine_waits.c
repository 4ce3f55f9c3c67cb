/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: a coroutine that was left holds the pointer, on a stack that is mapped */
#include <sys/mman.h>
#include <ucontext.h>

#include "leaks.h"
static ucontext_t home, other;
static NOINLINE void body(void)
{
    char *volatile p = block(100);
    forget();
    swapcontext(&other, &home);
    KEEP(p);
}
int main(void)
{
    getcontext(&other);
    other.uc_stack.ss_sp =
        mmap(NULL, 262144, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    other.uc_stack.ss_size = 262144;
    other.uc_link = &home;
    makecontext(&other, body, 0);
    swapcontext(&home, &other);
    forget();
    return 0;
}