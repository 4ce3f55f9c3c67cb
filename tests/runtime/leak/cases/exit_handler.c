/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: its address is disguised, but a handler at exit frees it, so that it is
 *      gone when the program ends; a checker that looks too soon is wrong */
#include "leaks.h"
static uintptr_t disguised;
static void drop(void)
{
    free((void *)~disguised);
}
static void work(void)
{
    atexit(drop);
    disguised = ~(uintptr_t)block(200);
    STORE(disguised);
}
MAIN(work)
