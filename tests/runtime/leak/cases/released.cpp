/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 1 40
 * why: a unique_ptr that let go */
#include <memory>

#include "leaks.h"
struct Five {
    long a[5];
};
static void work()
{
    std::unique_ptr<Five> p(new Five());
    KEEP(p.get());
    p.release();
}
MAIN(work)