/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Mapped memory that can be read, as it is while the threads stand still. */
#include "heapcheck/internal.h"

#include <string.h>

/* One check at a time: the checker's lock guards it. */
static struct maps_reader reader;

struct listing {
    struct areas *areas;
    uintptr_t untouchable_end; /* of the last area, if it cannot be read */
};

static void see(void *to, const struct map_line *line)
{
    struct listing *listing = to;
    const uintptr_t guard = listing->untouchable_end;
    if (line->flags[0] != 'r') {
        listing->untouchable_end = line->end;
        return;
    }
    listing->untouchable_end = 0;
    if (strcmp(line->path, "[vsyscall]") == 0 || strcmp(line->path, "[vvar]") == 0)
        return;
    struct area *area = pile_next(&listing->areas->pile, sizeof *area);
    if (!area) {
        listing->areas->is_complete = false;
        return;
    }
    *area = (struct area){
        .start = line->start,
        .end = line->end,
        .dead_end = line->start,
        .is_anonymous = line->inode == 0 && line->flags[1] == 'w' &&
                        (!line->path[0] || strcmp(line->path, "[heap]") == 0 ||
                         strncmp(line->path, "[anon", 5) == 0),
        .is_guarded = guard == line->start,
        .is_stack = strcmp(line->path, "[stack]") == 0,
    };
    listing->areas->pile.n++;
    if (area->is_anonymous) {
        listing->areas->low = listing->areas->low ? listing->areas->low : area->start;
        listing->areas->high = area->end;
    }
}

bool areas_list(struct areas *areas)
{
    *areas = (struct areas){.is_complete = true};
    struct listing listing = {.areas = areas};
    return maps_each(&reader, -1, see, &listing) && areas->is_complete;
}

void areas_free(struct areas *areas)
{
    pile_free(&areas->pile);
}

struct area *areas_last(const struct areas *areas)
{
    return (struct area *)areas->pile.p + areas->pile.n;
}

struct area *areas_from(const struct areas *areas, uintptr_t address)
{
    struct area *list = areas->pile.p;
    size_t low = 0, high = areas->pile.n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (address >= list[middle].end)
            low = middle + 1;
        else
            high = middle;
    }
    return list + low;
}

struct area *areas_find(const struct areas *areas, uintptr_t address)
{
    struct area *area = areas_from(areas, address);
    return area < areas_last(areas) && address >= area->start ? area : NULL;
}
