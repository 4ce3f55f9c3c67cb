/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The finished model: freeing it, checking it, writing an address. The invariants of a profile are
 * all in profile_check. */
#include "profile/internal.h"

#include <assert.h>
#include <stdio.h>

void profile_free(struct profile *profile)
{
    if (!profile)
        return;
    base_free(profile->maps);
    base_free(profile->addr_pc);
    base_free(profile->addr_map);
    base_free(profile->stack_at);
    base_free(profile->stack_addr);
    base_free(profile->sample_stack);
    base_free(profile->sample_label);
    base_free(profile->sample_value);
    parts_free(&profile->parts);
    base_free(profile->comments);
    base_free(profile->records);
    base_free(profile->carried_pc);
    base_free(profile->carried_at);
    base_free(profile->carried_frames);
    *profile = (struct profile){0};
}

void symbols_free(struct symbols *symbols)
{
    if (!symbols)
        return;
    base_free(symbols->frames);
    base_free(symbols->addr_at);
    base_free(symbols->addr_frame);
    base_free(symbols->addr_state);
    base_free(symbols->addr_image);
    base_free(symbols->addr_place);
    base_free(symbols->images);
    base_free(symbols->places);
    *symbols = (struct symbols){0};
}

const char *profile_address_text(const struct profile *profile, addr_ix addr, char text[20])
{
    (void)snprintf(text, 20, "%0*llx", profile->address_digits == 8 ? 8 : 16,
                   (unsigned long long)profile->addr_pc[addr]);
    return text;
}

void profile_check(const struct profile *profile)
{
#ifndef NDEBUG
    assert(profile->n_columns <= COLUMNS_MAX);
    assert(profile->n_columns == 0 || profile->default_column < profile->n_columns);
    assert(profile->address_digits == 8 || profile->address_digits == 16);
    assert(profile->stack_at && profile->stack_at[0] == 0);
    for (uint32_t s = 0; s < profile->n_stacks; s++)
        assert(profile->stack_at[s] <= profile->stack_at[s + 1]);
    for (uint32_t i = 0; i < profile->stack_at[profile->n_stacks]; i++)
        assert(profile->stack_addr[i] < profile->n_addrs);
    for (uint32_t a = 0; a < profile->n_addrs; a++)
        assert(profile->addr_map[a] == MAP_NONE || profile->addr_map[a] < profile->n_maps);
    for (uint32_t i = 0; i < profile->n_samples; i++)
        assert(profile->sample_stack[i] < profile->n_stacks);
    for (uint32_t i = 0; i < profile->parts.n; i++)
        assert(profile->parts.stack[i] < profile->n_stacks);
    for (uint32_t i = 0; i < profile->n_records; i++)
        assert(profile->records[i].stack < profile->n_stacks);
    for (uint32_t i = 0; i < profile->n_maps; i++)
        assert(profile->maps[i].start <= profile->maps[i].limit);
    for (uint32_t i = 0; i < profile->n_carried; i++) {
        assert(i == 0 || profile->carried_pc[i - 1] < profile->carried_pc[i]);
        assert(profile->carried_at[i] <= profile->carried_at[i + 1]);
    }
#else
    (void)profile;
#endif
}
