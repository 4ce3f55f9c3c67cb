/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Heap profiles as text, as docs/formats.md has them. */
#include "heapprof/internal.h"

#include <string.h>

#include "base/maps.h"
#include "base/pages.h"

enum { ROOM = 1 << 16 };

static struct maps_reader maps; /* the profile's lock */

static void put_tallies(const struct text_sink *sink, const struct tally *live,
                        const struct tally *made)
{
    text_format(sink, "%6lu: %8lu [%6lu: %8lu] @", live->objects, live->bytes, made->objects,
                made->bytes);
}

void text_head(const struct text_sink *sink, const struct tally *live, const struct tally *made,
               const char *label)
{
    text_format(sink, "heap profile: ");
    put_tallies(sink, live, made);
    text_format(sink, " %s\n", label);
}

void text_row(const struct text_sink *sink, const struct tally *live, const struct tally *made,
              const uintptr_t *pcs, size_t n)
{
    put_tallies(sink, live, made);
    for (size_t i = 0; i < n; i++)
        text_format(sink, " 0x%08lx", pcs[i]);
    text_format(sink, "\n");
}

void text_maps(const struct text_sink *sink)
{
    text_format(sink, "\nMAPPED_LIBRARIES:\n");
    (void)maps_write(&maps, -1, sink);
}

void text_snapshot(const struct text_sink *sink, const struct snapshot *snapshot)
{
    text_head(sink, &snapshot->live, &snapshot->made, "heapprofile");
    for (size_t i = 0; i < snapshot->n; i++) {
        const struct row *row = &snapshot->rows[i];
        size_t n;
        const uintptr_t *pcs = stack_pcs(row->stack, &n);
        text_row(sink, &row->live, &row->made, pcs, n);
    }
    text_maps(sink);
}

static void put(void *to, const char *piece, size_t n)
{
    struct grown *grown = to;
    if (grown->room - grown->n < n && grown->room > 0) {
        size_t room = grown->room;
        while (room - grown->n < n)
            room *= 2;
        char *p = pages_map(NULL, room, SYSTEM_PAGE);
        if (p)
            memcpy(p, grown->p, grown->n);
        pages_unmap(grown->p, grown->room);
        grown->p = p;
        grown->room = p ? room : 0;
    }
    if (grown->room > 0) {
        memcpy(grown->p + grown->n, piece, n);
        grown->n += n;
    }
}

struct text_sink grown_begin(struct grown *grown)
{
    grown->p = pages_map(NULL, ROOM, SYSTEM_PAGE);
    grown->room = grown->p ? ROOM : 0;
    grown->n = 0;
    return (struct text_sink){put, grown};
}

void grown_free(struct grown *grown)
{
    if (grown->room > 0)
        pages_unmap(grown->p, grown->room);
    grown->room = 0;
}
