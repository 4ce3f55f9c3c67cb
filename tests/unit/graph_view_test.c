/* SPDX-License-Identifier: BSD-3-Clause
 *
 * graph/graph.h, from profile to view: total, formats, frames left out, filters, order. */
#include "graph_unit.h"

static void total_is_of_everything(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_CPU);
    SAMPLE(&f, 5, 0x2000, 0x1000);
    SAMPLE(&f, 3, 0x3000, 0x1000, 0x500);
    fixture_sample(&f, 2, NULL, (const uint64_t[]){0});
    fixture_seal(&f);
    struct error err = {0};
    struct regex *focus = regex_new("--focus", span_of("0000003000"), &err);
    fixture_view(&f, &(struct view_options){.focus = focus});
    assert_true(f.view.total == 10);
    assert_string_equal(fixture_stacks(&f), "3:3000,1000,500");
    fixture_view(&f, NULL);
    assert_string_equal(fixture_stacks(&f), "5:2000,1000 3:3000,1000,500 2:");
    regex_free(focus);
    fixture_end(&f);
}

static void labels_are_chosen(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_CPU);
    fixture_sample(&f, 1, "t1", (const uint64_t[]){0x2000, 0x1000, 0});
    fixture_sample(&f, 2, "t2", (const uint64_t[]){0x3000, 0x1100, 0});
    fixture_sample(&f, 4, "t2", (const uint64_t[]){0x2000, 0x1000, 0});
    fixture_seal(&f);
    assert_int_equal(f.profile.n_samples, 3);
    fixture_view(&f, &(struct view_options){.label = "t2"});
    assert_string_equal(fixture_stacks(&f), "4:2000,1000 2:3000,1100");
    assert_true(f.view.total == 6);
    fixture_view(&f, NULL); /* those without a label: none here */
    assert_int_equal(f.view.n_stacks, 0);
    fixture_end(&f);
}

static void check_format(enum profile_kind kind, const char *column, bool show_bytes, double value,
                         const char *text, const char *unit)
{
    struct fixture f;
    fixture_begin(&f, kind);
    SAMPLE(&f, 1, 0x1000);
    fixture_seal(&f);
    fixture_view(&f, &(struct view_options){.column = column, .show_bytes = show_bytes});
    char number[UNITS_TEXT];
    assert_string_equal(view_value_text(&f.view, value, number), text);
    assert_string_equal(f.view.format.unit, unit);
    fixture_end(&f);
}

static void values_have_the_format_of_their_column(void **state)
{
    (void)state;
    check_format(PROFILE_CPU, NULL, false, 7.9, "7", "samples");
    check_format(PROFILE_HEAP, NULL, false, 1572864, "1.5", "MB");
    check_format(PROFILE_HEAP, NULL, true, 1572864.9, "1572864", "B");
    check_format(PROFILE_HEAP, "alloc_space", false, 1048576, "1.0", "MB");
    check_format(PROFILE_HEAP, "inuse_objects", true, 3.9, "3", "objects");
    check_format(PROFILE_GROWTH, "alloc_objects", false, -3.9, "-3", "objects");
    check_format(PROFILE_CONTENTION, NULL, false, 1503000000, "1.503", "seconds");
    check_format(PROFILE_CONTENTION, "mean_delay", false, 250e6, "0.250", "seconds");
    check_format(PROFILE_CONTENTION, "contentions", false, 12, "12", "samples");
    check_format(PROFILE_OTHER, NULL, false, 12.5, "12", "samples");
}

static void other_profiles_have_their_own_units(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_OTHER);
    const column_ix cpu = builder_column(f.builder, "cpu", "nanoseconds");
    builder_default_column(f.builder, cpu);
    SAMPLE(&f, 1500, 0x1000);
    fixture_seal(&f);
    fixture_view(&f, NULL);
    char number[UNITS_TEXT];
    assert_int_equal(f.view.column, cpu);
    assert_string_equal(f.view.format.unit, "nanoseconds");
    assert_string_equal(view_value_text(&f.view, 1500, number), "1500");
    fixture_end(&f);
}

static void an_unknown_column_is_an_error(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_CPU);
    SAMPLE(&f, 1, 0x1000);
    fixture_seal(&f);
    struct error err = {0};
    f.view.n_stacks = 42;
    assert_false(view_make(&f.profile, &f.symbols, &(struct view_options){.column = "bogus"},
                           f.arena, &f.notes, &f.view, &err));
    assert_int_equal(err.kind, ERROR_USAGE);
    assert_string_equal(err.text, "the profile has no column 'bogus'");
    assert_int_equal(f.view.n_stacks, 42);
    fixture_end(&f);
}

