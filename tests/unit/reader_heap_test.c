/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Heap and growth profiles: sample lines, the kinds of sampling and how they are undone, records,
 * mappings. */
#include "reader_unit.h"

static void reads_four_columns(void **state)
{
    (void)state;
    struct reading r;
    read_text(&r, "heap profile:     6:  3145728 [    12:  6291456] @ heapprofile\n"
                  "     1:  1048576 [     2:  2097152] @ 0x4000 0x2001 0x1001\n"
                  "     2:       10 [     4:       20] @ 00005000 4001\n"
                  "# a comment\n"
                  "     1:       20 [     1:       40] @ 0x4000 0x2001 0x1001\n"
                  "     9:       90 [     9:       90] @\n"
                  "\n"
                  "MAPPED_LIBRARIES:\n"
                  "00001000-00003000 r-xp 00000000 08:01 123      /bin/demo\n"
                  "     1:       20 [     1:       40] @ 0x7000\n");
    assert_int_equal(r.profile.kind, PROFILE_HEAP);
    assert_int_equal(r.profile.n_columns, 4);
    static const char *const names[] = {"inuse_objects", "inuse_space", "alloc_objects",
                                        "alloc_space"};
    static const char *const units[] = {"count", "bytes", "count", "bytes"};
    for (int c = 0; c < 4; c++) {
        assert_string_equal(strings_text(r.strings, r.profile.columns[c].name), names[c]);
        assert_string_equal(strings_text(r.strings, r.profile.columns[c].unit), units[c]);
    }
    assert_int_equal(r.profile.default_column, 1);
    assert_samples(&r.profile, "2 1.0486e+06 3 2.09719e+06 @ 4000 2000/0 1000/0\n"
                               "2 10 4 20 @ 5000 4000\n");
    assert_int_equal(r.profile.n_records, 3);
    assert_int_equal(r.profile.records[0].digits, 4);
    assert_int_equal(r.profile.records[1].digits, 8);
    assert_int_equal(r.profile.records[2].stack, 0);
    assert_true(r.profile.records[2].values[3] == 40);
    assert_notes(&r, "x: 1 lines are no sample, the first is line 6\n");
    reading_free(&r);
}

static void reads_negative_counts(void **state)
{
    (void)state;
    struct reading r;
    read_text(&r, "heap profile: -1: -10 [ 2: 20] @ heap/1024\n"
                  " -1: -10 [ 2: 20] @ 0x10\n");
    assert_samples(&r.profile, "-1 -10 2 20 @ 10\n");
    assert_notes(&r, "");
    reading_free(&r);
}

static void growth_is_not_unsampled(void **state)
{
    (void)state;
    struct reading r;
    read_text(&r, "heap profile: 1: 8 [ 1: 8] @ growth\n 1: 8 [ 1: 8] @ 0x10\n");
    assert_int_equal(r.profile.kind, PROFILE_GROWTH);
    assert_samples(&r.profile, "1 8 1 8 @ 10\n");
    assert_notes(&r, "");
    reading_free(&r);
}

