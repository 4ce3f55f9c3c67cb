/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: the program exits inside a function whose local still points to it */
#include "leaks.h"
static NOINLINE void work(void)
{
    char *volatile p = block(100);
    forget();
    exit(p[0]);
}
int main(void)
{
    work();
}