static void a_profile_may_be_empty(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_CPU);
    fixture_seal(&f);
    struct error err = {0};
    struct regex *all = regex_new("--focus", span_of(""), &err);
    fixture_view(&f, &(struct view_options){.focus = all, .ignore = all});
    assert_int_equal(f.view.n_stacks, 0);
    assert_int_equal(f.view.stack_at[0], 0);
    (void)view_stack_order(&f.view);
    struct graph graph;
    graph_fold(&f.view, &(struct fold_options){.with_edges = true}, &graph);
    assert_int_equal(graph.n_nodes, 0);
    assert_int_equal(graph.n_edges, 0);
    regex_free(all);

    struct view view;
    assert_true(view_make(&f.profile, NULL, &(struct view_options){0}, f.arena, NULL, &view, &err));
    fixture_end(&f);
}

/* ---- frames left out ----------------------------------------------------------------------------
 */

/* One stack 7000 < 6000 < 5000, 6000 being `name`; what is left. */
static void check_left_out(enum profile_kind kind, const char *name, bool keep, bool is_left_out)
{
    struct fixture f;
    fixture_begin(&f, kind);
    SAMPLE(&f, 2, 0x7000, 0x6000, 0x5000);
    SAMPLE(&f, 3, 0x6000, 0x5100);
    fixture_seal(&f);
    fixture_name(&f, 0x6000, name);
    fixture_name(&f, 0x7000, "other");
    fixture_view(&f, &(struct view_options){.keep_signal_frames = keep});
    if (strcmp(fixture_stacks(&f),
               is_left_out ? "2:7000,5000 3:5100" : "2:7000,6000,5000 3:6000,5100") != 0)
        fail_msg("%s: %s", name, fixture_stacks(&f));
    assert_true(f.view.total == 5);
    fixture_end(&f);
}

static void allocators_are_left_out_of_heaps(void **state)
{
    (void)state;
    static const char *const names[] = {
        "malloc",
        "_malloc",
        "operator new",
        "_operator new[]",
        "::do_malloc_or_cpp_alloc",
        "_::do_malloc",
        "__stop_malloc_hook",
        "___builtin_new",
        "MyTCMallocThing",
        "tcmalloc::Span",
    };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        check_left_out(PROFILE_HEAP, names[i], false, true);
        check_left_out(PROFILE_GROWTH, names[i], false, true);
        check_left_out(PROFILE_CPU, names[i], false, false);
        check_left_out(PROFILE_CONTENTION, names[i], false, false);
    }
    check_left_out(PROFILE_HEAP, "__malloc", false, false);
    check_left_out(PROFILE_HEAP, "mallocx", false, false);
    check_left_out(PROFILE_HEAP, "my::tcmalloc::Span", false, false);
    check_left_out(PROFILE_HEAP, "Mutex::Unlock", false, false);
}

static void locks_are_left_out_of_contention(void **state)
{
    (void)state;
    check_left_out(PROFILE_CONTENTION, "Mutex::Unlock", false, true);
    check_left_out(PROFILE_CONTENTION, "SpinLockHolder::~SpinLockHolder", false, true);
    check_left_out(PROFILE_CONTENTION, "base::SubmitMutexProfileData", false, true);
    check_left_out(PROFILE_CONTENTION, "_Mutex::Unlock", false, false);
    check_left_out(PROFILE_CPU, "Mutex::Unlock", false, false);
}

static void signal_frames_are_left_out_of_cpu(void **state)
{
    (void)state;
    check_left_out(PROFILE_CPU, "__restore", false, true);
    check_left_out(PROFILE_CPU, "ProfileData::prof_handler", false, true);
    check_left_out(PROFILE_CPU, "__restore", true, false);
    check_left_out(PROFILE_CPU, "NOMATCH", false, false);
    check_left_out(PROFILE_OTHER, "__restore", false, false);
    check_left_out(PROFILE_ADDRESSES, "__restore", false, false);
}

static void only_the_physical_function_decides(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_HEAP);
    SAMPLE(&f, 1, 0x2000, 0x1000);
    SAMPLE(&f, 2, 0x3000, 0x1000);
    fixture_seal(&f);
    fixture_frame(&f, 0x2000, (struct frame_text){.name = "malloc", .is_inlined = true});
    fixture_name(&f, 0x2000, "caller");
    fixture_frame(&f, 0x3000, (struct frame_text){.name = "caller", .is_inlined = true});
    fixture_name(&f, 0x3000, "malloc");
    fixture_view(&f, NULL);
    assert_string_equal(fixture_stacks(&f), "1:2000,1000 2:1000");
    fixture_end(&f);
}

