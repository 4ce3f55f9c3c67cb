/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 2 9
 * why: strdup and strndup */
#include "leaks.h"
static void work(void)
{
    char *a = strdup("four"), *b = strndup("three", 3);
    KEEP(a);
    KEEP(b);
}
MAIN(work)