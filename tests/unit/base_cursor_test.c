/* SPDX-License-Identifier: BSD-3-Clause
 *
 * base/cursor.h: numbers out of binary input, never past its end. Inputs are copied to memory of
 * just their size, so that a sanitizer sees one byte too many. */
#include "base_unit.h"

#include "base/cursor.h"

static char *exact;

static struct cursor over(const void *bytes, size_t n, enum cursor_order order)
{
    free(exact);
    exact = malloc(n ? n : 1);
    memcpy(exact, bytes, n);
    return cursor_over(span_make(exact, n), order);
}

static int drop(void **state)
{
    (void)state;
    free(exact);
    exact = NULL;
    return 0;
}

#define OVER(text) over(text, sizeof text - 1, CURSOR_LITTLE)

static void fixed_sizes_in_both_orders(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    struct cursor c = over(bytes, sizeof bytes, CURSOR_LITTLE);
    assert_int_equal(cursor_u8(&c), 1);
    assert_int_equal(cursor_u16(&c), 0x0302);
    assert_int_equal(cursor_u32(&c), 0x07060504);
    assert_true(cursor_u64(&c) == 0x0f0e0d0c0b0a0908u);
    assert_int_equal(cursor_left(&c), 0);
    assert_false(cursor_failed(&c));
    c = over(bytes, sizeof bytes, CURSOR_BIG);
    assert_int_equal(cursor_u8(&c), 1);
    assert_int_equal(cursor_u16(&c), 0x0203);
    assert_int_equal(cursor_u32(&c), 0x04050607);
    assert_true(cursor_u64(&c) == 0x08090a0b0c0d0e0fu);
    assert_int_equal(cursor_offset(&c), 15);
    assert_false(cursor_failed(&c));
}

static void sizes_chosen_by_the_input(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8};
    static const uint64_t little[] = {0,
                                      0x01,
                                      0x0201,
                                      0x030201,
                                      0x04030201,
                                      0x0504030201,
                                      0x060504030201,
                                      0x07060504030201,
                                      0x0807060504030201};
    static const uint64_t big[] = {0,
                                   0x01,
                                   0x0102,
                                   0x010203,
                                   0x01020304,
                                   0x0102030405,
                                   0x010203040506,
                                   0x01020304050607,
                                   0x0102030405060708};
    for (unsigned size = 1; size <= 8; size++) {
        struct cursor c = over(bytes, size, CURSOR_LITTLE);
        assert_true(cursor_uint(&c, size) == little[size]);
        assert_false(cursor_failed(&c));
        assert_int_equal(cursor_left(&c), 0);
        c = over(bytes, size, CURSOR_BIG);
        assert_true(cursor_uint(&c, size) == big[size]);
        c = over(bytes, size - 1, CURSOR_BIG);
        assert_true(cursor_uint(&c, size) == 0);
        assert_true(cursor_failed(&c));
    }
    struct cursor c = over(bytes, 8, CURSOR_LITTLE);
    assert_true(cursor_uint(&c, 0) == 0);
    assert_true(cursor_failed(&c));
    c = over(bytes, 8, CURSOR_LITTLE);
    assert_true(cursor_uint(&c, 9) == 0);
    assert_true(cursor_failed(&c));
}

static void reads_past_the_end_stick(void **state)
{
    (void)state;
    struct cursor c = OVER("\1\2\3");
    assert_int_equal(cursor_u16(&c), 0x0201);
    assert_int_equal(cursor_u16(&c), 0);
    assert_true(cursor_failed(&c));
    assert_int_equal(c.failed_at, 2);
    assert_int_equal(cursor_left(&c), 0);
    assert_int_equal(cursor_u8(&c), 0); /* though a byte was left */
    assert_int_equal(c.failed_at, 2);
    cursor_seek(&c, 0);
    assert_int_equal(cursor_left(&c), 0); /* nor does going back bring it to life */
    assert_int_equal(cursor_u8(&c), 0);

    struct cursor empty = cursor_over((struct span){0}, CURSOR_LITTLE);
    assert_int_equal(cursor_left(&empty), 0);
    assert_int_equal(cursor_offset(&empty), 0);
    assert_false(cursor_failed(&empty));
    cursor_skip(&empty, 0);
    cursor_seek(&empty, 0);
    assert_int_equal(cursor_bytes(&empty, 0).n, 0);
    assert_false(cursor_failed(&empty));
    assert_true(cursor_u64(&empty) == 0);
    assert_true(cursor_failed(&empty));
    assert_int_equal(empty.failed_at, 0);
    c = OVER("\1\2\3\4\5\6\7");
    assert_true(cursor_u64(&c) == 0);
    assert_true(cursor_failed(&c));
    c = OVER("\1\2\3");
    assert_int_equal(cursor_u32(&c), 0);
    assert_true(cursor_failed(&c));
}

static void has_takes_any_count(void **state)
{
    (void)state;
    struct cursor c = OVER("abc");
    assert_true(cursor_has(&c, 3));
    assert_false(cursor_has(&c, SIZE_MAX));
    assert_true(cursor_failed(&c));
    c = OVER("abc");
    cursor_fail(&c);
    assert_true(cursor_failed(&c));
    assert_int_equal(c.failed_at, 0);
    assert_int_equal(cursor_left(&c), 0);
}

