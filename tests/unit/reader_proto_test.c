/* SPDX-License-Identifier: BSD-3-Clause
 *
 * reader/proto.c: profiles built by hand, field by field. */
#include "reader_proto_unit.h"

static void all_parts_of_a_profile(void **state)
{
    (void)state;
    for (int is_packed = 0; is_packed < 2; is_packed++) {
        put_cpu(is_packed);
        read_file();
        assert_int_equal(profile.kind, PROFILE_OTHER);
        assert_int_equal(profile.n_columns, 2);
        check_column(0, "samples", "count");
        check_column(1, "cpu", "nanoseconds");
        assert_int_equal(profile.default_column, 1);
        assert_int_equal(profile.period, 10000000);
        assert_false(profile.is_symbolized);
        assert_string_equal(in_strings(profile.program), "/bin/prog");

        assert_int_equal(profile.n_samples, 2);
        assert_int_equal(value(0, 0), 1);
        assert_int_equal(value(1, 0), 35);
        assert_int_equal(value(0, 1), 1);
        assert_int_equal(value(1, 1), 10);
        assert_string_equal(stack_text(0), "400100[inner() a.c:10; outer ??:0] 400200[outer ??:0]");
        assert_string_equal(stack_text(1), "7f0000000010 400200[outer ??:0]");

        assert_int_equal(profile.n_maps, 3);
        const struct mapping *map = profile.maps;
        assert_true(map[2].is_vdso && !map[0].is_vdso);
        assert_true(map[0].start == 0x400000 && map[0].limit == 0x500000);
        assert_int_equal(map[0].offset, 0x1000);
        assert_string_equal(in_strings(map[0].path), "/bin/prog");
        assert_string_equal(in_strings(map[0].build_id), "0aff");
        assert_true(map[0].is_deleted && !map[0].is_library);
        assert_string_equal(in_strings(map[1].path), "/lib/libx.so.1");
        assert_string_equal(in_strings(map[1].build_id), "");
        assert_true(map[1].is_library && !map[1].is_deleted);
    }
}

static void the_shown_column_is_the_default_or_the_last(void **state)
{
    (void)state;
    static const struct {
        const char *named;
        column_ix shown;
    } cases[] = {{"", 2}, {"a", 0}, {"b", 1}, {"unheard", 2}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        start();
        put_type("a", "count");
        put_type("b", "bytes");
        put_type("c", "");
        wire_number(&file, 14, text(cases[i].named));
        put_texts();
        read_file();
        assert_int_equal(profile.default_column, cases[i].shown);
        assert_int_equal(profile.n_samples, 0);
        check_column(2, "c", "");
    }
}

