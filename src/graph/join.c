/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Stacks that became equal are one. Whoever shortens stacks writes each into the room at the end of
 * a pool and adds it; a known one leaves the room as it was. The invariant: stacks are numbered in
 * the order in which the first of their kind was added. */
#include "graph/internal.h"

struct join_slot {
    uint32_t check, id; /* half of the hash; id + 1, 0 is free */
};

void join_begin(struct join *join, struct arena *arena, uint32_t n_stacks, size_t n_addrs)
{
    size_t n_slots = 16;
    while (n_slots < (size_t)n_stacks * 2)
        n_slots *= 2;
    *join = (struct join){
        .at = arena_alloc(arena, (size_t)n_stacks + 1, sizeof join->at[0]),
        .addrs = arena_alloc(arena, n_addrs, sizeof join->addrs[0]),
        .slots = base_alloc(n_slots, sizeof join->slots[0]),
        .n_slots = n_slots,
    };
}

addr_ix *join_room(struct join *join)
{
    return join->addrs + join->at[join->n];
}

static uint64_t hash_addresses(const addr_ix *addrs, uint32_t n)
{
    uint64_t hash = n;
    for (uint32_t i = 0; i < n; i++)
        hash = hash_mix(hash, addrs[i]);
    return hash;
}

uint32_t join_add(struct join *join, uint32_t depth)
{
    uint32_t *at = join->at;
    const addr_ix *p = join_room(join);
    const uint64_t hash = hash_addresses(p, depth);
    const uint32_t check = (uint32_t)(hash >> 32);
    size_t slot = hash & (join->n_slots - 1);
    for (; join->slots[slot].id; slot = (slot + 1) & (join->n_slots - 1)) {
        const uint32_t id = join->slots[slot].id - 1;
        if (join->slots[slot].check == check && at[id + 1] - at[id] == depth &&
            memcmp(join->addrs + at[id], p, depth * sizeof *p) == 0)
            return id;
    }
    join->slots[slot] = (struct join_slot){.check = check, .id = ++join->n};
    at[join->n] = at[join->n - 1] + depth;
    return join->n - 1;
}

void join_end(struct join *join, struct view *view)
{
    base_free(join->slots);
    view->stack_at = join->at;
    view->stack_addr = join->addrs;
    view->n_stacks = join->n;
}
