/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Packing gzip (RFC 1952), beside its opposite in gunzip.c, since zlib is only known here. The
 * invariant: nothing of this machine or hour gets into the output. */
#include "base/gzip.h"

#include <zlib.h>

#define PIECE_MAX    ((size_t)1 << 30) /* zlib counts in unsigned int */
#define GZIP_WINDOW  (15 + 16)         /* a window of 2^15, and gzip's header and checksum */
#define MEMORY_LEVEL 8
#define OS_UNKNOWN   255
#define ROOM         ((size_t)1 << 16)

/* False where the buffer is full. */
static bool deflate_all(z_stream *z, struct span in, struct buf *out)
{
    for (int result = Z_OK; result != Z_STREAM_END;) {
        const size_t give = in.n < PIECE_MAX ? in.n : PIECE_MAX;
        const size_t left = out->limit - out->n;
        const size_t room = left < ROOM ? left : ROOM;
        char *to = room ? buf_room(out, room) : NULL;
        if (!to)
            return false;
        z->next_in = (z_const Bytef *)in.p;
        z->avail_in = (uInt)give;
        z->next_out = (Bytef *)to;
        z->avail_out = (uInt)room;
        result = deflate(z, give == in.n ? Z_FINISH : Z_NO_FLUSH);
        in = span_skip(in, give - z->avail_in);
        out->n += room - z->avail_out;
    }
    return true;
}

bool gzip_pack(struct span bytes, struct buf *out)
{
    z_stream z = {0};
    gz_header header = {.os = OS_UNKNOWN};
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK ||
        deflateSetHeader(&z, &header) != Z_OK)
        base_oom();
    const bool is_packed = !out->is_full && deflate_all(&z, bytes, out);
    deflateEnd(&z);
    if (!is_packed)
        out->is_full = true;
    return is_packed;
}
