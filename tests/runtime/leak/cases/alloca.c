/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: the pointer lies in memory from alloca */
#include <alloca.h>

#include "leaks.h"
int main(void)
{
    char **volatile p = alloca(1000 * sizeof *p);
    memset((void *)p, 0, 1000 * sizeof *p);
    p[500] = block(100);
    forget();
    exit(p[500][0]);
}