/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * mode: minimal
 * why: what constructors lost is no leak in this mode */
#include "leaks.h"
struct Loser {
    Loser()
    {
        block(24);
        forget();
    }
};
static Loser loser;
int main()
{
    forget();
    return 0;
}