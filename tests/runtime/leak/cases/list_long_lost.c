/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 300000 7200000
 * why: all of one is direct, the rest indirect */
#include "leaks.h"
struct node {
    struct node *next;
    long pad[2];
};
static void work(void)
{
    struct node *first = NULL;
    for (int i = 0; i < 300000; i++) {
        struct node *n = malloc(sizeof *n);
        n->next = first;
        first = n;
    }
    KEEP(first);
}
MAIN(work)