/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Packed bytes by strangers: the first byte says where they stand, as a whole file (gzip), a
 * section of an object (zlib, zstd) or a file inside of one (xz). Nothing becomes longer than it
 * may. */
#include "fuzz.h"

#include <stdlib.h>

#include "base/file.h"
#include "object/internal.h"

#define FILE_MOST    ((uint64_t)1 << 20)
#define SECTION_MOST ((uint64_t)4 << 20)

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void unpack_file(struct span bytes)
{
    struct file file = {.bytes = bytes, .name = base_copy("input")};
    struct notes notes = {0};
    struct error err = {0};
    if (file_unpack(&file, FILE_MOST, &notes, &err))
        require(file.bytes.p == bytes.p || file.bytes.n <= FILE_MOST);
    else
        require(err.text[0] != '\0');
    require(!file.is_cut_short || notes.n > 0);
    notes_free(&notes);
    file_close(&file);
}

static void unpack_section(const struct packed *packed)
{
    /* What an object's memory is bounded by does not bound a fuzzer's patience. */
    if (packed->size > SECTION_MOST)
        return;
    char *to = base_alloc(packed->size, 1);
    (void)!packed_unpack(packed, to);
    base_free(to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    const struct span bytes = span_make(data + 1, size - 1);
    struct packed packed;
    size_t n = 0;
    char *inside;
    switch (data[0]) {
    case 'f':
        unpack_file(bytes);
        break;
    case 'x':
        inside = unpack_xz(bytes, &n);
        require(!inside == (n == 0));
        base_free(inside);
        break;
    case 'o':
        if (packed_read_old_header(bytes, &packed))
            unpack_section(&packed);
        break;
    default:
        if (packed_read_header(bytes, data[0] & 1 ? CURSOR_BIG : CURSOR_LITTLE, data[0] & 2,
                               &packed))
            unpack_section(&packed);
    }
    return 0;
}
