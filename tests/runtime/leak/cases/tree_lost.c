/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 127 4064
 * why: every node is reachable from a lost one */
#include "leaks.h"
struct tree {
    struct tree *left, *right;
    long pad[2];
};
static NOINLINE struct tree *grow(int depth)
{
    if (depth == 0)
        return NULL;
    struct tree *t = block(sizeof *t);
    t->left = grow(depth - 1);
    t->right = grow(depth - 1);
    return t;
}
static void work(void)
{
    KEEP(grow(7));
}
MAIN(work)