static void more_types_than_columns(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
    static const int64_t values[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    for (size_t shown = 0; shown < COUNT_OF(names); shown++) {
        start();
        for (size_t i = 0; i < COUNT_OF(names); i++)
            put_type(names[i], "count");
        put_sample(NULL, 0, values, COUNT_OF(values), true);
        wire_number(&file, 14, text(names[shown]));
        put_texts();
        read_file();
        assert_int_equal(profile.n_columns, COLUMNS_MAX);
        check_column(profile.default_column, names[shown], "count");
        assert_int_equal(value(profile.default_column, 0), values[shown]);
        assert_int_equal(value(3, 0), 4);
        assert_int_equal(notes.n, 1);
        assert_string_equal(notes.lines[0], "x.pb: only 8 of 10 sample types are kept");
    }
}

/* Go's order is not ours. */
static void heap_and_contention_are_known(void **state)
{
    (void)state;
    start();
    put_type("alloc_objects", "count");
    put_type("alloc_space", "bytes");
    put_type("inuse_objects", "count");
    put_type("inuse_space", "bytes");
    put_sample(IDS(1), VALUES(1, 2, 3, 4), true);
    put_location(1, 0x1000, NULL, 0);
    put_texts();
    read_file();
    assert_int_equal(profile.kind, PROFILE_HEAP);
    check_column(0, "alloc_objects", "count"); /* numbers choose as in the file */
    check_column(3, "inuse_space", "bytes");
    assert_int_equal(profile.default_column, 3);
    for (column_ix c = 0; c < 4; c++)
        assert_int_equal(value(c, 0), c + 1);

    start();
    put_type("contentions", "count");
    put_type("delay", "nanoseconds");
    put_sample(IDS(1), VALUES(4, 100), true);
    put_sample(IDS(2), VALUES(0, 100), true);
    put_location(1, 0x1000, NULL, 0);
    put_location(2, 0x2000, NULL, 0);
    put_texts();
    read_file();
    assert_int_equal(profile.kind, PROFILE_CONTENTION);
    assert_int_equal(profile.default_column, 1);
    check_column(2, "mean_delay", "nanoseconds");
    assert_int_equal(value(2, 0), 25);
    assert_int_equal(value(2, 1), 0);

    start(); /* only half a heap */
    put_type("inuse_objects", "count");
    put_type("inuse_space", "bytes");
    put_texts();
    read_file();
    assert_int_equal(profile.kind, PROFILE_OTHER);
}

static void put_times(const char *unit, uint64_t period, uint64_t second_time)
{
    start();
    put_type("cpu", unit);
    put_type("samples", "count");
    put_sample(IDS(1), VALUES(30000000, 3), true);
    put_sample(IDS(2), VALUES((int64_t)second_time, 2), false);
    put_location(1, 0x1000, NULL, 0);
    put_location(2, 0x2000, NULL, 0);
    wire_number(&file, 12, period);
    wire_number(&file, 14, text("cpu"));
    put_texts();
    read_file();
}

static void samples_of_processor_time_are_known(void **state)
{
    (void)state;
    put_times("nanoseconds", 10000000, 20000000);
    assert_int_equal(profile.kind, PROFILE_CPU);
    assert_int_equal(profile.n_columns, 1);
    check_column(0, "samples", "count");
    assert_int_equal(value(0, 0), 3);
    assert_int_equal(value(0, 1), 2);
    assert_int_equal(profile.period, 10000);
    assert_true(profile.signals_left_out);

    static const struct {
        const char *unit;
        uint64_t period, second_time;
    } others[] = {
        {"nanoseconds", 10000000, 20000001}, /* not what two samples take */
        {"nanoseconds", 0, 20000000},
        {"nanoseconds", 10000001, 20000002}, /* no whole microseconds */
        {"microseconds", 10000000, 20000000},
    };
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        put_times(others[i].unit, others[i].period, others[i].second_time);
        assert_int_equal(profile.kind, PROFILE_OTHER);
        assert_int_equal(profile.n_columns, 2);
        assert_int_equal(profile.default_column, 0);
    }
}

static void put_labelled(uint32_t n_labels, uint64_t unit)
{
    start();
    put_type("n", "count");
    const size_t mark = wire_begin(&file, 2);
    wire_number(&file, 1, 1);
    wire_number(&file, 2, 7);
    for (uint32_t i = 0; i < n_labels; i++) {
        const size_t label = wire_begin(&file, 3);
        wire_number(&file, 1, text("key"));
        wire_number(&file, 3, (uint64_t)-1 - i);
        wire_number(&file, 4, unit);
        wire_end(&file, label);
    }
    wire_end(&file, mark);
    put_location(1, 0x1000, NULL, 0);
    wire_number(&file, 13, text("a note"));
    put_texts();
}

static void labels_and_comments_are_kept(void **state)
{
    (void)state;
    put_labelled(LABELS_MAX, 0);
    read_file();
    assert_int_equal(profile.parts.n, 1);
    assert_int_equal(profile.parts.value[0], 7);
    const str_id labels = profile.parts.labels[0];
    assert_int_equal(labels_count(profile.strings, labels), LABELS_MAX);
    const struct label last = labels_at(profile.strings, labels, LABELS_MAX - 1);
    assert_string_equal(in_strings(last.key), "key");
    assert_true(last.is_number);
    assert_int_equal(last.number, -LABELS_MAX);
    assert_int_equal(last.text, 0);
    assert_int_equal(profile.n_comments, 1);
    assert_string_equal(in_strings(profile.comments[0]), "a note");

    put_labelled(LABELS_MAX + 1, 0);
    refuse_file("x.pb: at byte 975: sample.label: more than 64 labels");
    put_labelled(1, 99);
    refuse_file("x.pb: at byte 14: label.num_unit: text 99 of 5");
}

