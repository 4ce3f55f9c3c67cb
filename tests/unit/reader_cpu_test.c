/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary CPU profiles: word sizes, orders, headers, ends of all kinds, and big files through a
 * window. */
#include "reader_unit.h"

#include "base/file.h"

#define RECORDS                                                                                    \
    5, 2, 0x401101, 0x401006, 3, 3, 0x401202, 0x401106, 0x401006, 2, 2, 0x401201, 0x40100b

static const char samples[] = "5 @ 401101 401005\n3 @ 401202 401105 401005\n2 @ 401201 40100a\n";

static void reads_all_layouts(void **state)
{
    (void)state;
    for (unsigned size = 4; size <= 8; size += 4) {
        for (int is_big = 0; is_big < 2; is_big++) {
            struct buf bytes = BUF_MAX(4096);
            PUT_WORDS(&bytes, size, is_big, 0, 3, 0, 10000, 0, RECORDS, 0, 1, 0);
            buf_text(&bytes, "400000-500000 r-xp 00000000 08:01 1 /bin/demo\n");
            struct reading r;
            reading_make(&r, buf_span(&bytes), NULL);
            assert_true(r.is_read);
            assert_samples(&r.profile, "5 @ 401101/0 401005/0\n3 @ 401202/0 401105/0 401005/0\n"
                                       "2 @ 401201/0 40100a/0\n");
            assert_maps(&r.profile, "400000-500000 0 /bin/demo\n");
            assert_int_equal(r.profile.address_digits, size * 2);
            assert_int_equal(r.profile.period, 10000);
            assert_int_equal(r.profile.kind, PROFILE_CPU);
            assert_int_equal(r.profile.n_addrs, 6);
            assert_string_equal(strings_text(r.strings, r.profile.columns[0].name), "samples");
            assert_string_equal(strings_text(r.strings, r.profile.columns[0].unit), "count");
            assert_notes(&r, "");
            assert_true(reader_is_profile(buf_span(&bytes)));
            assert_false(reader_is_symbolized(buf_span(&bytes)));
            reading_free(&r);
            buf_free(&bytes);
        }
    }
}

static void adds_equal_stacks(void **state)
{
    (void)state;
    struct buf bytes = BUF_MAX(4096);
    PUT_WORDS(&bytes, 8, false, 0, 3, 0, 1, 0, 5, 1, 0x10, 7, 1, 0x20, 4, 1, 0x10, 0, 1, 0);
    struct reading r;
    reading_make(&r, buf_span(&bytes), NULL);
    assert_samples(&r.profile, "9 @ 10\n7 @ 20\n");
    reading_free(&r);
    buf_free(&bytes);
}

static void keeps_what_a_cut_record_has(void **state)
{
    (void)state;
    struct buf bytes = BUF_MAX(4096);
    /* A longer header, an unknown version, no end mark, a PC missing. */
    PUT_WORDS(&bytes, 8, false, 0, 5, 7, 10000, 0, 11, 12, RECORDS);
    struct reading r;
    reading_make(&r, span_first(buf_span(&bytes), bytes.n - 8), NULL);
    assert_true(r.is_read);
    assert_samples(&r.profile, "5 @ 401101 401005\n3 @ 401202 401105 401005\n"
                               "2 @ 401201 fffffffffffffffe\n");
    assert_notes(&r, "x: the file is cut short in a record, at byte 152\n");
    reading_free(&r);

    /* A part of a word is no word. */
    reading_make(&r, span_first(buf_span(&bytes), bytes.n - 3), NULL);
    assert_samples(&r.profile, "5 @ 401101 401005\n3 @ 401202 401105 401005\n"
                               "2 @ 401201 fffffffffffffffe\n");
    reading_free(&r);

    /* A count alone is a stack without frames. */
    reading_make(&r, span_first(buf_span(&bytes), bytes.n - 24), NULL);
    assert_samples(&r.profile, "5 @ 401101 401005\n3 @ 401202 401105 401005\n2 @\n");
    assert_int_equal(r.notes.n, 1);
    reading_free(&r);

    /* Between two records all that is missing is the mark. */
    reading_make(&r, span_first(buf_span(&bytes), bytes.n - 32), NULL);
    assert_samples(&r.profile, "5 @ 401101 401005\n3 @ 401202 401105 401005\n");
    assert_notes(&r, "x: no mark at its end: there may have been more samples\n");
    reading_free(&r);
    buf_free(&bytes);
}