static void stacks_that_become_equal_are_one(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_HEAP);
    SAMPLE(&f, 0.1, 0x2000, 0x1000);
    SAMPLE(&f, 10, 0x4000);
    SAMPLE(&f, 0.2, 0x4000, 0x2000, 0x1000);
    SAMPLE(&f, 20, 0x4000, 0x4000);
    SAMPLE(&f, 0.3, 0x2000, 0x4000, 0x1000, 0x4000);
    fixture_seal(&f);
    fixture_name(&f, 0x4000, "malloc");
    fixture_view(&f, NULL);
    assert_int_equal(f.view.n_stacks, 2);
    assert_true(f.view.stack_value[0] == 0.1 + 0.2 + 0.3); /* in this order */
    assert_true(f.view.stack_value[1] == 30);
    assert_int_equal(f.view.stack_at[1], 2);
    assert_int_equal(f.view.stack_at[2], 2);
    fixture_end(&f);
}

/* ---- common second frames -----------------------------------------------------------------------
 */

static void a_common_second_frame_goes(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_CPU);
    SAMPLE(&f, 4, 0x401202, 0x7000, 0x401201, 0x401105, 0x401005);
    SAMPLE(&f, 3, 0x401201, 0x7000, 0x401200, 0x40100a, 0x401005);
    SAMPLE(&f, 2, 0x401101, 0x7000, 0x40100a, 0x401005);
    fixture_seal(&f);
    fixture_view(&f, NULL);
    assert_string_equal(fixture_stacks(&f), "4:401202,401105,401005 3:401201,40100a,401005 "
                                            "2:401101,40100a,401005");
    assert_int_equal(f.notes.n, 1);
    assert_string_equal(f.notes.lines[0], "Removing 0000000000007000 from all stack traces.");

    fixture_view(&f, &(struct view_options){.keep_signal_frames = true});
    assert_int_equal(f.view.n_stacks, 3);
    assert_int_equal(f.view.stack_at[1], 5);
    assert_int_equal(f.notes.n, 3);
    assert_string_equal(f.notes.lines[1], "All second stack frames are same: `0000000000007000'.");
    assert_string_equal(f.notes.lines[2], "Might be stack trace capturing bug.");
    fixture_end(&f);
}

static void the_leaf_again_needs_two_more_frames(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_CPU);
    SAMPLE(&f, 1, 0x2001, 0x7000, 0x2000); /* two frames left: 2000 stays */
    SAMPLE(&f, 2, 0x3001, 0x7000, 0x3000, 0x1000);
    SAMPLE(&f, 4, 0x4001, 0x7000, 0x4001, 0x1000); /* not one less */
    fixture_seal(&f);
    fixture_name(&f, 0x7000, "handler");
    fixture_view(&f, NULL);
    assert_string_equal(fixture_stacks(&f), "1:2001,2000 2:3001,1000 4:4001,4001,1000");
    assert_string_equal(f.notes.lines[0], "Removing handler from all stack traces.");
    fixture_end(&f);
}

static void frames_go_as_long_as_they_are_common(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_CPU);
    SAMPLE(&f, 1, 0x1, 0x10, 0x11, 0x12);
    SAMPLE(&f, 2, 0x2, 0x10, 0x11, 0x13);
    fixture_seal(&f);
    fixture_view(&f, NULL);
    assert_string_equal(fixture_stacks(&f), "1:1,12 2:2,13");
    assert_int_equal(f.notes.n, 2);
    fixture_end(&f);
}

static void a_short_stack_prevents_it(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_CPU);
    SAMPLE(&f, 1, 0x1, 0x10, 0x11);
    SAMPLE(&f, 2, 0x2, 0x10, 0x12);
    SAMPLE(&f, 3, 0x3);
    fixture_seal(&f);
    fixture_view(&f, NULL);
    assert_string_equal(fixture_stacks(&f), "1:1,10,11 2:2,10,12 3:3");
    assert_int_equal(f.notes.n, 0);
    fixture_end(&f);
}

