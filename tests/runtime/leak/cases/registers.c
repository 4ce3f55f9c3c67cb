/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: at the exit only a register points to it */
#include "leaks.h"
static char *held;
static void work(void)
{
    held = block(100);
    STORE(held);
}
int main(void)
{
    deep(work);
    forget();
#ifdef __x86_64__
    /* exit(0), with the pointer moved from the variable into r12 */
    __asm__ volatile("mov %0, %%r12; movq $0, %0; xor %%edi, %%edi; and $-16, %%rsp; call exit@PLT"
                     : "+m"(held)
                     :
                     : "r12", "rdi", "memory");
#endif
    exit(0);
}
