/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Shared by the leak cases.
 *
 * Each case is a whole program.  Its first comment holds a line
 *     truth: leak OBJECTS BYTES      or      truth: clean
 * which says what a perfect checker reports when the program ends: a block is
 * leaked when the program can no longer reach it.  "why:" says what is hard.
 */
#ifndef LEAKS_H
#define LEAKS_H

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__clang__)
#define NOINLINE __attribute__((noinline, unused))
#else
#define NOINLINE __attribute__((noinline, noclone, unused))
#endif

/* Makes the compiler treat P as used. */
#define KEEP(p) __asm__ volatile("" : : "r"(p) : "memory")
/* Makes the compiler store variable V, for all it knows somebody reads it. */
#define STORE(v) KEEP(&(v))

/* Runs F well below the caller's frame, so that what it leaves on the dead
 * stack lies in the part that forget() overwrites. */
static NOINLINE void deep(void (*f)(void))
{
    char gap[8192];
    KEEP(gap);
    f();
    KEEP(gap);
}

/* Overwrites the dead stack below the caller and the scratch registers, so
 * that no stale copy of a pointer is left there by chance. */
static NOINLINE void forget(void)
{
    char stack[65536];
    memset(stack, 0, sizeof stack);
    KEEP(stack);
#ifdef __x86_64__
    __asm__ volatile("xor %%eax,%%eax; xor %%ecx,%%ecx; xor %%edx,%%edx; xor %%esi,%%esi;"
                     "xor %%edi,%%edi; xor %%r8d,%%r8d; xor %%r9d,%%r9d; xor %%r10d,%%r10d;"
                     "xor %%r11d,%%r11d; pxor %%xmm0,%%xmm0; pxor %%xmm1,%%xmm1;"
                     "pxor %%xmm2,%%xmm2; pxor %%xmm3,%%xmm3"
                     :
                     :
                     : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "xmm0", "xmm1",
                       "xmm2", "xmm3", "memory");
#endif
}

/* A zeroed block that the compiler cannot optimize away. */
static NOINLINE void *block(size_t size)
{
    void *p = malloc(size);
    memset(p, 0, size);
    KEEP(p);
    return p;
}

/* The main function of most cases. */
#define MAIN(work)                                                                                 \
    int main(void)                                                                                 \
    {                                                                                              \
        deep(work);                                                                                \
        forget();                                                                                  \
        return 0;                                                                                  \
    }

#endif
