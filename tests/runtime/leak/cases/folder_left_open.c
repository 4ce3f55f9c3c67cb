/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 1 32816
 * why: a DIR of glibc that nobody closes */
#include <dirent.h>

#include "leaks.h"
static void work(void)
{
    DIR *d = opendir("/");
    KEEP(d);
}
MAIN(work)