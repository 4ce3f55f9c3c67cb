/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Mapped memory that can be read, as it is while the threads stand still. */
#include "heapcheck/internal.h"

#include <string.h>

/* One check at a time: the checker's lock guards it. */
static struct maps_reader reader;

/* Anonymous mappings of the loader and the C library, by address: the kernel joins those of the
 * program to them where they touch. */
static struct pile early; /* struct range */

struct listing {
    struct areas *areas;
    uintptr_t untouchable_end; /* of the last area, if it cannot be read */
};

/* Memory that the program asked for, rather than a file. */
static bool is_memory(const struct map_line *line)
{
    static const char *const names[] = {"[heap]", "[anon", "/dev/zero", "/SYSV"};
    if (!line->path[0])
        return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strncmp(line->path, names[i], strlen(names[i])) == 0)
            return true;
    }
    return false;
}

static void see_early(void *to, const struct map_line *line)
{
    (void)to;
    struct range *range;
    if (line->flags[0] != 'r' || !is_memory(line) || !(range = pile_next(&early, sizeof *range)))
        return;
    *range = (struct range){line->start, line->end};
    early.n++;
}

void areas_note_early(void)
{
    (void)maps_each(&reader, -1, see_early, NULL);
}

/* Where an area that begins at `start` ends at the latest: where what was there early begins or
 * ends. */
static uintptr_t end_of_kind(uintptr_t start, uintptr_t end)
{
    const struct range *range = early.p;
    for (size_t i = 0; i < early.n; i++, range++) {
        if (range->start > start && range->start < end)
            end = range->start;
        if (range->end > start && range->end < end)
            end = range->end;
    }
    return end;
}

static void add(struct listing *listing, const struct area *whole)
{
    struct area part = *whole;
    for (part.start = whole->start; part.start < whole->end; part.start = part.end) {
        struct area *area = pile_next(&listing->areas->pile, sizeof *area);
        if (!area) {
            listing->areas->is_complete = false;
            return;
        }
        part.end = part.is_anonymous ? end_of_kind(part.start, whole->end) : whole->end;
        part.dead_end = part.start;
        part.is_guarded = whole->is_guarded && part.start == whole->start;
        *area = part;
        listing->areas->pile.n++;
    }
}

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
    const struct area area = {
        .start = line->start,
        .end = line->end,
        .is_anonymous = line->flags[1] == 'w' && is_memory(line),
        .is_guarded = guard == line->start,
        .is_stack = strcmp(line->path, "[stack]") == 0,
    };
    add(listing, &area);
    if (area.is_anonymous) {
        listing->areas->low = listing->areas->low ? listing->areas->low : area.start;
        listing->areas->high = area.end;
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
