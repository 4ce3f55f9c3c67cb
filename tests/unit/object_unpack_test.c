/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Compressed sections: both streams, both headers, sizes that lie. */
#include "object/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

enum { N = 10000 };

struct fixture {
    char text[N], stream[N + 1000], back[N + 1];
    size_t n;
};

static void make(struct fixture *f, bool is_zstd)
{
    for (int i = 0; i < N; i++)
        f->text[i] = (char)(i * i % 23);
    uLongf n = sizeof f->stream;
    if (is_zstd)
        f->n = ZSTD_compress(f->stream, sizeof f->stream, f->text, N, 1);
    else
        assert_int_equal(compress((Bytef *)f->stream, &n, (const Bytef *)f->text, N), Z_OK);
    f->n = is_zstd ? f->n : n;
}

/* Elf64_Chdr or Elf32_Chdr in the given order, and the stream. */
static struct span with_header(const struct fixture *f, uint32_t type, uint64_t size, bool is_64,
                               bool is_big, char *to)
{
    const uint64_t fields[] = {type, 0, size, 1};
    const unsigned sizes64[] = {4, 4, 8, 8}, sizes32[] = {4, 0, 4, 4};
    size_t n = 0;
    for (int i = 0; i < 4; i++) {
        const unsigned width = is_64 ? sizes64[i] : sizes32[i];
        for (unsigned k = 0; k < width; k++)
            to[n++] = (char)(fields[i] >> 8 * (is_big ? width - 1 - k : k));
    }
    memcpy(to + n, f->stream, f->n);
    return span_make(to, n + f->n);
}

static void both_streams(void **state)
{
    (void)state;
    static struct fixture f;
    static char bytes[sizeof f.stream + 64];
    for (int i = 0; i < 8; i++) {
        const bool is_zstd = i & 1, is_64 = i & 2, is_big = i & 4;
        make(&f, is_zstd);
        const struct span section = with_header(&f, is_zstd ? 2 : 1, N, is_64, is_big, bytes);
        struct packed packed;
        assert_true(
            packed_read_header(section, is_big ? CURSOR_BIG : CURSOR_LITTLE, is_64, &packed));
        assert_int_equal(packed.size, N);
        assert_true(packed_unpack(&packed, f.back));
        assert_memory_equal(f.back, f.text, N);
    }
}

static void old_header(void **state)
{
    (void)state;
    static struct fixture f;
    static char bytes[sizeof f.stream + 64];
    make(&f, false);
    memcpy(bytes, "ZLIB\0\0\0\0\0\0\x27\x10", 12);
    memcpy(bytes + 12, f.stream, f.n);
    struct packed packed;
    assert_true(packed_read_old_header(span_make(bytes, 12 + f.n), &packed));
    assert_true(packed_unpack(&packed, f.back));
    assert_memory_equal(f.back, f.text, N);
    assert_false(packed_read_old_header(span_make(bytes, 11), &packed));
    assert_false(packed_read_old_header(span_make(bytes + 1, 11 + f.n), &packed));
}

static void lies(void **state)
{
    (void)state;
    static struct fixture f;
    static char bytes[sizeof f.stream + 64];
    struct packed packed;
    for (uint32_t type = 1; type <= 2; type++) {
        make(&f, type == 2);
        /* One byte more or less than there is. */
        for (int off = -1; off <= 1; off += 2) {
            const struct span section =
                with_header(&f, type, (uint64_t)(N + off), true, false, bytes);
            assert_true(packed_read_header(section, CURSOR_LITTLE, true, &packed));
            assert_false(packed_unpack(&packed, f.back));
        }
        /* More than any stream of this size could hold: refused before memory is asked for. */
        const struct span bomb =
            with_header(&f, type, (uint64_t)f.n * 16384 + 5000, true, false, bytes);
        assert_false(packed_read_header(bomb, CURSOR_LITTLE, true, &packed));
        const struct span cut = span_first(with_header(&f, type, N, true, false, bytes), f.n);
        assert_true(packed_read_header(cut, CURSOR_LITTLE, true, &packed));
        assert_false(packed_unpack(&packed, f.back));
    }
    assert_false(packed_read_header(with_header(&f, 3, N, true, false, bytes), CURSOR_LITTLE, true,
                                    &packed));
    assert_false(packed_read_header(span_make(bytes, 23), CURSOR_LITTLE, true, &packed));
}

static void xz(void **state)
{
    (void)state;
    static char text[300000];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i / 1000 * i);
    static uint8_t packed[400000];
    size_t n_packed = 0, n = 0;
    assert_int_equal(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL, (const uint8_t *)text,
                                             sizeof text, packed, &n_packed, sizeof packed),
                     LZMA_OK);
    const struct span stream = span_make((const char *)packed, n_packed);
    char *bytes = unpack_xz(stream, &n);
    assert_non_null(bytes);
    assert_int_equal(n, sizeof text);
    assert_memory_equal(bytes, text, sizeof text);
    base_free(bytes);
    assert_null(unpack_xz(span_first(stream, n_packed - 1), &n));
    assert_null(unpack_xz(span_make("", 0), &n));
    assert_null(unpack_xz(span_of("no stream"), &n));
    packed[n_packed / 2] ^= 0xff;
    assert_null(unpack_xz(stream, &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_streams),
        cmocka_unit_test(old_header),
        cmocka_unit_test(lies),
        cmocka_unit_test(xz),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
