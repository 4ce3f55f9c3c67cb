/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: each frame on the way to exit holds a block */
#include "leaks.h"
static NOINLINE void down(int n)
{
    char *volatile p = block(100);
    if (n > 0)
        down(n - 1);
    else {
        forget();
        exit(p[0]);
    }
    KEEP(p);
}
int main(void)
{
    down(20);
}