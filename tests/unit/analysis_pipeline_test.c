/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From bytes to reports: what is taken for a program, what for a profile, what is subtracted, and
 * that settings may change between two reports. */
#include "analysis/analysis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SYMBOLS                                                                                    \
    "--- symbol\nbinary=/bin/demo\n0x0000000000401101 foo\n0x0000000000401201 bar\n"               \
    "0x0000000000401301 main\n---\n"
#define HEAD "heap profile: 0: 0 [0: 0] @ heapprofile\n"

/* foo and bar below main: 2 objects of 200 bytes and 1 of 50 in use, 7 of 700 and 3 of 60
 * allocated. */
static const char profile_a[] = SYMBOLS HEAD "2: 200 [7: 700] @ 0x401101 0x401301\n"
                                             "1: 50 [3: 60] @ 0x401201 0x401301\n";
static const char profile_b[] = SYMBOLS HEAD "1: 300 [1: 300] @ 0x401101 0x401301\n"
                                             "1: 50 [1: 50] @ 0x401201 0x401301\n";
static const char profile_bare[] = HEAD "1: 300 [1: 300] @ 0x401101 0x401301\n";

struct file_name {
    char text[64];
};

static struct file_name write_file(const char *content)
{
    struct file_name name = {"/tmp/cprof-test-XXXXXX"};
    const int fd = mkstemp(name.text);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    close(fd);
    return name;
}

static void set(struct analysis *a, const char *option, const char *value)
{
    struct error err = {0};
    if (!options_set(analysis_options(a), span_of(option), span_of(value), analysis_settings(a),
                     &err))
        fail_msg("%s", err.text);
}

static void load(struct analysis *a, const char *bytes, enum load_as as)
{
    struct error err = {0};
    if (!analysis_load_bytes(a, span_of(bytes), "bytes", as, &err))
        fail_msg("%s", err.text);
}

/* Calls and compares; `expected` NULL: just that it works. */
static void expect_report(struct analysis *a, const char *expected)
{
    struct error err = {0};
    struct buf text = BUF_MAX(1 << 20);
    struct out *out = out_to_buf(&text);
    const bool is_fine = analysis_report(a, NULL, out, &err);
    assert_true(out_close(out, NULL));
    if (!is_fine)
        fail_msg("%s", err.text);
    if (expected)
        assert_string_equal(buf_c(&text), expected);
    buf_free(&text);
}

static void expect_failure(struct analysis *a, const char *expected)
{
    struct error err = {0};
    struct buf text = BUF_MAX(1 << 20);
    struct out *out = out_to_buf(&text);
    assert_false(analysis_report(a, NULL, out, &err));
    assert_string_equal(err.text, expected);
    assert_true(out_close(out, NULL));
    assert_int_equal(text.n, 0);
    buf_free(&text);
}

static const char report_a[] = "Total: 250 B\n"
                               "     200  80.0%  80.0%      200  80.0% foo\n"
                               "      50  20.0% 100.0%       50  20.0% bar\n"
                               "       0   0.0% 100.0%      250 100.0% main\n";

static void one_profile(void **state)
{
    (void)state;
    struct analysis *a = analysis_new();
    set(a, "show_bytes", NULL);
    load(a, profile_a, LOAD_FIRST);
    assert_int_equal(analysis_count(a), 1);
    assert_null(analysis_program(a));
    expect_report(a, report_a);
    expect_report(a, report_a);
    analysis_free(a);
}

static void columns_may_change_between_reports(void **state)
{
    (void)state;
    struct analysis *a = analysis_new();
    load(a, profile_a, LOAD_FIRST);
    set(a, "inuse_objects", NULL);
    expect_report(a, "Total: 3 objects\n"
                     "       2  66.7%  66.7%        2  66.7% foo\n"
                     "       1  33.3% 100.0%        1  33.3% bar\n"
                     "       0   0.0% 100.0%        3 100.0% main\n");
    set(a, "inuse_objects", "0");
    set(a, "alloc_objects", NULL);
    set(a, "focus", "foo");
    expect_report(a, "Total: 10 objects\n"
                     "       7 100.0% 100.0%        7 100.0% foo\n"
                     "       0   0.0% 100.0%        7 100.0% main\n");
    /* What belongs to other kinds of profiles is no error. */
    set(a, "alloc_objects", "0");
    set(a, "contentions", NULL);
    set(a, "focus", "");
    set(a, "show_bytes", NULL);
    expect_report(a, report_a);
    analysis_free(a);
}