static void one_stack_says_nothing(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_CPU);
    SAMPLE(&f, 1, 0x3, 0x2, 0x1);
    SAMPLE(&f, 1, 0x3, 0x2, 0x1);
    fixture_seal(&f);
    fixture_view(&f, NULL);
    assert_string_equal(fixture_stacks(&f), "2:3,2,1");
    assert_int_equal(f.notes.n, 0);
    fixture_end(&f);

    /* Two that become one: the rest of it stays. */
    fixture_begin(&f, PROFILE_CPU);
    SAMPLE(&f, 1, 0x3001, 0x7000, 0x3000, 0x2000, 0x1000);
    SAMPLE(&f, 2, 0x3001, 0x7000, 0x2000, 0x1000);
    fixture_seal(&f);
    fixture_view(&f, NULL);
    assert_string_equal(fixture_stacks(&f), "3:3001,2000,1000");
    assert_int_equal(f.notes.n, 1);
    fixture_end(&f);
}

static void other_kinds_keep_second_frames(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_HEAP);
    SAMPLE(&f, 1, 0x1, 0x10, 0x11);
    SAMPLE(&f, 2, 0x2, 0x10, 0x12);
    fixture_seal(&f);
    fixture_view(&f, NULL);
    assert_string_equal(fixture_stacks(&f), "1:1,10,11 2:2,10,12");
    fixture_end(&f);
}

/* ---- focus and ignore ---------------------------------------------------------------------------
 */

static const char *filter(struct fixture *f, const char *focus, const char *ignore)
{
    struct error err = {0};
    struct regex *wanted = focus ? regex_new("--focus", span_of(focus), &err) : NULL;
    struct regex *unwanted = ignore ? regex_new("--ignore", span_of(ignore), &err) : NULL;
    fixture_view(f, &(struct view_options){.focus = wanted, .ignore = unwanted});
    regex_free(wanted);
    regex_free(unwanted);
    return fixture_stacks(f);
}

static void filters_look_at_names_places_and_addresses(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_OTHER);
    SAMPLE(&f, 1, 0x2000, 0x1000);
    SAMPLE(&f, 2, 0x3000, 0x1000);
    SAMPLE(&f, 4, 0x4000);
    SAMPLE(&f, 8, 0x5000);
    fixture_sample(&f, 16, NULL, (const uint64_t[]){0});
    fixture_seal(&f);
    fixture_frame(&f, 0x1000,
                  (struct frame_text){.name = "main", .full = "main(int)", .file = "m.c"});
    fixture_frame(
        &f, 0x2000,
        (struct frame_text){
            .name = "leaf", .file = "a.c", .line = 7, .entry = 0x2000, .is_inlined = true});
    fixture_frame(&f, 0x2000, (struct frame_text){.name = "outer", .file = "a.c", .line = 9});
    fixture_carried(&f, 0x3000, "other");
    fixture_state(&f, 0x4000, ADDRESS_BLANK);

    assert_string_equal(filter(&f, "main", NULL), "1:2000,1000 2:3000,1000");
    assert_string_equal(filter(&f, "^leaf$", NULL), "1:2000,1000");
    assert_string_equal(filter(&f, "a\\.c:7$", NULL), "1:2000,1000");
    assert_string_equal(filter(&f, "^a.c:9$", NULL), "1:2000,1000");
    assert_string_equal(filter(&f, "^\\?$", NULL), "2:3000,1000");
    assert_string_equal(filter(&f, "^0{12}3000$", NULL), "2:3000,1000");
    assert_string_equal(filter(&f, "\\?\\?", NULL), "4:4000");
    assert_string_equal(filter(&f, "^$", NULL), "8:5000");
    assert_string_equal(filter(&f, "0005000", NULL), "8:5000");
    assert_string_equal(filter(&f, "int|inline|@", NULL), "");
    assert_string_equal(filter(&f, NULL, "main"), "4:4000 8:5000 16:");
    assert_string_equal(filter(&f, "main|5000", "leaf"), "2:3000,1000 8:5000");
    fixture_end(&f);
}

/* ---- order, skipped addresses, words ------------------------------------------------------------
 */

static void stacks_are_ordered_by_numbers(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_OTHER);
    SAMPLE(&f, 0, 0x900, 0x5, 0x7, 0x1);
    SAMPLE(&f, 1, 0x1000);
    SAMPLE(&f, 2, 0x900, 0x5, 0x7);
    SAMPLE(&f, 3, 0x900, 0x5, 0x6, 0x9);
    SAMPLE(&f, 4, 0x900);
    fixture_sample(&f, 5, NULL, (const uint64_t[]){0});
    SAMPLE(&f, 6, 0x900, 0x4);
    SAMPLE(&f, 7, 0xffffffff80000000);
    fixture_seal(&f);
    fixture_view(&f, NULL);
    const uint32_t *order = view_stack_order(&f.view);
    static const uint32_t wanted[] = {5, 4, 6, 3, 2, 0, 1, 7};
    for (size_t i = 0; i < COUNT_OF(wanted); i++)
        assert_int_equal(order[i], wanted[i]);
    fixture_end(&f);
}

