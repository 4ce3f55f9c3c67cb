/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What draw lets through of a stranger's text. */
#include "draw_unit.h"

#include "draw/internal.h"

#define BAD  "\xef\xbf\xbd"
#define DOTS "\xe2\x80\xa6"

static void clean(const char *given, size_t n, uint32_t columns, const char *want)
{
    struct arena *arena = arena_new();
    assert_string_equal(draw_text_clean(span_make(given, n), columns, arena), want);
    arena_free(arena);
}

#define CLEAN(given, want) clean((given), sizeof(given) - 1, ANY_COLUMNS, (want))

static void good_text_stays(void **state)
{
    (void)state;
    CLEAN("", "");
    CLEAN("operator\"\" _s<'&\\>", "operator\"\" _s<'&\\>");
    CLEAN("\xc3\xa9 \xe4\xb8\xad \xf0\x9f\x98\x80", "\xc3\xa9 \xe4\xb8\xad \xf0\x9f\x98\x80");
    CLEAN("a\tb", "a b");
}

static void bad_bytes_are_replaced(void **state)
{
    (void)state;
    CLEAN("a\0b", "a" BAD "b");
    CLEAN("\x01\x1b[31m\x7f", BAD BAD "[31m" BAD);
    CLEAN("\xc2\x85", BAD);                     /* a control character of two bytes */
    CLEAN("\xff\xfe", BAD BAD);                 /* never valid */
    CLEAN("\xc0\xaf", BAD BAD);                 /* overlong */
    CLEAN("\xe0\x80\xaf", BAD BAD BAD);         /* overlong */
    CLEAN("\xed\xa0\x80", BAD BAD BAD);         /* half a pair */
    CLEAN("\xf4\x90\x80\x80", BAD BAD BAD BAD); /* beyond the last */
    CLEAN("\xe4\xb8", BAD BAD);                 /* cut short */
    CLEAN("\xe2\x80\xae"
          "abc",
          BAD "abc");           /* turns the direction of text */
    CLEAN("\xef\xbf\xbe", BAD); /* XML forbids it */
}

static void long_text_is_cut_in_the_middle(void **state)
{
    (void)state;
    clean("abcdefghij", 10, 10, "abcdefghij");
    clean("abcdefghij", 10, 9, "abcd" DOTS "ghij");
    clean("abcdefghij", 10, 4, "a" DOTS "ij");
    clean("abcdefghij", 10, 1, DOTS);
    clean("\xc3\xa9\xc3\xa9\xc3\xa9\xff", 7, 3, "\xc3\xa9" DOTS BAD);
}

static void lines_are_counted_and_cut(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct scene_line *lines;
    assert_int_equal(draw_text_lines(NULL, 5, 80, arena, &lines), 0);
    assert_int_equal(draw_text_lines("", 5, 80, arena, &lines), 0);
    assert_int_equal(draw_text_lines("a\nb\n", 5, 80, arena, &lines), 2);
    assert_string_equal(lines[1].text, "b");
    assert_int_equal(draw_text_lines("a\nb\nc\nd\ne\nf", 5, 80, arena, &lines), 5);
    assert_string_equal(lines[1].text, "b");
    assert_string_equal(lines[2].text, DOTS);
    assert_string_equal(lines[3].text, "e");
    assert_string_equal(lines[4].text, "f");
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_text_stays),
        cmocka_unit_test(bad_bytes_are_replaced),
        cmocka_unit_test(long_text_is_cut_in_the_middle),
        cmocka_unit_test(lines_are_counted_and_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