static void unsigned_leb128(void **state)
{
    (void)state;
    struct cursor c = OVER("\x02\x7f\x80\x01\x81\x01\xe5\x8e\x26\x80\x80\x00");
    assert_true(cursor_uleb(&c) == 2);
    assert_true(cursor_uleb(&c) == 127);
    assert_true(cursor_uleb(&c) == 128);
    assert_true(cursor_uleb(&c) == 129);
    assert_true(cursor_uleb(&c) == 624485);
    assert_true(cursor_uleb(&c) == 0);
    assert_int_equal(cursor_left(&c), 0);
    assert_false(cursor_failed(&c));
    assert_true(cursor_uleb(&c) == 0);
    assert_true(cursor_failed(&c));

    c = OVER("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01Z");
    assert_true(cursor_uleb(&c) == UINT64_MAX);
    assert_int_equal(cursor_u8(&c), 'Z');
    /* More than 64 bits: the rest is dropped, the bytes are skipped. */
    c = OVER("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7fZ");
    assert_true(cursor_uleb(&c) == UINT64_MAX);
    assert_int_equal(cursor_u8(&c), 'Z');
    c = OVER("\x81\x80\x80\x80\x80\x80\x80\x80\x80\x80\xff\xff\xff\x7fZ");
    assert_true(cursor_uleb(&c) == 1);
    assert_int_equal(cursor_u8(&c), 'Z');
    assert_false(cursor_failed(&c));
    /* One that does not end fails where it starts. */
    c = OVER("\x01\x80\x80");
    assert_true(cursor_uleb(&c) == 1);
    assert_true(cursor_uleb(&c) == 0);
    assert_true(cursor_failed(&c));
    assert_int_equal(c.failed_at, 1);

    char *many = malloc(100000);
    memset(many, 0x80, 100000);
    c = over(many, 100000, CURSOR_LITTLE);
    assert_true(cursor_uleb(&c) == 0);
    assert_true(cursor_failed(&c));
    many[99999] = 0x7f;
    c = over(many, 100000, CURSOR_LITTLE);
    assert_true(cursor_uleb(&c) == 0);
    assert_false(cursor_failed(&c));
    free(many);
}

static void signed_leb128(void **state)
{
    (void)state;
    struct cursor c = OVER("\x02\x7e\xff\x00\x81\x7f\x80\x01\x80\x7f\xc0\x00\x40");
    static const int64_t want[] = {2, -2, 127, -127, 128, -128, 64, -64};
    for (size_t i = 0; i < COUNT_OF(want); i++)
        assert_true(cursor_sleb(&c) == want[i]);
    assert_int_equal(cursor_left(&c), 0);
    assert_false(cursor_failed(&c));
    assert_true(cursor_sleb(&c) == 0);
    assert_true(cursor_failed(&c));

    c = OVER("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f");
    assert_true(cursor_sleb(&c) == INT64_MIN);
    c = OVER("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00");
    assert_true(cursor_sleb(&c) == INT64_MAX);
    c = OVER("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7fZ");
    assert_true(cursor_sleb(&c) == -1);
    assert_int_equal(cursor_u8(&c), 'Z');
    c = OVER("\xff");
    assert_true(cursor_sleb(&c) == 0);
    assert_true(cursor_failed(&c));
}

static void texts_end_in_nul(void **state)
{
    (void)state;
    struct cursor c = OVER("one\0\0two\0rest");
    assert_string_equal(cursor_text(&c), "one");
    assert_string_equal(cursor_text(&c), "");
    assert_string_equal(cursor_text(&c), "two");
    assert_false(cursor_failed(&c));
    assert_string_equal(cursor_text(&c), "");
    assert_true(cursor_failed(&c));
    assert_int_equal(c.failed_at, 9);
    assert_string_equal(cursor_text(&c), "");
}

static void runs_of_bytes(void **state)
{
    (void)state;
    struct cursor c = OVER("abcdef");
    assert_true(span_is(cursor_bytes(&c, 2), "ab"));
    assert_int_equal(cursor_bytes(&c, 0).n, 0);
    assert_true(span_is(cursor_bytes(&c, 4), "cdef"));
    assert_false(cursor_failed(&c));
    assert_int_equal(cursor_bytes(&c, 1).n, 0);
    assert_true(cursor_failed(&c));
    c = OVER("abc");
    assert_int_equal(cursor_bytes(&c, SIZE_MAX).n, 0);
    assert_true(cursor_failed(&c));
}

static void moving(void **state)
{
    (void)state;
    struct cursor c = OVER("abcdef");
    cursor_skip(&c, 2);
    assert_int_equal(cursor_u8(&c), 'c');
    cursor_seek(&c, 1);
    assert_int_equal(cursor_u8(&c), 'b');
    cursor_seek(&c, 0);
    assert_int_equal(cursor_offset(&c), 0);
    cursor_seek(&c, 6);
    assert_int_equal(cursor_left(&c), 0);
    assert_false(cursor_failed(&c));
    cursor_seek(&c, 7);
    assert_true(cursor_failed(&c));
    c = OVER("abcdef");
    cursor_skip(&c, 6);
    assert_false(cursor_failed(&c));
    cursor_skip(&c, 1);
    assert_true(cursor_failed(&c));
    c = OVER("abcdef");
    cursor_u8(&c);
    cursor_skip(&c, UINT64_MAX);
    assert_true(cursor_failed(&c));
    assert_int_equal(c.failed_at, 1);
    c = OVER("abcdef");
    cursor_seek(&c, UINT64_MAX);
    assert_true(cursor_failed(&c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_sizes_in_both_orders),
        cmocka_unit_test(sizes_chosen_by_the_input),
        cmocka_unit_test(reads_past_the_end_stick),
        cmocka_unit_test(has_takes_any_count),
        cmocka_unit_test(unsigned_leb128),
        cmocka_unit_test(signed_leb128),
        cmocka_unit_test(texts_end_in_nul),
        cmocka_unit_test(runs_of_bytes),
        cmocka_unit_test(moving),
    };
    return cmocka_run_group_tests(tests, NULL, drop);
}
