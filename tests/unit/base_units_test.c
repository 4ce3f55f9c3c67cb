/* SPDX-License-Identifier: BSD-3-Clause
 *
 * base/units.h: numbers as text. */
#include "base_unit.h"

#include <float.h>
#include <math.h>

#include "base/units.h"

#define NINES 999999999999999.9

static void whole(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0, "0"},
        {0.99, "0"},
        {-0.99, "0"},
        {1.5, "1"},
        {-1.5, "-1"},
        {9007199254740992, "9007199254740992"},
        {9223372036854774784.0, "9223372036854774784"},
        {9223372036854775808.0, "9223372036854775807"},
        {1e300, "9223372036854775807"},
        {INFINITY, "9223372036854775807"},
        {-9223372036854775808.0, "-9223372036854775808"},
        {-9223372036854777856.0, "-9223372036854775808"},
        {-INFINITY, "-9223372036854775808"},
        {NAN, "0"},
        {DBL_TRUE_MIN, "0"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[UNITS_TEXT];
        assert_string_equal(units_whole(text, cases[i].value), cases[i].text);
    }
    assert_true(units_to_i64(-1e30) == INT64_MIN);
    assert_true(units_to_i64(1e30) == INT64_MAX);
    assert_true(units_to_i64(NAN) == 0);
    assert_true(units_to_i64(-3.7) == -3);
}

static void check_fractions(void)
{
    static const struct {
        double value;
        int digits;
        const char *text;
    } cases[] = {
        {0, 1, "0.0"},
        {-0.0, 1, "-0.0"},
        {0.25, 1, "0.2"},
        {0.35, 1, "0.3"},
        {0.75, 1, "0.8"},
        {-0.04, 1, "-0.0"},
        {1234567.891, 3, "1234567.891"},
        {2.5, 0, "2"},
        {1, 15, "1.000000000000000"},
        {1, 99, "1.000000000000000"},
        {1, -1, "1"},
        {NINES, 1, "999999999999999.9"},
        {1e39, 1, "999999999999999939709166371603178586112.0"},
        {1e300, 1, "1.0e+300"},
        {-DBL_MAX, 3, "-1.798e+308"},
        {DBL_MAX, 15, "1.797693134862316e+308"},
        {1e300, 0, "1e+300"},
        {INFINITY, 1, "inf"},
        {-INFINITY, 1, "-inf"},
        {NAN, 1, "nan"},
        {-NAN, 1, "nan"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[UNITS_TEXT];
        assert_ptr_equal(units_fixed(text, cases[i].value, cases[i].digits), text);
        assert_string_equal(text, cases[i].text);
    }
    char text[UNITS_TEXT];
    assert_string_equal(units_general(text, 0.1), "0.1");
    assert_string_equal(units_general(text, 1.5e-7), "1.5e-07");
    assert_string_equal(units_general(text, -2.5e+300), "-2.5e+300");
    assert_string_equal(units_percent(text, 1, 8), "12.5%");
}

static void fractions(void **state)
{
    (void)state;
    check_fractions();
    /* The longest that is written plainly fits: nothing is cut. */
    char text[UNITS_TEXT];
    assert_int_equal(strlen(units_fixed(text, -9.9e39, 15)), 57);
    assert_int_equal(text[41], '.');
}

static void in_a_locale_with_a_comma(void **state)
{
    (void)state;
    use_comma_locale();
    check_fractions();
    assert_non_null(setlocale(LC_ALL, "C"));
}

static void as_perl_prints(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0, "0"},
        {0.1 + 0.2, "0.3"},
        {100000, "100000"},
        {1e14, "100000000000000"},
        {1e15, "1e+15"},
        {123456789012345, "123456789012345"},
        {-1.0 / 3, "-0.333333333333333"},
        {INFINITY, "Inf"},
        {-INFINITY, "-Inf"},
        {NAN, "NaN"},
        {DBL_TRUE_MIN, "4.94065645841247e-324"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[UNITS_TEXT];
        assert_string_equal(units_general(text, cases[i].value), cases[i].text);
    }
}

static void percent(void **state)
{
    (void)state;
    static const struct {
        double value, total;
        const char *text;
    } cases[] = {
        {0, 100, "0.0%"},
        {123, 1000, "12.3%"},
        {1, 3, "33.3%"},
        {5, 5, "100.0%"},
        {-1, 2, "-50.0%"},
        {1, -2, "-50.0%"},
        {0, -2, "-0.0%"},
        {-0.0, 2, "-0.0%"},
        {0, 0, "nan"},
        {-0.0, 0, "nan"},
        {1, 0, "+inf"},
        {1, -0.0, "+inf"},
        {-1, 0, "-inf"},
        {INFINITY, 0, "+inf"},
        {NAN, 0, "nan"},
        {NAN, 1, "nan%"},
        {1, NAN, "nan%"},
        {INFINITY, 1, "inf%"},
        {1e308, 1, "inf%"},
        {1, INFINITY, "0.0%"},
        {1e300, 1e-7, "inf%"},
        {1e200, 1, "1.0e+202%"},
        {-1e37, 1, "-999999999999999939709166371603178586112.0%"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[UNITS_TEXT];
        assert_ptr_equal(units_percent(text, cases[i].value, cases[i].total), text);
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole),
        cmocka_unit_test(fractions),
        cmocka_unit_test(in_a_locale_with_a_comma),
        cmocka_unit_test(as_perl_prints),
        cmocka_unit_test(percent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
