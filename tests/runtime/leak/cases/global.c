/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: never freed, but a static variable still points to it, through a list */
#include "leaks.h"
static struct node {
    struct node *next;
} * head;
static void work(void)
{
    for (int i = 0; i < 10; i++) {
        struct node *n = block(sizeof *n);
        n->next = head;
        head = n;
    }
    STORE(head);
}
MAIN(work)
