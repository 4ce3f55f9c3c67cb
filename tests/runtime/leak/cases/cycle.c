/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 2 64
 * why: each is pointed to by the other; reference counting would keep both */
#include "leaks.h"
struct node {
    struct node *next;
    long pad[3];
};
static void work(void)
{
    struct node *a = block(sizeof *a), *b = block(sizeof *b);
    a->next = b;
    b->next = a;
    KEEP(a);
}
MAIN(work)
