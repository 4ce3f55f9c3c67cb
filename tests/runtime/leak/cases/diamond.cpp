/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: only a pointer to a virtual base is kept */
#include "leaks.h"
struct Base {
    virtual ~Base()
    {
    }
    long x;
};
struct Left : virtual Base {
    long l[20];
};
struct Right : virtual Base {
    long r[20];
};
struct Both : Left, Right {
    long b;
};
static Base *kept;
static void work()
{
    kept = new Both();
    STORE(kept);
}
MAIN(work)