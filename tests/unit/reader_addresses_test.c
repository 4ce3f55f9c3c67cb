/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Lists of addresses: which lines are addresses, which are mappings, and that none is lost. */
#include "reader_unit.h"

static void read_list(struct reading *r, const char *text)
{
    reading_make(r, span_of(text), "addresses");
    assert_true(r->is_read);
    assert_int_equal(r->profile.kind, PROFILE_ADDRESSES);
}

static void keeps_order_and_repeats(void **state)
{
    (void)state;
    struct reading r;
    read_list(&r, "00400000-00401000 r--p 00000000 08:01 1 /bin/prog\n"
                  "00401000-00402000 r-xp 00001000 08:01 1 /bin/prog\n\n"
                  "0x401101\n0x401006\n  0x000000401202 more text\n0X401101 0x401202\n");
    assert_samples(&r.profile, "1 @ 401101/0 401006/0 401202/0 401101/0\n");
    assert_maps(&r.profile, "401000-402000 1000 /bin/prog\n");
    reading_free(&r);
}

static void takes_mappings_for_mappings(void **state)
{
    (void)state;
    struct reading r;
    read_list(&r, "0x401101\n00401000-00402000 r-xp 00001000 08:01 1 /opt/0x10/libx.so\n");
    assert_samples(&r.profile, "1 @ 401101/0\n");
    assert_maps(&r.profile, "401000-402000 1000 /opt/0x10/libx.so library\n");
    reading_free(&r);
}

static void finds_whole_words_only(void **state)
{
    (void)state;
    struct reading r;
    read_list(&r, "a0x10\n0x10g\n0x\n0xg 0x11\n(0x12)\n0x13_\n00x14\nx 0 0x15\n0x16.\n");
    assert_samples(&r.profile, "1 @ 11 12 15 16\n");
    reading_free(&r);
}

static void reads_nothing_at_all(void **state)
{
    (void)state;
    struct reading r;
    read_list(&r, "");
    assert_samples(&r.profile, "1 @\n");
    reading_free(&r);
    read_list(&r, "no address here\n");
    assert_samples(&r.profile, "1 @\n");
    reading_free(&r);
}

static void keeps_the_place_of_impossible_addresses(void **state)
{
    (void)state;
    struct reading r;
    read_list(&r, "0x10\n0x123456789abcdef01\n0x00000000000000000020\n");
    assert_samples(&r.profile, "1 @ 10 ffffffffffffffff 20\n");
    reading_free(&r);
}

static void is_never_guessed(void **state)
{
    (void)state;
    assert_false(reader_is_profile(span_of("0x10\n0x20\n")));
    assert_refused(span_of("0x10\n0x20\n"), NULL, "x: not a profile (it looks like text)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_order_and_repeats),
        cmocka_unit_test(takes_mappings_for_mappings),
        cmocka_unit_test(finds_whole_words_only),
        cmocka_unit_test(reads_nothing_at_all),
        cmocka_unit_test(keeps_the_place_of_impossible_addresses),
        cmocka_unit_test(is_never_guessed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