/* One report as other settings would have it, with its heading. */
static void expect_report_as(struct analysis *a, const struct settings *settings,
                             const char *expected)
{
    struct error err = {0};
    struct buf text = BUF_MAX(1 << 20);
    struct out *out = out_to_buf(&text);
    const bool is_fine = analysis_report_as(a, settings, NULL, out, out, &err);
    assert_true(out_close(out, NULL));
    if (!is_fine)
        fail_msg("%s", err.text);
    assert_string_equal(buf_c(&text), expected);
    buf_free(&text);
}

static void one_report_may_differ(void **state)
{
    (void)state;
    struct analysis *a = analysis_new();
    struct settings settings;
    set(a, "show_bytes", NULL);
    load(a, profile_a, LOAD_FIRST);
    expect_report(a, report_a);
    settings_copy(&settings, analysis_settings(a));
    settings.max_rows = 1;
    expect_report_as(a, &settings,
                     "Total: 250 B\n"
                     "     200  80.0%  80.0%      200  80.0% foo\n");
    settings.max_rows = 0;
    settings.then_focus = strdup("main");
    settings.then_ignore = strdup("foo");
    expect_report_as(a, &settings,
                     "Total: 250 B\n"
                     "After focusing on 'main': 250 B of 250 (100.0%)\n"
                     "After ignoring 'foo': 50 B of 250 (20.0%)\n"
                     "      50 100.0% 100.0%       50 100.0% bar\n"
                     "       0   0.0% 100.0%       50 100.0% main\n");
    settings_free(&settings);
    expect_report(a, report_a);

    /* What the settings left out stays out. */
    set(a, "focus", "foo");
    settings_copy(&settings, analysis_settings(a));
    settings.then_focus = strdup("bar");
    expect_report_as(a, &settings,
                     "Total: 250 B\n"
                     "After focusing on 'bar': 0 B of 250 (0.0%)\n");
    settings_free(&settings);
    analysis_free(a);
}

static void names_are_listed(void **state)
{
    (void)state;
    struct error err = {0};
    struct arena *arena = arena_new();
    struct analysis *a = analysis_new();
    assert_int_equal(analysis_names(a, arena).n, 0);
    assert_false(analysis_prepare(a, &err));
    assert_string_equal(err.text, "Did not specify profile file");
    load(a, profile_a, LOAD_FIRST);
    assert_true(analysis_prepare(a, &err));
    const struct name_list names = analysis_names(a, arena);
    assert_int_equal(names.n, 3);
    assert_string_equal(names.list[0], "bar");
    assert_string_equal(names.list[1], "foo");
    assert_string_equal(names.list[2], "main");
    analysis_free(a);
    arena_free(arena);
}

static void profiles_are_added(void **state)
{
    (void)state;
    struct analysis *a = analysis_new();
    set(a, "show_bytes", NULL);
    load(a, profile_a, LOAD_FIRST);
    expect_report(a, report_a);
    load(a, profile_b, LOAD_PROFILE);
    expect_report(a, "Total: 600 B\n"
                     "     500  83.3%  83.3%      500  83.3% foo\n"
                     "     100  16.7% 100.0%      100  16.7% bar\n"
                     "       0   0.0% 100.0%      600 100.0% main\n");
    analysis_free(a);
}

static void a_base_comes_and_goes(void **state)
{
    (void)state;
    const struct file_name base = write_file(profile_b);
    struct analysis *a = analysis_new();
    set(a, "show_bytes", NULL);
    set(a, "base", base.text);
    load(a, profile_a, LOAD_FIRST);
    static const char difference[] = "Total: -100 B\n"
                                     "       0  -0.0%  -0.0%     -100 100.0% main\n"
                                     "    -100 100.0% 100.0%     -100 100.0% foo\n";
    expect_report(a, difference);
    assert_int_equal(analysis_count(a), 2);
    set(a, "drop_negative", NULL);
    expect_report(a, NULL);
    set(a, "drop_negative", "0");
    expect_report(a, difference);
    set(a, "base", "");
    expect_report(a, report_a);
    assert_int_equal(analysis_count(a), 1);
    set(a, "base", "/nonexistent/base.heap");
    expect_failure(a, "/nonexistent/base.heap: No such file or directory");
    set(a, "base", base.text);
    expect_report(a, difference);
    analysis_free(a);
    unlink(base.text);
}

