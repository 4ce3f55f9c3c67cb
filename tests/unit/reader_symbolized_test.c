/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Symbol sections: names and how they are split, variables, what may stand behind them. */
#include "reader_unit.h"

#define HEAP "heap profile: 1: 8 [ 1: 8] @ heapprofile\n 1: 8 [ 1: 8] @ 0x10 0x20\n"

static void takes_addresses_as_they_are(void **state)
{
    (void)state;
    struct reading r;
    read_text(&r,
              "--- symbol\nbinary=/bin/demo\n0x0000000000000010 main\n0x20   foo(int)\n---\n" HEAP);
    assert_true(r.profile.is_symbolized);
    assert_string_equal(strings_text(r.strings, r.profile.program), "/bin/demo");
    assert_carried(&r.profile, "10 [main]\n20 [foo(int)]\n");
    assert_samples(&r.profile, "1 8 1 8 @ 10 20\n");
    assert_string_equal(strings_text(r.strings, r.profile.carried_frames[0].file), "?");
    assert_int_equal(r.profile.carried_frames[0].line, LINE_NONE);
    reading_free(&r);
    assert_true(reader_is_symbolized(span_of("--- symbol\n")));
    assert_true(reader_is_symbolized(span_of("%warn x\n---symbol\n")));
    assert_false(reader_is_symbolized(span_of("--- symptom\n")));
    assert_false(reader_is_symbolized(span_of("heap profile:")));
}

static void stays_symbolized_without_names(void **state)
{
    (void)state;
    struct reading r;
    read_text(&r, "--- symbol\n---\n" HEAP);
    assert_true(r.profile.is_symbolized);
    assert_samples(&r.profile, "1 8 1 8 @ 10 20\n");
    reading_free(&r);
}

static void splits_inlined_frames(void **state)
{
    (void)state;
    struct reading r;
    read_text(&r, "--- symbol\n"
                  "0x1 outer(int)--ns::middle<int>(int)--inner(int)\n"
                  "0x2 It::operator--(int)\n"
                  "0x3 It::operator--(int)--foo\n"
                  "0x4 a--It::operator--\n"
                  "0x5 my_operator--foo\n"
                  "0x6 It::operator---foo\n"
                  "0x7 It::operator----foo\n"
                  "0x8 It::operator-(int)--foo--\n"
                  "0x9 --\n"
                  "0xa\n"
                  "noise 0xb foo\n"
                  "0x1 later--wins\n"
                  "---\n" HEAP);
    assert_carried(&r.profile, "1 [wins] [later]\n"
                               "2 [It::operator--(int)]\n"
                               "3 [foo] [It::operator--(int)]\n"
                               "4 [It::operator--] [a]\n"
                               "5 [foo] [my_operator]\n"
                               "6 [foo] [It::operator-]\n"
                               "7 [foo] [It::operator--]\n"
                               "8 [foo] [It::operator-(int)]\n");
    reading_free(&r);
}

static void tells_of_variables(void **state)
{
    (void)state;
    struct reading r;
    read_text(&r, "%warn twice is enough\n%verbose 1\n--- symbol\nbinary=/bin/a\nbinary=/bin/b\n"
                  "color=red\n---\n%warn\n" HEAP);
    assert_notes(&r, "WARNING: twice is enough\n"
                     "Ignoring unknown command from profile header: %verbose 1\n"
                     "Warning: Mismatched binary name '/bin/a', using '/bin/b'.\n"
                     "Ignoring unknown variable in symbols list: 'color' = 'red'\n"
                     "WARNING: \n");
    assert_string_equal(strings_text(r.strings, r.profile.program), "/bin/b");
    reading_free(&r);
}

static void skips_a_profile_line_before_text(void **state)
{
    (void)state;
    struct reading r;
    read_text(&r, "--- symbol\n0x10 a\n---\n--- profile\n" HEAP);
    assert_int_equal(r.profile.kind, PROFILE_HEAP);
    assert_samples(&r.profile, "1 8 1 8 @ 10 20\n");
    reading_free(&r);
    read_text(&r, "--- symbol\n0x10 a\n---\n--- profile\n--- contention\n 28 1 @ 0x10\n");
    assert_int_equal(r.profile.kind, PROFILE_CONTENTION);
    reading_free(&r);
}

/* Names were asked for decreased addresses, the addresses are as they were fetched. */
static void finds_callers_by_the_address_before(void **state)
{
    (void)state;
    struct reading r;
    read_text(&r, "--- symbol\n0x10 leaf\n0x1f caller\n0x2f other\n---\n"
                  "heap profile: 3: 3 [ 3: 3] @ heapprofile\n"
                  " 1: 1 [ 1: 1] @ 0x10 0x20\n"
                  " 1: 1 [ 1: 1] @ 0x10 0x1f\n"
                  " 1: 1 [ 1: 1] @ 0x20 0x40\n");
    assert_samples(&r.profile, "2 2 2 2 @ 10 1f\n1 1 1 1 @ 20 40\n");
    assert_int_equal(r.profile.n_records, 3);
    assert_int_equal(r.profile.records[1].stack, 0);
    assert_int_equal(r.profile.records[2].stack, 1);
    reading_free(&r);
}

static void reads_binary_data_behind_its_header(void **state)
{
    (void)state;
    struct buf bytes = BUF_MAX(4096);
    buf_text(&bytes, "--- symbol\n0x10 a\n---\n--- profile\n");
    PUT_WORDS(&bytes, 8, false, 0, 3, 0, 1, 0, 5, 2, 0x10, 0x20, 0, 1, 0);
    struct reading r;
    reading_make(&r, buf_span(&bytes), NULL);
    assert_true(r.is_read);
    assert_samples(&r.profile, "5 @ 10 20\n");
    reading_free(&r);
    bytes.n = 0;
    buf_text(&bytes, "--- symbol\n0x10 a\n--- profile\n");
    PUT_WORDS(&bytes, 8, false, 0, 3, 0, 1, 0, 5, 2, 0x10, 0x20, 0, 1, 0);
    reading_make(&r, buf_span(&bytes), NULL);
    assert_true(r.is_read);
    assert_samples(&r.profile, "5 @ 10 20\n");
    reading_free(&r);
    buf_free(&bytes);
}

static void refuses_what_it_does_not_know_behind_it(void **state)
{
    (void)state;
    static const char wanted[] = "x: Cannot recognize profile section after symbols.";
    assert_refused(span_of("--- symbol\n0x10 a\n---\nsomething\n"), NULL, wanted);
    assert_refused(span_of("--- symbol\n0x10 a\n---\n"), NULL, wanted);
    assert_refused(span_of("--- symbol\n0x10 a\n"), NULL, wanted);
    assert_refused(span_of("--- symbol"), NULL, wanted);
    struct buf bytes = BUF_MAX(4096);
    buf_text(&bytes, "--- symbol\n---\n");
    PUT_WORDS(&bytes, 8, false, 0, 3, 0, 1, 0, 5, 1, 0x10);
    assert_refused(buf_span(&bytes), NULL, wanted);
    buf_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_addresses_as_they_are),
        cmocka_unit_test(stays_symbolized_without_names),
        cmocka_unit_test(splits_inlined_frames),
        cmocka_unit_test(tells_of_variables),
        cmocka_unit_test(skips_a_profile_line_before_text),
        cmocka_unit_test(finds_callers_by_the_address_before),
        cmocka_unit_test(reads_binary_data_behind_its_header),
        cmocka_unit_test(refuses_what_it_does_not_know_behind_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