static void put_places(void)
{
    start();
    put_type("n", "count");
    put_sample(IDS(1, 2), VALUES(1), true);
    put_sample(IDS(3, 4), VALUES(1), true);
    put_sample(IDS(5, 6), VALUES(1), true);
    put_sample(IDS(7, 8), VALUES(1), true);
    put_sample(IDS(9), VALUES(1), true);
    put_location(1, 0, LINES({1, 1}));
    put_location(2, 0, LINES({2, 2}));
    put_location(3, 0x1000, LINES({1, 1})); /* two names for one address */
    put_location(4, 0x1000, LINES({1, 2}));
    put_location(5, 0, LINES({1, 1})); /* the same place once more */
    put_location(6, 0x1000, NULL, 0);
    put_location(7, UINT64_C(0xffffffff81000000), LINES({3, 0}));
    put_location(8, UINT64_C(0xffffffff81000000), NULL, 0);
    put_location(9, 0, NULL, 0);
    put_function(1, "f", "", "f.py");
    put_function(2, "g", "", "f.py");
    put_function(3, "kernel", "", "");
    put_texts();
}

static void places_without_an_address_of_their_own(void **state)
{
    (void)state;
    put_places();
    read_file();
    assert_int_equal(profile.n_stacks, 5);
    assert_string_equal(stack_text(0), "-[f f.py:1] -[g f.py:2]");
    assert_string_equal(stack_text(1), "1000[f f.py:1] -[f f.py:2]");
    assert_string_equal(stack_text(2), "-[f f.py:1] 1000[f f.py:1]");
    assert_string_equal(stack_text(3), "-[kernel ??:0] ffffffff81000000");
    assert_string_equal(stack_text(4), "0");
    assert_int_equal(profile.stack_addr[profile.stack_at[0]],
                     profile.stack_addr[profile.stack_at[2]]);
}

/* Whatever else was read before, and in whatever order. */
static void equal_names_meet_across_profiles(void **state)
{
    (void)state;
    put_places();
    read_file();
    struct profile first = profile;
    profile = (struct profile){0};
    start();
    put_type("n", "count");
    put_sample(IDS(77, 3), VALUES(5), true);
    put_location(3, 0, LINES({1, 2}));
    put_location(77, 0, LINES({2, 1}));
    put_function(1, "g", "", "f.py");
    put_function(2, "f", "", "f.py");
    put_texts();
    read_file();
    struct profile second = profile, sum;
    profile = (struct profile){0};
    const struct profile *const in[] = {&first, &second};
    const int sign[] = {1, 1};
    assert_true(profile_merge(in, sign, 2, false, &sum, &err));
    profile = sum;
    assert_int_equal(profile.n_stacks, 5);
    assert_int_equal(value(0, 0), 6);
    assert_string_equal(stack_text(0), "-[f f.py:1] -[g f.py:2]");
    profile_free(&first);
    profile_free(&second);
}

static void put_moved(uint64_t base, const char *name)
{
    start();
    put_type("n", "count");
    put_sample(IDS(1), VALUES(1), true);
    put_sample(IDS(2), VALUES(1), true);
    put_mapping(1, base, base + 0x1000, 0, "/bin/pie", "abcd");
    put_location(1, base + 0x10, LINES({1, 1}));
    put_location(2, base + 0x20, NULL, 0);
    put_function(1, name, "", "f.c");
    put_texts();
}

/* One run's names do not go to what the other had at the same address. */
static void names_move_with_their_image(void **state)
{
    (void)state;
    put_moved(0x10000, "f");
    read_file();
    struct profile first = profile;
    profile = (struct profile){0};
    put_moved(0x10010, "f");
    read_file();
    struct profile second = profile, sum;
    profile = (struct profile){0};
    const struct profile *const in[] = {&first, &second};
    const int sign[] = {1, 1};
    assert_true(profile_merge(in, sign, 2, false, &sum, &err));
    profile = sum;
    assert_int_equal(profile.n_stacks, 2);
    assert_int_equal(profile.n_carried, 1);
    assert_string_equal(stack_text(0), "10010[f f.c:1]");
    assert_string_equal(stack_text(1), "10020");
    assert_int_equal(value(0, 0), 2);
    profile_free(&first);
    profile_free(&second);
}