static void the_first_file_is_looked_at(void **state)
{
    (void)state;
    const struct file_name program = write_file("");
    const struct file_name profile = write_file(profile_a);
    struct error err = {0};

    struct analysis *a = analysis_new();
    assert_true(analysis_load(a, program.text, LOAD_FIRST, &err));
    assert_string_equal(analysis_program(a), program.text);
    assert_int_equal(analysis_count(a), 0);
    expect_failure(a, "Did not specify profile file");
    load(a, profile_bare, LOAD_PROFILE);
    expect_report(a, NULL);
    analysis_free(a);

    a = analysis_new();
    assert_true(analysis_load(a, profile.text, LOAD_FIRST, &err));
    assert_null(analysis_program(a));
    assert_int_equal(analysis_count(a), 1);
    const struct notes *notes = analysis_notes(a);
    assert_int_equal(notes->n, 1);
    char note[100];
    (void)snprintf(note, sizeof note, "Using local file %s.", profile.text);
    assert_string_equal(notes->lines[0], note);
    analysis_free(a);
    unlink(program.text);
    unlink(profile.text);
}

static void names_of_its_own_after_a_program(void **state)
{
    (void)state;
    const struct file_name program = write_file("");
    struct error err = {0};
    struct analysis *a = analysis_new();
    assert_true(analysis_load(a, program.text, LOAD_PROGRAM, &err));
    assert_null(analysis_clash(a));
    assert_false(analysis_load_bytes(a, span_of(profile_a), "x.heap", LOAD_PROFILE, &err));
    assert_string_equal(analysis_clash(a), "x.heap");
    load(a, profile_bare, LOAD_PROFILE);
    assert_null(analysis_clash(a));
    analysis_free(a);
    unlink(program.text);
}

static void lines_need_a_program(void **state)
{
    (void)state;
    struct error err = {0};
    struct analysis *a = analysis_new();
    set(a, "lines", NULL);
    assert_false(analysis_load_bytes(a, span_of(profile_a), "x.heap", LOAD_FIRST, &err));
    assert_string_equal(err.text, "--lines cannot be used without a binary");
    assert_int_equal(err.kind, ERROR_USAGE);
    analysis_free(a);
}

static void names_of_no_file(void **state)
{
    (void)state;
    static const char *const files[] = {
        "nonexistent.prof", "nonexistent:x", "dir/http:x", "a@b", ":80", "nonexistent/pprof/heapx",
    };
    struct analysis *a = analysis_new();
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct error err = {0};
        char text[200];
        (void)snprintf(text, sizeof text, "%s: No such file or directory", files[i]);
        assert_false(analysis_load(a, files[i], LOAD_PROFILE, &err));
        assert_string_equal(err.text, text);
    }
    struct error err = {0};
    assert_false(analysis_load(a, "/tmp", LOAD_FIRST, &err));
    assert_string_equal(err.text, "/tmp: Is a directory");
    assert_int_equal(analysis_notes(a)->n, 0);
    analysis_free(a);
}

static void bad_expressions(void **state)
{
    (void)state;
    struct error err = {0};
    struct analysis *a = analysis_new();
    set(a, "focus", "foo(");
    assert_false(analysis_filters(a, &err));
    assert_non_null(strstr(err.text, "--focus=foo(: "));
    assert_non_null(strstr(err.text, "at offset 4"));
    set(a, "focus", "foo");
    assert_true(analysis_filters(a, &err));
    set(a, "ignore", "[");
    assert_false(analysis_filters(a, &err));
    assert_non_null(strstr(err.text, "--ignore=[: "));
    load(a, profile_a, LOAD_FIRST);
    struct buf text = BUF_MAX(1 << 10);
    struct out *out = out_to_buf(&text);
    assert_false(analysis_report(a, NULL, out, &err));
    assert_true(out_close(out, NULL));
    buf_free(&text);
    analysis_free(a);
}

