/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 4 96
 * why: a ring of three and a block that only one of them knows */
#include "leaks.h"
struct node {
    struct node *next;
    long pad[2];
};
static void work(void)
{
    struct node *a = block(sizeof *a), *b = block(sizeof *b), *c = block(sizeof *c),
                *t = block(sizeof *t);
    a->next = b;
    b->next = c;
    c->next = a;
    c->pad[0] = (long)t;
    KEEP(a);
}
MAIN(work)