/* Header, what its rate makes of "2: 1024", and what is said. */
static void undoes_sampling(void **state)
{
    (void)state;
    static const struct {
        const char *header, *sample, *notes;
    } rows[] = {
        {"1: 1 [2: 2] @ heapprofile", "2 1024 2 1024", ""},
        {"1: 1 [2: 2] @ heapprofile ", "2 1024 2 1024", ""},
        {"1: 1 [2: 2] @ fragmentationz", "2 1024 2 1024", ""},
        {"1: 1 [2: 2]", "2 1024 2 1024", ""},
        {"1: 1 [1: 1]", "512 262144 512 262144",
         "Adjusting heap profiles for 1-in-128KB sampling rate\n"},
        {"1: 1 [2: 2] @ heap", "512 262144 512 262144",
         "Adjusting heap profiles for 1-in-128KB sampling rate\n"},
        {"1: 1 [2: 2] @ heap/0", "512 262144 512 262144",
         "Adjusting heap profiles for 1-in-128KB sampling rate\n"},
        {"1: 1 [2: 2] @ heap/2047", "3.99805 2047 3.99805 2047",
         "Adjusting heap profiles for 1-in-1023 sampling rate\n"},
        {"1: 1 [2: 2] @ heap/512", "2 1024 2 1024",
         "Adjusting heap profiles for 1-in-256 sampling rate\n"},
        {"1: 1 [2: 2] @ heap_v2/524288", "2049 1.04909e+06 2049 1.04909e+06",
         "Adjusting heap profiles for 1-in-524288 sampling rate\nHeap version 2\n"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[256], wanted[256];
        struct reading r;
        (void)snprintf(text, sizeof text, "heap profile: %s\n 2: 1024 [ 2: 1024] @ 0x10\n",
                       rows[i].header);
        (void)snprintf(wanted, sizeof wanted, "%s @ 10\n", rows[i].sample);
        read_text(&r, text);
        assert_samples(&r.profile, wanted);
        assert_notes(&r, rows[i].notes);
        reading_free(&r);
    }
}

static void leaves_pairs_that_cannot_be_scaled(void **state)
{
    (void)state;
    struct reading r;
    read_text(&r, "heap profile: 0: 0 [ 1: 1048576] @ heap/1048576\n"
                  " 0: 0 [ 1: 1024] @ 0x10\n 1: 0 [ 1: 1048576] @ 0x20\n");
    assert_samples(&r.profile, "0 0 512 524288 @ 10\n1 0 1 1.04858e+06 @ 20\n");
    reading_free(&r);
    read_text(&r, "heap profile: 0: 0 [ 1: 1048576] @ heap_v2/1024\n"
                  " 0: 0 [ 3: 0] @ 0x10\n");
    assert_samples(&r.profile, "0 0 3 0 @ 10\n");
    reading_free(&r);
}

static void drops_carriage_returns(void **state)
{
    (void)state;
    struct reading r;
    read_text(&r, "heap profile: 1: 8 [ 1: 8] @ heapprofile\r\n"
                  " 1: 8 [ 1: 8]\r @ 0x1\r0\r\nMAPPED_LIBRARIES:\r\n"
                  "10-20 r-xp 0 08:01 1 /bin/de\rmo\r\n");
    assert_samples(&r.profile, "1 8 1 8 @ 10/0\n");
    assert_maps(&r.profile, "10-20 0 /bin/demo\n");
    reading_free(&r);
}

static void replaces_build_in_memory_maps(void **state)
{
    (void)state;
    struct reading r;
    read_text(&r, "heap profile: 1: 8 [ 1: 8] @ heapprofile\n 1: 8 [ 1: 8] @ 0x10\n"
                  "--- Memory map:\nbuild=/home/me\n  10-20: $build/lib/libx.so.1\n");
    assert_maps(&r.profile, "10-20 0 /home/me/lib/libx.so.1 library\n");
    reading_free(&r);
}

static void tells_of_addresses_that_are_too_long(void **state)
{
    (void)state;
    struct reading r;
    read_text(&r, "heap profile: 1: 8 [ 1: 8] @ heapprofile\n"
                  " 1: 8 [ 1: 8] @ 0x10 0x12345678901234567 0000000000000000021\n");
    assert_samples(&r.profile, "1 8 1 8 @ 10 fffffffffffffffe 20\n");
    assert_notes(&r, "Warning: address 12345678901234567 is longer than address length 16\n");
    reading_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_four_columns),
        cmocka_unit_test(reads_negative_counts),
        cmocka_unit_test(growth_is_not_unsampled),
        cmocka_unit_test(undoes_sampling),
        cmocka_unit_test(leaves_pairs_that_cannot_be_scaled),
        cmocka_unit_test(drops_carriage_returns),
        cmocka_unit_test(replaces_build_in_memory_maps),
        cmocka_unit_test(tells_of_addresses_that_are_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
