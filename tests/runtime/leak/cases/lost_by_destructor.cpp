/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 1 56
 * mode: strict
 * why: a static object forgets its block when it is destroyed */
#include "leaks.h"
struct Holder {
    char *p;
    ~Holder()
    {
        p = NULL;
        STORE(p);
        forget();
    }
};
static Holder holder;
static void work()
{
    holder.p = (char *)block(56);
    STORE(holder);
}
MAIN(work)