/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 1 24
 * why: what the lost block points to has another owner */
#include "leaks.h"
struct node {
    struct node *next;
    long pad[2];
};
static struct node *kept;
static void work(void)
{
    struct node *a = block(sizeof *a);
    kept = block(sizeof *kept);
    a->next = kept;
    KEEP(a);
    STORE(kept);
}
MAIN(work)