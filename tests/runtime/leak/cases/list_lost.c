/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 100 2400
 * why: a list whose first node is forgotten */
#include "leaks.h"
struct node {
    struct node *next;
    long pad[2];
};
static void work(void)
{
    struct node *first = NULL;
    for (int i = 0; i < 100; i++) {
        struct node *n = block(sizeof *n);
        n->next = first;
        first = n;
    }
    KEEP(first);
}
MAIN(work)