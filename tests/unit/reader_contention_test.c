/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Contention profiles: clocks, periods, old samples, what else may stand between them. */
#include "reader_unit.h"

static void reads_three_columns(void **state)
{
    (void)state;
    struct reading r;
    read_text(&r, "--- contention\n"
                  "cycles/second = 2000000000\n"
                  "sampling period = 3\n"
                  "ms since reset = 1234\n"
                  "discarded samples = 1\n"
                  "      2000000        4 @ 0x401101 0x401006\n"
                  "  1000000000 2 @ 0x401202 0x401106 0x401006\n"
                  "slow release 12 thread 5  @ 0x1\n"
                  "00400000-00403000 r-xp 00000000 08:01 1 /nonexistent/prog\n");
    assert_int_equal(r.profile.kind, PROFILE_CONTENTION);
    assert_string_equal(strings_text(r.strings, r.profile.columns[0].name), "contentions");
    assert_string_equal(strings_text(r.strings, r.profile.columns[1].name), "delay");
    assert_string_equal(strings_text(r.strings, r.profile.columns[2].name), "mean_delay");
    assert_string_equal(strings_text(r.strings, r.profile.columns[2].unit), "nanoseconds");
    assert_int_equal(r.profile.default_column, 1);
    assert_samples(&r.profile, "12 3e+06 250000 @ 401101/0 401005/0\n"
                               "6 1.5e+09 2.5e+08 @ 401202/0 401105/0 401005/0\n");
    assert_notes(&r, "");
    reading_free(&r);
}

static void guesses_the_clock_of_old_profiles(void **state)
{
    (void)state;
    struct reading r;
    read_text(&r, "---   Stacks:\n 2800 @ 0x10 0x21\n 28 2 @ 0x10\n");
    assert_samples(&r.profile, "1000 1000 1000 @ 10 20\n2 10 5 @ 10\n");
    assert_notes(&r, "Old format contention profile: mistakenly reports condition variable signals "
                     "as lock contentions.\nNo cycles/second entry in profile; Guessing 2.8 GHz\n");
    reading_free(&r);
}

static void takes_the_period_from_its_line_on(void **state)
{
    (void)state;
    struct reading r;
    read_text(&r, "--- contention:\ncycles/second=1000000000\n 10 1 @ 0x10\n"
                  "sampling period=100\n 10 1 @ 0x20\n 10 0 @ 0x30\n");
    assert_samples(&r.profile, "1 10 10 @ 10\n100 1000 10 @ 20\n0 1000 0 @ 30\n");
    reading_free(&r);
}

static void names_unknown_variables(void **state)
{
    (void)state;
    struct reading r;
    read_text(&r, "--- mutex:\ncycles/second=1000000000\nformat = java\n"
                  "a0000-b0000 r-xp 0 08:01 1 /lib/a=b.so\n");
    assert_notes(&r, "Ignoring unnknown variable in /contention output: 'format' = 'java'\n");
    assert_maps(&r.profile, "a0000-b0000 0 /lib/a=b.so library\n");
    reading_free(&r);
}

static void survives_impossible_numbers(void **state)
{
    (void)state;
    struct reading r;
    read_text(&r, "--- contention\ncycles/second = 0\nsampling period = -1e100\n 28 1 @ 0x10\n"
                  "sampling period = 0\n 28 1 @ 0x20\n");
    assert_samples(&r.profile, "-1e+100 -1e+101 10 @ 10\n0 0 0 @ 20\n");
    assert_notes(&r, "x: '0' is no number for 'cycles/second'\n"
                     "No cycles/second entry in profile; Guessing 2.8 GHz\n");
    reading_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_three_columns),
        cmocka_unit_test(guesses_the_clock_of_old_profiles),
        cmocka_unit_test(takes_the_period_from_its_line_on),
        cmocka_unit_test(names_unknown_variables),
        cmocka_unit_test(survives_impossible_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
