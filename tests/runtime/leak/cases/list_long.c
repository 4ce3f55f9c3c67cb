/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: a million nodes: no recursion survives that */
#include "leaks.h"
struct node {
    struct node *next;
    long pad[2];
};
static struct node *first;
static void work(void)
{
    for (int i = 0; i < 1000000; i++) {
        struct node *n = malloc(sizeof *n);
        n->next = first;
        first = n;
    }
    STORE(first);
}
MAIN(work)