static void addresses_beyond_the_half_are_skipped(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_OTHER);
    SAMPLE(&f, 1, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffff80000000);
    fixture_seal(&f);
    fixture_view(&f, NULL);
    assert_false(view_address_is_skipped(&f.view, 0));
    assert_true(view_address_is_skipped(&f.view, 1));
    assert_true(view_address_is_skipped(&f.view, 2));
    f.profile.address_digits = 8;
    assert_false(view_address_is_skipped(&f.view, 2));
    fixture_end(&f);
}

static void every_address_has_words(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_OTHER);
    SAMPLE(&f, 1, 0x1000, 0x2000, 0x3000, 0x4000);
    fixture_seal(&f);
    fixture_frame(&f, 0x1000,
                  (struct frame_text){
                      .name = "in", .full = "in()", .file = "a.c", .line = 3, .is_inlined = true});
    fixture_frame(&f, 0x1000, (struct frame_text){.name = "out"});
    fixture_state(&f, 0x2000, ADDRESS_BLANK);
    fixture_carried(&f, 0x4000, "x");
    fixture_view(&f, NULL);

    struct buf scratch = BUF_MAX(100);
    char text[20];
    const struct frame *frame = view_frame(&f.view, 0, 0);
    assert_int_equal(view_n_frames(&f.view, 0), 2);
    assert_string_equal(view_name_text(&f.view, 0, frame, text), "in");
    assert_string_equal(view_full_text(&f.view, 0, frame, text), "in()");
    assert_string_equal(view_place_text(&f.view, frame, &scratch), "a.c:3");
    assert_true(view_has_place(&f.view, frame));
    frame = view_physical(&f.view, 0);
    assert_string_equal(view_name_text(&f.view, 0, frame, text), "out");
    assert_string_equal(view_place_text(&f.view, frame, &scratch), "??:0");

    frame = view_physical(&f.view, 1);
    assert_ptr_equal(frame, f.view.blank);
    assert_int_equal(view_n_frames(&f.view, 1), 1);
    assert_string_equal(view_full_text(&f.view, 1, frame, text), "??");
    assert_string_equal(view_place_text(&f.view, frame, &scratch), "??:0");

    frame = view_physical(&f.view, 2);
    assert_ptr_equal(frame, f.view.missing);
    assert_string_equal(view_name_text(&f.view, 2, frame, text), "0000000000003000");
    assert_string_equal(view_full_text(&f.view, 2, frame, text), "0000000000003000");
    assert_string_equal(view_place_text(&f.view, frame, &scratch), "");
    assert_false(view_has_place(&f.view, frame));

    frame = view_physical(&f.view, 3);
    assert_string_equal(view_place_text(&f.view, frame, &scratch), "?");
    assert_false(view_has_place(&f.view, frame));
    buf_free(&scratch);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(total_is_of_everything),
        cmocka_unit_test(labels_are_chosen),
        cmocka_unit_test(values_have_the_format_of_their_column),
        cmocka_unit_test(other_profiles_have_their_own_units),
        cmocka_unit_test(an_unknown_column_is_an_error),
        cmocka_unit_test(a_profile_may_be_empty),
        cmocka_unit_test(allocators_are_left_out_of_heaps),
        cmocka_unit_test(locks_are_left_out_of_contention),
        cmocka_unit_test(signal_frames_are_left_out_of_cpu),
        cmocka_unit_test(only_the_physical_function_decides),
        cmocka_unit_test(stacks_that_become_equal_are_one),
        cmocka_unit_test(a_common_second_frame_goes),
        cmocka_unit_test(the_leaf_again_needs_two_more_frames),
        cmocka_unit_test(frames_go_as_long_as_they_are_common),
        cmocka_unit_test(a_short_stack_prevents_it),
        cmocka_unit_test(one_stack_says_nothing),
        cmocka_unit_test(other_kinds_keep_second_frames),
        cmocka_unit_test(filters_look_at_names_places_and_addresses),
        cmocka_unit_test(stacks_are_ordered_by_numbers),
        cmocka_unit_test(addresses_beyond_the_half_are_skipped),
        cmocka_unit_test(every_address_has_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
