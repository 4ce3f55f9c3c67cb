/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Compressed sections: what their headers say, and their contents; and files inside of files. Apart
 * from libelf's own unpacking, which is one thread's, knows no zstd and takes three times as long:
 * unpacking is most of the work of a report on a small program whose libraries have compressed
 * debug files. */
#include "object/internal.h"

#include <libdeflate.h>
#include <lzma.h>
#include <zstd.h>

/* What no section can hold, and no compression of one can make of a byte. */
#define UNPACKED_MAX       ((uint64_t)4 << 30)
#define ZLIB_RATIO_MAX     1032u
#define ZSTD_RATIO_MAX     16384u
#define UNPACKED_ALLOWANCE 4096u

/* Of an .xz stream, which does not say beforehand. */
#define XZ_OUTPUT_MAX ((size_t)256 << 20)
#define XZ_MEMORY_MAX ((uint64_t)128 << 20)

static bool is_possible(const struct packed *packed)
{
    const uint64_t ratio = packed->is_zstd ? ZSTD_RATIO_MAX : ZLIB_RATIO_MAX;
    return packed->size > 0 && packed->size <= UNPACKED_MAX &&
           packed->size <= packed->stream.n * ratio + UNPACKED_ALLOWANCE;
}

/* Elf32_Chdr: type, size, alignment; Elf64_Chdr has a reserved word behind the type. */
bool packed_read_header(struct span contents, enum cursor_order order, bool is_64,
                        struct packed *out)
{
    struct cursor c = cursor_over(contents, order);
    const uint32_t type = cursor_u32(&c);
    if (is_64)
        cursor_skip(&c, 4);
    struct packed packed = {.size = is_64 ? cursor_u64(&c) : cursor_u32(&c)};
    cursor_skip(&c, is_64 ? 8 : 4);
    if (cursor_failed(&c) || (type != 1 && type != 2)) /* ELFCOMPRESS_ZLIB, ELFCOMPRESS_ZSTD */
        return false;
    packed.is_zstd = type == 2;
    packed.stream = cursor_bytes(&c, cursor_left(&c));
    if (!is_possible(&packed))
        return false;
    *out = packed;
    return true;
}

bool packed_read_old_header(struct span contents, struct packed *out)
{
    struct cursor c = cursor_over(contents, CURSOR_BIG);
    const struct span mark = cursor_bytes(&c, 4);
    struct packed packed = {.size = cursor_u64(&c)};
    packed.stream = cursor_bytes(&c, cursor_left(&c));
    if (cursor_failed(&c) || !span_is(mark, "ZLIB") || !is_possible(&packed))
        return false;
    *out = packed;
    return true;
}

bool packed_unpack(const struct packed *packed, char *to)
{
    if (packed->is_zstd)
        return ZSTD_decompress(to, packed->size, packed->stream.p, packed->stream.n) ==
               packed->size;
    struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor();
    if (!decompressor)
        base_oom();
    const enum libdeflate_result result = libdeflate_zlib_decompress(
        decompressor, packed->stream.p, packed->stream.n, to, packed->size, NULL);
    libdeflate_free_decompressor(decompressor);
    return result == LIBDEFLATE_SUCCESS;
}

char *unpack_xz(struct span stream, size_t *n)
{
    lzma_stream decoder = LZMA_STREAM_INIT;
    if (lzma_stream_decoder(&decoder, XZ_MEMORY_MAX, LZMA_CONCATENATED) != LZMA_OK)
        return NULL;
    char *bytes = NULL;
    size_t done = 0;
    uint32_t cap = 0;
    lzma_ret result = LZMA_OK;
    decoder.next_in = (const uint8_t *)stream.p;
    decoder.avail_in = stream.n;
    while (result == LZMA_OK && cap < XZ_OUTPUT_MAX) {
        bytes = base_grow(bytes, &cap, cap ? (size_t)cap + 1 : (size_t)64 << 10, 1);
        decoder.next_out = (uint8_t *)bytes + done;
        decoder.avail_out = cap - done;
        result = lzma_code(&decoder, LZMA_FINISH);
        done = cap - decoder.avail_out;
    }
    lzma_end(&decoder);
    if (result == LZMA_STREAM_END && done) {
        *n = done;
        return bytes;
    }
    base_free(bytes);
    return NULL;
}
