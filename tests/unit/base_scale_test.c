/* SPDX-License-Identifier: BSD-3-Clause
 *
 * base/scale.h: spellings, kin, choosing, texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/scale.h"

static void check(double value, const char *from, const char *to, const char *wanted)
{
    char text[UNITS_TEXT];
    assert_string_equal(scale_text(text, value, from, to), wanted);
}

static void units_have_many_spellings(void **state)
{
    (void)state;
    static const char *const known[] = {"B",     "b",  "bytes", "kB", "KB", "megabytes",
                                        "pb",    "ns", "us",    "ms", "s",  "microseconds",
                                        "hours", "min"};
    for (size_t i = 0; i < COUNT_OF(known); i++)
        assert_true(scale_is_known(known[i]));
    static const char *const unknown[] = {
        "", " ", "count", "samples", "b byte", "stones", "aVeryLongNameThatIsNoUnitAtAll"};
    for (size_t i = 0; i < COUNT_OF(unknown); i++)
        assert_false(scale_is_known(unknown[i]));
}

static void a_unit_becomes_another(void **state)
{
    (void)state;
    check(1572864, "bytes", "MB", "1.50MB");
    check(1024, "bytes", "kilobytes", "1kB");
    check(-3, "kilobytes", "b", "-3072B");
    check(90, "s", "min", "1.50min");
    check(2, "hours", "s", "7200s");
    check(1500, "us", "ms", "1.50ms");
    check(1, "bytes", "ms", "1B"); /* of other kin */
    check(2000000000, "nanoseconds", "MB", "2s");
    check(5, "count", "MB", "5MB"); /* what has no kin takes any name */
    check(5, "widgets", "widgets", "5widgets");
}

static void a_value_chooses_its_unit(void **state)
{
    (void)state;
    check(999, "nanoseconds", "auto", "999ns");
    check(58000000, "nanoseconds", "minimum", "58ms");
    check(-3.86e9, "nanoseconds", "auto", "-3.86s");
    check(120e9, "nanoseconds", "auto", "120s"); /* minutes are for those who ask */
    check(7200e9, "nanoseconds", "auto", "2hrs");
    check(0x1.8p40, "bytes", "auto", "1.50TB");
    check(12, "count", "auto", "12");
    check(12, "samples", "minimum", "12");
}

static void nothing_has_no_unit(void **state)
{
    (void)state;
    check(0, "bytes", "MB", "0");
    check(-0.001, "bytes", "B", "0");
    check(1, "bytes", "GB", "0");
}

static void shares_have_two_digits_and_no_sign(void **state)
{
    (void)state;
    static const struct {
        double value, total;
        const char *text;
    } rows[] = {
        {1, 1, "  100%"},      {0.99951, 1, "  100%"}, {1, 20, " 5.00%"}, {-1, 20, " 5.00%"},
        {5, 1000, "  0.5%"},   {1, 3000, "0.033%"},    {0, 7, "    0%"},  {7, 0, "    0%"},
        {12.5, 1, "1250.00%"}, {1, -4, "25.00%"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[UNITS_TEXT];
        assert_string_equal(scale_percent(text, rows[i].value, rows[i].total), rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_have_many_spellings),
        cmocka_unit_test(a_unit_becomes_another),
        cmocka_unit_test(a_value_chooses_its_unit),
        cmocka_unit_test(nothing_has_no_unit),
        cmocka_unit_test(shares_have_two_digits_and_no_sign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
