/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 3 72
 * why: two of the three are reachable from the first, which is lost */
#include "leaks.h"
struct node {
    struct node *next;
    long pad[2];
};
static void work(void)
{
    struct node *a = block(sizeof *a), *b = block(sizeof *b), *c = block(sizeof *c);
    a->next = b;
    b->next = c;
    KEEP(a);
}
MAIN(work)
