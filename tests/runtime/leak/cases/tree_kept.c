/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: the same tree with a static root */
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
static struct tree *root;
static void work(void)
{
    root = grow(7);
    STORE(root);
}
MAIN(work)