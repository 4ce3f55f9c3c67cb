/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Gigabytes of records, seen through a window that stays in cache. Apart because only huge binary
 * inputs need it: going through a mapped file costs a miss of the page tables every few kilobytes,
 * reading it costs none. The invariant: what the cursor gives is the input's bytes in order, and
 * the first byte in the window is aligned for words. */
#include "reader/internal.h"

enum { PIECE = 128 * 1024 };

struct window window_over(const struct filling *filling, struct span bytes, enum cursor_order order)
{
    struct window window = {.all = bytes, .c = cursor_over(bytes, order)};
    const struct file *file = filling->job->file;
    if (!file || !file->is_mapped || bytes.n <= PIECE || filling->whole.p != file->bytes.p)
        return window;
    window.file = file;
    window.file_at = filling_offset(filling, bytes);
    window.c = cursor_over(span_first(bytes, 0), order);
    return window;
}

bool window_move(struct window *window, size_t n)
{
    if (!window->file)
        return false;
    const size_t kept = cursor_left(&window->c);
    const size_t used = window_offset(window);
    const size_t size = n > PIECE ? n : PIECE;
    if (size > window->size) {
        char *grown = base_alloc(size, 1);
        if (kept)
            memcpy(grown, window->c.at, kept);
        base_free(window->buffer);
        window->buffer = grown;
        window->size = size;
    } else if (kept) {
        memmove(window->buffer, window->c.at, kept);
    }
    const size_t got = file_copy(window->file, window->file_at + used + kept, window->buffer + kept,
                                 window->size - kept);
    window->at = used;
    window->c = cursor_over(span_make(window->buffer, kept + got), window->c.order);
    return kept + got >= n;
}

void window_free(struct window *window)
{
    base_free(window->buffer);
    *window = (struct window){0};
}