static void unwanted_frames_are_left_out(void **state)
{
    (void)state;
    start();
    put_type("n", "count");
    put_sample(IDS(1, 2, 3), VALUES(1), true); /* malloc_hook, my_new(int), main */
    put_sample(IDS(1, 4), VALUES(2), true);    /* malloc_hook, malloc_info in main */
    put_sample(IDS(1, 1), VALUES(3), true);    /* nothing but */
    put_sample(IDS(3, 5, 3), VALUES(4), true); /* malloc_keep stays */
    put_location(1, 0x1000, LINES({1, 1}));
    put_location(2, 0x2000, LINES({2, 2}));
    put_location(3, 0x3000, LINES({3, 3}));
    put_location(4, 0x4000, LINES({4, 4}, {3, 5}));
    put_location(5, 0x5000, LINES({5, 5}));
    put_function(1, "malloc_hook", "", "");
    put_function(2, "my_new(int)", "", "");
    put_function(3, "main", "", "");
    put_function(4, "malloc_info", "", "");
    put_function(5, "malloc_keep", "", "");
    wire_number(&file, 7, text("malloc_.*|my_new|mai"));
    wire_number(&file, 8, text(".*_keep"));
    put_texts();
    read_file();
    assert_int_equal(profile.n_stacks, 4);
    assert_string_equal(stack_text(0), "3000[main ??:0]");
    assert_string_equal(stack_text(1), "1000[malloc_hook ??:0] 4000[main ??:0]");
    assert_string_equal(stack_text(2), "1000[malloc_hook ??:0] 1000[malloc_hook ??:0]");
    assert_string_equal(stack_text(3), "3000[main ??:0] 5000[malloc_keep ??:0] 3000[main ??:0]");
}

static void a_broken_expression_leaves_out_nothing(void **state)
{
    (void)state;
    start();
    put_type("n", "count");
    put_sample(IDS(1), VALUES(1), true);
    put_location(1, 0x1000, LINES({1, 1}));
    put_function(1, "f", "", "");
    wire_number(&file, 7, text("f("));
    put_texts();
    read_file();
    assert_string_equal(stack_text(0), "1000[f ??:0]");
    assert_int_equal(notes.n, 1);
    assert_non_null(strstr(notes.lines[0], "x.pb: drop_frames"));
}

static void odd_but_sound(void **state)
{
    (void)state;
    start();
    put_type("n", "count");
    put_sample(IDS(9), VALUES(INT64_C(1) << 40), true);
    put_sample(NULL, 0, VALUES(7), true);
    put_location(9, 0x1000, LINES({0, 5}, {1, UINT64_MAX}, {2, UINT32_MAX}));
    put_function(1, "f", "", "f.c");
    put_function(2, "", "", "g.c");
    wire_bytes(&file, 31, span_of("from a later version"));
    wire_number(&file, 500, 1);
    put_texts();
    read_file();
    assert_string_equal(stack_text(0), "1000[f f.c:0]");
    assert_string_equal(stack_text(1), "");
    assert_true(value(0, 0) == (double)(INT64_C(1) << 40));
    assert_int_equal(value(0, 1), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(all_parts_of_a_profile, teardown),
        cmocka_unit_test_teardown(the_shown_column_is_the_default_or_the_last, teardown),
        cmocka_unit_test_teardown(more_types_than_columns, teardown),
        cmocka_unit_test_teardown(heap_and_contention_are_known, teardown),
        cmocka_unit_test_teardown(samples_of_processor_time_are_known, teardown),
        cmocka_unit_test_teardown(labels_and_comments_are_kept, teardown),
        cmocka_unit_test_teardown(places_without_an_address_of_their_own, teardown),
        cmocka_unit_test_teardown(equal_names_meet_across_profiles, teardown),
        cmocka_unit_test_teardown(names_move_with_their_image, teardown),
        cmocka_unit_test_teardown(unwanted_frames_are_left_out, teardown),
        cmocka_unit_test_teardown(a_broken_expression_leaves_out_nothing, teardown),
        cmocka_unit_test_teardown(odd_but_sound, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
