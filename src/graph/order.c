/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The order in which outputs list stacks: by addresses as numbers, innermost first, shorter before
 * longer. Addresses get their rank once, so that comparing stacks never looks an address up twice.
 */
#include "graph/internal.h"

#include <stdlib.h>

struct ranked_address {
    uint64_t pc;
    addr_ix addr;
};

static int compare_addresses(const void *a, const void *b)
{
    const struct ranked_address *x = a, *y = b;
    if (x->pc != y->pc)
        return x->pc < y->pc ? -1 : 1;
    return (x->addr > y->addr) - (x->addr < y->addr);
}

/* Ranks count from 1: 0 is the end of a stack. */
static uint32_t *rank_addresses(const struct profile *profile)
{
    const uint32_t n = profile->n_addrs;
    struct ranked_address *sorted = base_alloc(n, sizeof *sorted);
    for (addr_ix a = 0; a < n; a++)
        sorted[a] = (struct ranked_address){.pc = profile->addr_pc[a], .addr = a};
    if (n)
        qsort(sorted, n, sizeof *sorted, compare_addresses);
    uint32_t *rank = base_alloc(n, sizeof *rank);
    for (uint32_t i = 0; i < n; i++)
        rank[sorted[i].addr] = i + 1;
    base_free(sorted);
    return rank;
}

struct ranked_stack {
    uint64_t head; /* ranks of the two innermost addresses: enough for most comparisons */
    uint32_t stack;
};

struct ranking {
    const struct view *view;
    const uint32_t *rank;
};

static int compare_stacks(const void *a, const void *b, void *to)
{
    const struct ranked_stack *x = a, *y = b;
    if (x->head != y->head)
        return x->head < y->head ? -1 : 1;
    const struct ranking *ranking = to;
    const struct view *view = ranking->view;
    const addr_ix *p = view->stack_addr + view->stack_at[x->stack];
    const addr_ix *q = view->stack_addr + view->stack_at[y->stack];
    const uint32_t m = view->stack_at[x->stack + 1] - view->stack_at[x->stack];
    const uint32_t n = view->stack_at[y->stack + 1] - view->stack_at[y->stack];
    for (uint32_t i = 2; i < m && i < n; i++) {
        if (p[i] != q[i])
            return ranking->rank[p[i]] < ranking->rank[q[i]] ? -1 : 1;
    }
    if (m != n)
        return m < n ? -1 : 1;
    return (x->stack > y->stack) - (x->stack < y->stack);
}

uint32_t *view_stack_order(const struct view *view)
{
    const uint32_t n = view->n_stacks;
    uint32_t *order = arena_alloc(view->arena, n, sizeof *order);
    uint32_t *rank = rank_addresses(view->profile);
    struct ranked_stack *stacks = base_alloc(n, sizeof *stacks);
    for (uint32_t s = 0; s < n; s++) {
        const uint32_t begin = view->stack_at[s], depth = view->stack_at[s + 1] - begin;
        const uint64_t first = depth > 0 ? rank[view->stack_addr[begin]] : 0;
        const uint64_t second = depth > 1 ? rank[view->stack_addr[begin + 1]] : 0;
        stacks[s] = (struct ranked_stack){.head = first << 32 | second, .stack = s};
    }
    struct ranking ranking = {.view = view, .rank = rank};
    if (n)
        qsort_r(stacks, n, sizeof *stacks, compare_stacks, &ranking);
    for (uint32_t i = 0; i < n; i++)
        order[i] = stacks[i].stack;
    base_free(stacks);
    base_free(rank);
    return order;
}