static void damaged_input_leaves_things_as_they_were(void **state)
{
    (void)state;
    struct error err = {0};
    struct analysis *a = analysis_new();
    set(a, "show_bytes", NULL);
    load(a, profile_a, LOAD_FIRST);
    expect_report(a, report_a);
    assert_false(analysis_load_bytes(a, span_of(""), "empty", LOAD_PROFILE, &err));
    assert_string_equal(err.text, "empty: empty file");
    assert_false(analysis_load_bytes(a, span_of("hello\n"), "text", LOAD_PROFILE, &err));
    set(a, "reader", "nonsense");
    assert_false(analysis_load_bytes(a, span_of(profile_b), "x", LOAD_PROFILE, &err));
    set(a, "reader", "");
    assert_int_equal(analysis_count(a), 1);
    analysis_free(a);
}

static void addresses_are_named(void **state)
{
    (void)state;
    const struct file_name program = write_file("");
    struct error err = {0};
    struct analysis *a = analysis_new();
    set(a, "symbols", NULL);
    assert_true(analysis_load(a, program.text, LOAD_PROGRAM, &err));
    load(a, "0x401101\n0x401201 x\nnothing\n0x401101\n", LOAD_INPUT);
    expect_report(a, "??\n??\n??\n");
    analysis_free(a);
    unlink(program.text);
}

static void watch(void *to, const char *doing, double share)
{
    char *last = to;
    assert_true(share >= 0 && share <= 1);
    (void)snprintf(last, 100, "%s", doing ? doing : "nothing");
}

static bool is_stopped(void *to)
{
    return *(const bool *)to;
}

static void stopped_and_asked_again(void **state)
{
    (void)state;
    bool stop = true;
    struct error err = {0};
    struct analysis *a = analysis_new();
    analysis_watch(a, (struct progress){.is_stopped = is_stopped, .to = &stop});
    load(a, profile_a, LOAD_FIRST);
    load(a, profile_b, LOAD_PROFILE);
    assert_false(analysis_prepare(a, &err));
    assert_int_equal(err.kind, ERROR_STOPPED);
    assert_false(analysis_prepare(a, &err));
    stop = false;
    assert_true(analysis_prepare(a, &err));
    analysis_free(a);
}

static void nothing_goes_on_while_a_report_is_written(void **state)
{
    (void)state;
    char last[100] = "";
    struct analysis *a = analysis_new();
    analysis_watch(a, (struct progress){.step = watch, .to = last});
    load(a, profile_a, LOAD_FIRST);
    expect_report(a, NULL);
    assert_string_equal(last, "nothing");
    analysis_free(a);
}

static void two_at_once(void **state)
{
    (void)state;
    struct analysis *a = analysis_new(), *b = analysis_new();
    set(a, "show_bytes", NULL);
    load(a, profile_a, LOAD_FIRST);
    load(b, profile_b, LOAD_FIRST);
    set(b, "inuse_objects", NULL);
    expect_report(a, report_a);
    expect_report(b, "Total: 2 objects\n"
                     "       1  50.0%  50.0%        1  50.0% bar\n"
                     "       1  50.0% 100.0%        1  50.0% foo\n"
                     "       0   0.0% 100.0%        2 100.0% main\n");
    analysis_free(b);
    expect_report(a, report_a);
    analysis_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_profile),
        cmocka_unit_test(columns_may_change_between_reports),
        cmocka_unit_test(one_report_may_differ),
        cmocka_unit_test(names_are_listed),
        cmocka_unit_test(profiles_are_added),
        cmocka_unit_test(a_base_comes_and_goes),
        cmocka_unit_test(the_first_file_is_looked_at),
        cmocka_unit_test(names_of_its_own_after_a_program),
        cmocka_unit_test(lines_need_a_program),
        cmocka_unit_test(names_of_no_file),
        cmocka_unit_test(bad_expressions),
        cmocka_unit_test(damaged_input_leaves_things_as_they_were),
        cmocka_unit_test(addresses_are_named),
        cmocka_unit_test(stopped_and_asked_again),
        cmocka_unit_test(nothing_goes_on_while_a_report_is_written),
        cmocka_unit_test(two_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
