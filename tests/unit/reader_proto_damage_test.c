/* SPDX-License-Identifier: BSD-3-Clause
 *
 * reader/proto.c: what is wrong with damaged profiles, and what is taken for one. */
#include "reader_proto_unit.h"

static void indices_are_looked_up(void **state)
{
    (void)state;
    start();
    put_texts();
    refuse_file("x.pb: the profile has no sample type");

    start();
    text("a");
    const size_t type = wire_begin(&file, 1);
    wire_number(&file, 1, 1);
    wire_number(&file, 2, 2);
    wire_end(&file, type);
    put_texts();
    refuse_file("x.pb: at byte 2: value_type.unit: text 2 of 2");

    start();
    text("a");
    const size_t negative = wire_begin(&file, 1);
    wire_number(&file, 1, UINT64_MAX);
    wire_end(&file, negative);
    put_texts();
    refuse_file("x.pb: at byte 2: value_type.type: text -1 of 2");

    start();
    put_type("n", "count");
    put_sample(IDS(1), VALUES(1), true);
    put_texts();
    refuse_file("x.pb: at byte 8: sample.location_id: there is no location 1");

    start();
    put_type("n", "count");
    put_sample(IDS(1), VALUES(1, 2), true);
    put_location(1, 0x10, NULL, 0);
    put_texts();
    refuse_file("x.pb: at byte 8: sample.value: 2 values for 1 sample types");

    start();
    put_type("n", "count");
    put_location(1, 0x10, LINES({3, 0}));
    put_texts();
    refuse_file("x.pb: at byte 14: line.function_id: there is no function 3");

    start();
    put_type("n", "count");
    put_location(1, 0x10, NULL, 0);
    put_location(1, 0x20, NULL, 0);
    put_texts();
    refuse_file("x.pb: at byte 14: location.id: 1 comes twice");

    start();
    put_type("n", "count");
    put_function(8, "f", "", "");
    put_function(8, "f", "", "");
    put_texts();
    refuse_file("x.pb: at byte 14: function.id: 8 comes twice");

    start();
    put_type("n", "count");
    put_location(1, 0x10, LINES({1, 0}));
    const size_t function = wire_begin(&file, 5);
    wire_number(&file, 1, 1);
    wire_number(&file, 2, 99);
    wire_end(&file, function);
    put_texts();
    refuse_file("x.pb: at byte 18: function.name: text 99 of 3");

    start();
    put_type("n", "count");
    const size_t mapping = wire_begin(&file, 3);
    wire_number(&file, 5, 99);
    wire_end(&file, mapping);
    put_texts();
    refuse_file("x.pb: at byte 8: mapping.filename: text 99 of 3");

    start();
    put_type("n", "count");
    wire_number(&file, 14, 99);
    put_texts();
    refuse_file("x.pb: at byte 0: default_sample_type: text 99 of 3");

    start();
    put_type("n", "count");
    wire_number(&file, 7, 99);
    put_texts();
    refuse_file("x.pb: at byte 0: drop_frames: text 99 of 3");
}

static void damage_is_told_with_its_place(void **state)
{
    (void)state;
    start();
    put_type("n", "count");
    wire_number(&file, 2, 5); /* a sample is no number */
    refuse_file("x.pb: at byte 6: no field of a profile: the file is damaged or cut short");

    start();
    put_type("n", "count");
    wire_bytes(&file, 4, span_make("\x08\x01\x18\x80", 4));
    refuse_file("x.pb: at byte 10: no field of a location: the file is damaged or cut short");

    start();
    put_type("n", "count");
    wire_bytes(&file, 2, span_make("\x0a\x02\x01\x80", 4));
    put_location(1, 0x10, NULL, 0);
    put_texts();
    refuse_file("x.pb: at byte 11: no field of a sample: the file is damaged or cut short");

    start();
    put_type("n", "count");
    wire_bytes(&file, 4, span_make("\x22\x03\x08\x01\x0a", 5));
    put_texts();
    refuse_file("x.pb: at byte 12: no field of a line: the file is damaged or cut short");
}

/* Every beginning of a file: an error or a profile, and no byte read behind it. */
static void every_cut_is_survived(void **state)
{
    (void)state;
    put_cpu(true);
    for (size_t n = 0; n < file.n; n++)
        (void)read_bytes(span_make(file.p, n));
    assert_true(read_bytes(buf_span(&file)));
}

static void too_deep_for_the_limits(void **state)
{
    (void)state;
    put_cpu(true);
    struct limits limits = limits_default();
    limits.max_depth = 1;
    strings = strings_new();
    const struct read_job job = {.strings = strings, .limits = limits, .name = "x.pb"};
    assert_false(reader_read(buf_span(&file), NULL, &job, &profile, &err));
    assert_int_equal(err.kind, ERROR_LIMIT);
    assert_non_null(strstr(err.text, "sample.location_id: more than 1 locations"));
}

static int sniff(struct span bytes)
{
    return reader_find(span_of("proto"))->sniff(bytes);
}

static void it_is_known_by_its_structure(void **state)
{
    (void)state;
    put_cpu(true);
    assert_true(sniff(buf_span(&file)) >= 50);
    assert_true(reader_is_profile(buf_span(&file)));
    assert_false(reader_is_symbolized(buf_span(&file)));
    assert_true(sniff(span_make(file.p, file.n - 5)) >= 50);
    put_cpu(false);
    assert_true(sniff(buf_span(&file)) >= 50);

    static const char *const others[] = {
        "",
        "heap profile: 1: 2 [3: 4] @ heapprofile",
        "--- symbol\n",
        "\n\n\n\n",
        "\n0x12345 0x12345\n",
        "abc",
        "\x7f"
        "ELF\x02\x01\x01",
    };
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_int_equal(sniff(span_of(others[i])), 0);
    const uint64_t cpu[] = {0, 3, 0, 10000, 0, 1, 1, 0x400000, 0, 1, 0};
    assert_int_equal(sniff(span_make(cpu, sizeof cpu)), 0);
    const uint32_t cpu32[] = {0, 3, 0, 10000, 0, 1, 1, 0x400000, 0, 1, 0};
    assert_int_equal(sniff(span_make(cpu32, sizeof cpu32)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(indices_are_looked_up, teardown),
        cmocka_unit_test_teardown(damage_is_told_with_its_place, teardown),
        cmocka_unit_test_teardown(every_cut_is_survived, teardown),
        cmocka_unit_test_teardown(too_deep_for_the_limits, teardown),
        cmocka_unit_test_teardown(it_is_known_by_its_structure, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
