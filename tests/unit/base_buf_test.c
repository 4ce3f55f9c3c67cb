/* SPDX-License-Identifier: BSD-3-Clause
 *
 * base/buf.h: bytes that grow up to a limit. */
#include "base_unit.h"

#include "base/buf.h"

static void adding(void **state)
{
    (void)state;
    struct buf buf = BUF_MAX(1000);
    assert_string_equal(buf_c(&buf), "");
    assert_int_equal(buf_span(&buf).n, 0);
    buf_add(&buf, span_make("abcd", 2));
    buf_add(&buf, (struct span){0});
    buf_byte(&buf, '-');
    buf_text(&buf, "xyz");
    buf_text(&buf, "");
    buf_printf(&buf, " %d%%", 12);
    assert_string_equal(buf_c(&buf), "ab-xyz 12%");
    assert_int_equal(buf.n, 10);
    assert_true(span_is(buf_span(&buf), "ab-xyz 12%"));
    assert_false(buf.is_full);
    buf_free(&buf);
    assert_null(buf.p);
    buf_printf(&buf, "%s", "again"); /* printf as the first of all */
    assert_string_equal(buf_c(&buf), "again");
    buf_free(&buf);
    buf_printf(&buf, "%s", "");
    assert_int_equal(buf.n, 0);
    assert_string_equal(buf_c(&buf), "");
    buf_free(&buf);
    buf_free(&buf);
}

static void growing(void **state)
{
    (void)state;
    struct buf buf = BUF_MAX(SIZE_MAX);
    for (unsigned i = 0; i < 100000; i++) {
        buf_byte(&buf, (char)('a' + i % 26));
        if (i % 1000 == 0)
            assert_int_equal(strlen(buf_c(&buf)), i + 1);
    }
    for (unsigned i = 0; i < 100000; i++)
        assert_int_equal(buf.p[i], 'a' + i % 26);
    buf_printf(&buf, "%01000000d", 7);
    assert_int_equal(buf.n, 1100000);
    assert_int_equal(buf.p[1099999], '7');
    assert_false(buf.is_full);
    buf_free(&buf);
}

static void the_limit_keeps_the_beginning(void **state)
{
    (void)state;
    struct buf buf = BUF_MAX(8);
    buf_text(&buf, "12345678");
    assert_false(buf.is_full);
    buf_text(&buf, "");
    assert_false(buf.is_full);
    buf_byte(&buf, '9');
    assert_true(buf.is_full);
    assert_string_equal(buf_c(&buf), "12345678");
    buf_clear(&buf);
    assert_false(buf.is_full);
    assert_string_equal(buf_c(&buf), "");
    buf_text(&buf, "1234");
    buf_text(&buf, "56789");
    assert_true(buf.is_full);
    assert_string_equal(buf_c(&buf), "12345678");
    buf_clear(&buf);
    buf_text(&buf, "12345");
    buf_printf(&buf, "%s", "6789");
    assert_true(buf.is_full);
    assert_string_equal(buf_c(&buf), "12345678");
    buf_clear(&buf);
    buf_text(&buf, "123456");
    buf_text(&buf, "789");
    buf.n--; /* even where there is room again: nothing comes behind a gap */
    buf_text(&buf, "x");
    buf_printf(&buf, "x");
    assert_string_equal(buf_c(&buf), "1234567");
    buf_free(&buf);
    assert_int_equal(buf.limit, 8);
    assert_false(buf.is_full);
    buf_printf(&buf, "%s", "123456789");
    assert_string_equal(buf_c(&buf), "12345678");
    buf_free(&buf);

    struct buf zero = BUF_MAX(0);
    buf_text(&zero, "");
    assert_false(zero.is_full);
    buf_byte(&zero, 'x');
    assert_true(zero.is_full);
    assert_int_equal(zero.n, 0);
    assert_string_equal(buf_c(&zero), "");
    buf_clear(&zero);
    buf_printf(&zero, "%d", 1);
    assert_true(zero.is_full);
    assert_string_equal(buf_c(&zero), "");
    buf_free(&zero);
}

static void room(void **state)
{
    (void)state;
    struct buf buf = BUF_MAX(100);
    char *p = buf_room(&buf, 60);
    assert_non_null(p);
    memset(p, 'x', 60);
    assert_int_equal(buf.n, 0);
    buf.n += 60;
    p = buf_room(&buf, 40);
    assert_non_null(p);
    memset(p, 'y', 40);
    buf.n += 40;
    assert_int_equal(strlen(buf_c(&buf)), 100);
    assert_non_null(buf_room(&buf, 0));
    assert_null(buf_room(&buf, 1));
    assert_true(buf.is_full);
    assert_null(buf_room(&buf, 0));
    buf_clear(&buf);
    assert_null(buf_room(&buf, SIZE_MAX));
    assert_true(buf.is_full);
    buf_free(&buf);
}

static void bytes_that_are_no_utf8(void **state)
{
    (void)state;
    struct buf buf = BUF_MAX(100);
    buf_utf8(&buf, span_of("na\xc3\xafve \xff\xc3(\xe2\x82"));
    assert_string_equal(buf_c(&buf),
                        "na\xc3\xafve \xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd");
    buf_free(&buf);
}

static void hex(void **state)
{
    struct buf buf = BUF_MAX(7);
    (void)state;
    buf_hex(&buf, span_make("\x01\xaf\x00", 3));
    assert_string_equal(buf_c(&buf), "01af00");
    assert_false(buf.is_full);
    buf_hex(&buf, span_make("z", 1));
    assert_true(buf.is_full);
    assert_string_equal(buf_c(&buf), "01af007");
    buf_free(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adding),
        cmocka_unit_test(growing),
        cmocka_unit_test(the_limit_keeps_the_beginning),
        cmocka_unit_test(room),
        cmocka_unit_test(hex),
        cmocka_unit_test(bytes_that_are_no_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