static void stops_at_a_first_pc_of_zero(void **state)
{
    (void)state;
    struct buf bytes = BUF_MAX(4096);
    PUT_WORDS(&bytes, 8, false, 0, 3, 0, 1, 0, 4, 1, 0x10, 3, 2, 0, 0x20, 9, 1, 0x30);
    struct reading r;
    reading_make(&r, buf_span(&bytes), NULL);
    assert_samples(&r.profile, "4 @ 10\n");
    reading_free(&r);
    buf_free(&bytes);
}

static void reads_empty_stacks(void **state)
{
    (void)state;
    struct buf bytes = BUF_MAX(4096);
    PUT_WORDS(&bytes, 8, false, 0, 3, 0, 1, 0, 4, 1, 0x10, 3, 0, 2, 1, 0x30, 0, 1, 0);
    struct reading r;
    reading_make(&r, buf_span(&bytes), NULL);
    assert_samples(&r.profile, "4 @ 10\n3 @\n2 @ 30\n");
    reading_free(&r);
    buf_free(&bytes);
}

static void reads_huge_counts_as_negative(void **state)
{
    (void)state;
    struct buf bytes = BUF_MAX(4096);
    PUT_WORDS(&bytes, 8, false, 0, 3, 0, 1, 0, (uint64_t)-7, 1, 0x10, 0, 1, 0);
    struct reading r;
    reading_make(&r, buf_span(&bytes), NULL);
    assert_samples(&r.profile, "-7 @ 10\n");
    reading_free(&r);
    bytes.n = 0;
    PUT_WORDS(&bytes, 4, false, 0, 3, 0, 1, 0, 0xfffffff9u, 1, 0x10, 0, 1, 0);
    reading_make(&r, buf_span(&bytes), NULL);
    assert_samples(&r.profile, "4.29497e+09 @ 10\n");
    reading_free(&r);
    buf_free(&bytes);
}

static void wraps_as_the_profiled_machine(void **state)
{
    (void)state;
    struct buf bytes = BUF_MAX(4096);
    PUT_WORDS(&bytes, 4, true, 0, 3, 0, 1, 0, 1, 2, 0x10, 0, 0, 1, 0);
    struct reading r;
    reading_make(&r, buf_span(&bytes), NULL);
    assert_samples(&r.profile, "1 @ 10 ffffffff\n");
    reading_free(&r);
    buf_free(&bytes);
}

static void refuses_bad_headers(void **state)
{
    (void)state;
    struct buf bytes = BUF_MAX(4096);
    PUT_WORDS(&bytes, 8, false, 0, 2, 0, 1, 0);
    assert_refused(buf_span(&bytes), NULL,
                   "x: not a profile file, or corrupted profile file: an impossible number of "
                   "header words at byte 8");
    assert_false(reader_is_profile(buf_span(&bytes)));
    bytes.n = 0;
    PUT_WORDS(&bytes, 8, false, 0, 3, 0, (uint64_t)1 << 33, 0);
    assert_refused(buf_span(&bytes), NULL,
                   "x: not a profile file, or corrupted profile file: an impossible period at byte "
                   "24");
    bytes.n = 0;
    PUT_WORDS(&bytes, 8, false, 0, (uint64_t)1 << 60 | 3, 0, 1, 0);
    assert_refused(buf_span(&bytes), "cpu",
                   "x: header size >= 2**32: no header of a CPU profile at byte 0");
    bytes.n = 0;
    PUT_WORDS(&bytes, 4, false, 9, 3, 0, 1, 0);
    assert_refused(buf_span(&bytes), "cpu",
                   "x: not a profile file, or old format profile file: the word at byte 0 is not "
                   "0");
    assert_refused(span_of("some words of text"), "cpu",
                   "x: header size >= 2**16: no header of a CPU profile at byte 0");
    buf_free(&bytes);
}

static void refuses_deep_stacks(void **state)
{
    (void)state;
    struct buf bytes = BUF_MAX(4096);
    PUT_WORDS(&bytes, 8, false, 0, 3, 0, 1, 0, 4, 1, 0x10, 3, 65537, 0x20);
    struct reading r;
    reading_make(&r, buf_span(&bytes), NULL);
    assert_false(r.is_read);
    assert_notes(&r, "At index 10 (address 0120):\n");
    assert_string_equal(r.err.text, "x: stack trace depth >= 2**32: 65537 frames are claimed at "
                                    "byte 72, more than 65536");
    reading_free(&r);
    buf_free(&bytes);
}

static void reads_behind_a_header_line(void **state)
{
    (void)state;
    struct buf bytes = BUF_MAX(4096);
    buf_text(&bytes, "%warn lost 3 samples\n--- profile\n");
    PUT_WORDS(&bytes, 8, false, 0, 3, 0, 10000, 0, RECORDS, 0, 1, 0);
    struct reading r;
    reading_make(&r, buf_span(&bytes), NULL);
    assert_true(r.is_read);
    assert_samples(&r.profile, samples);
    assert_notes(&r, "WARNING: lost 3 samples\n");
    reading_free(&r);
    buf_free(&bytes);
}

