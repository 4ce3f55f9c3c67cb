/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Arrays for the time of a check. */
#include "heapcheck/internal.h"

#include <string.h>

#include "base/pages.h"

enum { FIRST_ROOM = 64 << 10 };

void *pile_next(struct pile *pile, size_t item)
{
    const size_t used = pile->n * item;
    if (used + item > pile->bytes) {
        const size_t bytes = pile->bytes ? pile->bytes * 2 : FIRST_ROOM;
        char *fresh = pages_map(NULL, bytes, SYSTEM_PAGE);
        if (!fresh)
            return NULL;
        if (pile->p) {
            memcpy(fresh, pile->p, used);
            pages_unmap(pile->p, pile->bytes);
        }
        pile->p = fresh;
        pile->bytes = bytes;
    }
    return (char *)pile->p + used;
}

void pile_free(struct pile *pile)
{
    if (pile->p)
        pages_unmap(pile->p, pile->bytes);
    *pile = (struct pile){0};
}
