/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Unpacking gzip (RFC 1952). Apart from file.c because zlib is only known here and in gzip.c. The
 * invariant: no more is ever unpacked than the limit, whatever the packed bytes claim, and the file
 * changes only on success. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include <zlib.h>

#include "base/file.h"
#include "base/internal.h"

/* zlib counts in unsigned int, so both sides are fed in pieces. */
#define PIECE_MAX ((size_t)1 << 30)

/* A window of 2^15, and gzip's header and checksum. */
#define GZIP_WINDOW (15 + 16)

enum outcome { UNPACKED, DAMAGED, TOO_LARGE, NO_MEMORY };

static bool is_gzip(struct span s)
{
    return span_starts(s, "\x1f\x8b\x08");
}

/* Unpacks all members in *in and leaves there what follows them. *reason says what is damaged. */
static enum outcome inflate_all(z_stream *z, struct span *in, struct growing *g,
                                const char **reason)
{
    for (;;) {
        if (g->n == g->limit)
            return TOO_LARGE;
        if (!growing_room(g))
            return NO_MEMORY;
        const size_t give = in->n < PIECE_MAX ? in->n : PIECE_MAX;
        const size_t room = g->cap - g->n < PIECE_MAX ? g->cap - g->n : PIECE_MAX;
        z->next_in = (z_const Bytef *)in->p;
        z->avail_in = (uInt)give;
        z->next_out = (Bytef *)g->p + g->n;
        z->avail_out = (uInt)room;
        const int result = inflate(z, Z_NO_FLUSH);
        *in = span_skip(*in, give - z->avail_in);
        g->n += room - z->avail_out;
        if (result == Z_STREAM_END) {
            if (!is_gzip(*in))
                return UNPACKED;
            if (inflateReset(z) != Z_OK)
                return NO_MEMORY;
        } else if (result == Z_MEM_ERROR) {
            return NO_MEMORY;
        } else if (result == Z_BUF_ERROR || (result == Z_OK && in->n == 0 && z->avail_out)) {
            *reason = "unexpected end";
            return DAMAGED;
        } else if (result != Z_OK) {
            *reason = z->msg ? z->msg : "invalid data";
            return DAMAGED;
        }
    }
}

/* gzip pads tapes with zeros; anything else behind the last member is worth a word. */
static void tell_rest(const struct file *file, struct span rest, struct notes *notes)
{
    for (size_t i = 0; i < rest.n; i++) {
        if (rest.p[i]) {
            notes_add(notes, "%s: %zu bytes behind the gzip data ignored", file->name, rest.n);
            return;
        }
    }
}

bool file_unpack(struct file *file, uint64_t limit, struct notes *notes, struct error *err)
{
    if (!is_gzip(file->bytes))
        return true;
    z_stream z = {0};
    if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
        base_oom();
    struct span rest = file->bytes;
    struct growing g = {.limit = growing_limit(limit)};
    const char *reason = NULL;
    enum outcome outcome = inflate_all(&z, &rest, &g, &reason);
    /* The byte beyond the limit may come with the end of the data. */
    if (g.n > limit)
        outcome = TOO_LARGE;

    bool is_good = outcome == UNPACKED;
    if (is_good) {
        tell_rest(file, rest, notes);
    } else if (outcome == DAMAGED && g.n) {
        is_good = true;
        notes_add(notes, "%s: gzip data damaged (%s); only its first %zu unpacked bytes are used",
                  file->name, reason, g.n);
    } else if (outcome == DAMAGED) {
        error_set(err, ERROR_FORMAT, "%s: gzip data damaged (%s)", file->name, reason);
    } else if (outcome == TOO_LARGE) {
        error_set(err, ERROR_LIMIT, "%s: unpacks to more than %" PRIu64 " bytes", file->name,
                  limit);
    } else {
        error_system(err, ENOMEM, "%s: unpacking", file->name);
    }
    inflateEnd(&z); /* owns the text of `reason` */

    if (!is_good) {
        free(g.p);
        return false;
    }
    file_take_bytes(file, &g);
    file->is_cut_short = outcome != UNPACKED;
    return true;
}
