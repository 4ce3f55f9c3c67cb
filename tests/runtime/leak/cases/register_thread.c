/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: only a register of another, running, thread points to it */
#include "leaks.h"
static char *held;
static volatile int ready;
static void work(void)
{
    held = block(100);
    STORE(held);
}
static void *body(void *a)
{
    deep(work);
    forget();
#ifdef __x86_64__
    /* moved from the variable into r13, which alone holds it while this spins */
    __asm__ volatile("mov %0, %%r13; movq $0, %0; movl $1, %1; 1: pause; jmp 1b"
                     : "+m"(held), "+m"(ready)
                     :
                     : "r13", "memory");
#else
    ready = 1;
    for (;;)
        KEEP(a);
#endif
    return a;
}
int main(void)
{
    pthread_t t;
    pthread_create(&t, NULL, body, NULL);
    while (!ready)
        usleep(1000);
    forget();
    return 0;
}