/* Records of every depth up to 300, so that they lie across all borders of the window. */
static void put_many(struct buf *bytes, bool is_big)
{
    PUT_WORDS(bytes, 8, is_big, 0, 3, 0, 1, 0);
    for (uint64_t i = 0; i < 3000; i++) {
        PUT_WORDS(bytes, 8, is_big, 1 + i % 7, i % 301);
        for (uint64_t k = 0; k < i % 301; k++)
            put_word(bytes, 0x1000 + i % 1000 + k, 8, is_big);
    }
    PUT_WORDS(bytes, 8, is_big, 0, 1, 0);
    buf_text(bytes, "1000-2000 r-xp 00000000 08:01 1 /bin/demo\n");
}

static void reads_the_same_through_a_window(void **state)
{
    (void)state;
    char folder[64], path[128];
    make_folder(folder);
    (void)snprintf(path, sizeof path, "%s/big.prof", folder);
    for (int variant = 0; variant < 4; variant++) {
        struct buf bytes = BUF_MAX(1 << 24);
        if (variant & 2)
            buf_text(&bytes, "--- profile\n"); /* words are not aligned in the file */
        put_many(&bytes, variant & 1);
        assert_true(bytes.n > 1 << 20);
        write_file(path, bytes.p, bytes.n);

        struct reading whole;
        reading_make(&whole, buf_span(&bytes), NULL);
        assert_true(whole.is_read);
        assert_int_equal(whole.profile.n_maps, 1);
        struct file file;
        assert_true(file_open(&file, path, 1 << 30, NULL));
        struct profile profile;
        const struct read_job job = {
            .strings = whole.strings, .limits = limits_default(), .name = path, .file = &file};
        assert_true(reader_read(file.bytes, NULL, &job, &profile, NULL));
        struct buf wanted = BUF_MAX(1 << 24), got = BUF_MAX(1 << 24);
        show_samples(&whole.profile, &wanted);
        show_samples(&profile, &got);
        assert_true(span_equal(buf_span(&wanted), buf_span(&got)));
        assert_false(got.is_full);
        assert_int_equal(profile.n_maps, 1);
        profile_free(&profile);
        file_close(&file);
        reading_free(&whole);
        buf_free(&wanted);
        buf_free(&got);
        buf_free(&bytes);
    }
    (void)unlink(path);
    (void)rmdir(folder);
}

static void limits_are_errors(void **state)
{
    (void)state;
    struct buf bytes = BUF_MAX(4096);
    PUT_WORDS(&bytes, 8, false, 0, 3, 0, 10000, 0, RECORDS, 0, 1, 0);
    struct strings *strings = strings_new();
    struct profile profile;
    struct error err = {0};
    struct read_job job = {.strings = strings, .limits = limits_default(), .name = "x"};
    job.limits.max_stacks = 2;
    assert_false(reader_read(buf_span(&bytes), NULL, &job, &profile, &err));
    assert_string_equal(err.text, "x: more than 2 distinct stacks");
    assert_int_equal(err.kind, ERROR_LIMIT);
    job.limits = limits_default();
    job.limits.max_frames = 6;
    assert_false(reader_read(buf_span(&bytes), NULL, &job, &profile, &err));
    assert_string_equal(err.text, "x: more than 6 frames in distinct stacks");
    job.limits = limits_default();
    job.limits.max_depth = 2;
    assert_false(reader_read(buf_span(&bytes), NULL, &job, &profile, &err));
    assert_string_equal(err.text, "x: more than 2 frames in one stack");
    job.limits = limits_default();
    job.limits.max_stacks = 3;
    job.limits.max_frames = 7;
    job.limits.max_depth = 3;
    assert_true(reader_read(buf_span(&bytes), NULL, &job, &profile, &err));
    profile_free(&profile);
    strings_free(strings);
    buf_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_all_layouts),
        cmocka_unit_test(adds_equal_stacks),
        cmocka_unit_test(keeps_what_a_cut_record_has),
        cmocka_unit_test(stops_at_a_first_pc_of_zero),
        cmocka_unit_test(reads_empty_stacks),
        cmocka_unit_test(reads_huge_counts_as_negative),
        cmocka_unit_test(wraps_as_the_profiled_machine),
        cmocka_unit_test(refuses_bad_headers),
        cmocka_unit_test(refuses_deep_stacks),
        cmocka_unit_test(reads_behind_a_header_line),
        cmocka_unit_test(reads_the_same_through_a_window),
        cmocka_unit_test(limits_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
