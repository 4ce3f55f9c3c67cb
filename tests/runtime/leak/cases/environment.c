/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: setenv and putenv keep blocks in tables of the C library */
#include "leaks.h"
static void work(void)
{
    for (int i = 0; i < 20; i++) {
        char name[20];
        snprintf(name, sizeof name, "NAME%d", i);
        setenv(name, "some value that is long", 1);
    }
    char *e = block(100);
    strcpy(e, "PUT=yes");
    putenv(e);
}
MAIN(work)
