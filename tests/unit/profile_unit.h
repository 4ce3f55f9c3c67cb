/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the tests of profiles and readers share: a profile as text, one line a sample ("5 3 @ 401101
 * 401005", columns in their order, a mapped address with "/" and its mapping's number), and readers
 * called on texts. */
#pragma once

#include "base_unit.h"

#include "base/buf.h"
#include "profile/profile.h"

static inline void show_samples(const struct profile *profile, struct buf *out)
{
    buf_clear(out);
    for (uint32_t i = 0; i < profile->n_samples; i++) {
        for (uint32_t c = 0; c < profile->n_columns; c++)
            buf_printf(out, "%.6g ", profile->sample_value[c * profile->n_samples + i]);
        buf_text(out, "@");
        const stack_ix s = profile->sample_stack[i];
        for (uint32_t k = profile->stack_at[s]; k < profile->stack_at[s + 1]; k++) {
            const addr_ix a = profile->stack_addr[k];
            buf_printf(out, " %llx", (unsigned long long)profile->addr_pc[a]);
            if (profile->addr_map[a] != MAP_NONE)
                buf_printf(out, "/%u", profile->addr_map[a]);
        }
        if (profile->sample_label[i])
            buf_printf(out, " (%s)", strings_text(profile->strings, profile->sample_label[i]));
        buf_text(out, "\n");
    }
}

/* "START-LIMIT OFFSET PATH", the build ID if there is one, and " library", " program", " deleted".
 */
static inline void show_maps(const struct profile *profile, struct buf *out)
{
    buf_clear(out);
    for (uint32_t m = 0; m < profile->n_maps; m++) {
        const struct mapping *map = &profile->maps[m];
        buf_printf(out, "%llx-%llx %llx %s%s%s%s%s%s\n", (unsigned long long)map->start,
                   (unsigned long long)map->limit, (unsigned long long)map->offset,
                   strings_text(profile->strings, map->path), map->build_id ? " " : "",
                   strings_text(profile->strings, map->build_id), map->is_library ? " library" : "",
                   map->is_program ? " program" : "", map->is_deleted ? " deleted" : "");
    }
}

/* "PC innermost; ...; outermost" */
static inline void show_carried(const struct profile *profile, struct buf *out)
{
    buf_clear(out);
    for (uint32_t i = 0; i < profile->n_carried; i++) {
        buf_printf(out, "%llx", (unsigned long long)profile->carried_pc[i]);
        for (uint32_t f = profile->carried_at[i]; f < profile->carried_at[i + 1]; f++)
            buf_printf(out, " [%s]",
                       strings_text(profile->strings, profile->carried_frames[f].name));
        buf_text(out, "\n");
    }
}

#define ASSERT_SHOWN(show, profile, wanted)                                                        \
    do {                                                                                           \
        struct buf shown_ = BUF_MAX(1 << 20);                                                      \
        show((profile), &shown_);                                                                  \
        assert_string_equal(buf_c(&shown_), (wanted));                                             \
        buf_free(&shown_);                                                                         \
    } while (0)

#define assert_samples(profile, wanted) ASSERT_SHOWN(show_samples, profile, wanted)
#define assert_maps(profile, wanted)    ASSERT_SHOWN(show_maps, profile, wanted)
#define assert_carried(profile, wanted) ASSERT_SHOWN(show_carried, profile, wanted)
