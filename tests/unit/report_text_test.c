/* SPDX-License-Identifier: BSD-3-Clause
 *
 * report/report.h: the table of outputs, and those that are plain text: text, --stacks, collapsed,
 * symbols. */
#include "graph_unit.h"

#include "report/report.h"

/* What an output writes. The arena's. */
static const char *run(struct fixture *f, const char *name, struct report_options options)
{
    const struct emitter *emitter = emitter_find(span_of(name));
    assert_non_null(emitter);
    if (!options.program)
        options.program = "prog";
    struct buf text = BUF_MAX(1 << 20);
    struct out *out = out_to_buf(&text);
    const struct report report = {
        .view = &f->view,
        .options = &options,
        .notes = &f->notes,
        .arena = f->arena,
    };
    struct error err = {0};
    assert_true(emitter->emit(&report, out, &err));
    assert_true(out_close(out, &err));
    const char *copy = arena_text(f->arena, buf_span(&text));
    buf_free(&text);
    return copy;
}

static void every_output_has_its_row(void **state)
{
    (void)state;
    assert_string_equal(emitters[0]->name, "text");
    for (size_t i = 0; emitters[i]; i++) {
        const struct emitter *e = emitters[i];
        assert_ptr_equal(emitter_find(span_of(e->name)), e);
        assert_true(e->help && *e->help && e->extension && e->emit);
        assert_true(e->grain < GRANULARITY_COUNT);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(emitters[k]->name, e->name);
    }
    assert_null(emitter_find(span_of("bogus")));
    assert_null(emitter_find(span_of("tex")));
    assert_null(emitter_find(span_of("")));
}

/* ---- text ---------------------------------------------------------------------------------------
 */

static void make_demo(struct fixture *f)
{
    fixture_begin(f, PROFILE_CPU);
    SAMPLE(f, 5, 0x2000, 0x1000);
    SAMPLE(f, 3, 0x3000, 0x2000, 0x1000);
    SAMPLE(f, 2, 0x3000, 0x1000);
    fixture_seal(f);
    fixture_carried(f, 0x1000, "main");
    fixture_carried(f, 0x2000, "foo");
    fixture_carried(f, 0x3000, "bar");
    fixture_view(f, NULL);
}

static void the_table(void **state)
{
    (void)state;
    struct fixture f;
    make_demo(&f);
    assert_string_equal(run(&f, "text", (struct report_options){0}),
                        "Total: 10 samples\n"
                        "       5  50.0%  50.0%        5  50.0% bar\n"
                        "       5  50.0% 100.0%        8  80.0% foo\n"
                        "       0   0.0% 100.0%       10 100.0% main\n");
    assert_string_equal(run(&f, "text", (struct report_options){.cum = true}),
                        "Total: 10 samples\n"
                        "       0   0.0%   0.0%       10 100.0% main\n"
                        "       5  50.0%  50.0%        8  80.0% foo\n"
                        "       5  50.0% 100.0%        5  50.0% bar\n");
    assert_string_equal(
        run(&f, "text", (struct report_options){.granularity = GRANULARITY_ADDRESSES}),
        "Total: 10 samples\n"
        "       5  50.0%  50.0%        8  80.0% 0000000000002000 foo ?\n"
        "       5  50.0% 100.0%        5  50.0% 0000000000003000 bar ?\n"
        "       0   0.0% 100.0%       10 100.0% 0000000000001000 main ?\n");
    assert_string_equal(run(&f, "text", (struct report_options){.granularity = GRANULARITY_FILES}),
                        "Total: 10 samples\n"
                        "      10 100.0% 100.0%       10 100.0% ?\n");
    assert_string_equal(run(&f, "text", (struct report_options){.show_addresses = true}),
                        "Total: 10 samples\n"
                        "       5  50.0%  50.0%        5  50.0% bar (0000000000003000)\n"
                        "       5  50.0% 100.0%        8  80.0% foo (0000000000002000)\n"
                        "       0   0.0% 100.0%       10 100.0% main (0000000000001000)\n");
    fixture_end(&f);
}

static void shares_are_of_what_is_shown(void **state)
{
    (void)state;
    struct fixture f;
    make_demo(&f);
    struct error err = {0};
    struct regex *ignore = regex_new("--ignore", span_of("^bar$"), &err);
    fixture_view(&f, &(struct view_options){.ignore = ignore});
    assert_string_equal(run(&f, "text", (struct report_options){0}),
                        "Total: 10 samples\n"
                        "       5 100.0% 100.0%        5 100.0% foo\n"
                        "       0   0.0% 100.0%        5 100.0% main\n");
    regex_free(ignore);
    fixture_end(&f);
}

static void differences_keep_their_signs(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_HEAP);
    SAMPLE(&f, -1048576, 0x2000, 0x1000);
    SAMPLE(&f, 3, 0x3000, 0x1000);
    SAMPLE(&f, -7, 0x4000, 0x1000);
    SAMPLE(&f, 0, 0x5000);
    fixture_seal(&f);
    fixture_carried(&f, 0x1000, "main");
    fixture_carried(&f, 0x2000, "foo");
    fixture_carried(&f, 0x3000, "bar");
    fixture_carried(&f, 0x4000, "baz");
    fixture_carried(&f, 0x5000, "nothing");
    fixture_view(&f, &(struct view_options){.show_bytes = true});
    assert_string_equal(run(&f, "text", (struct report_options){0}),
                        "Total: -1048580 B\n"
                        "       3  -0.0%  -0.0%        3  -0.0% bar\n"
                        "       0  -0.0%  -0.0% -1048580 100.0% main\n"
                        "      -7   0.0%   0.0%       -7   0.0% baz\n"
                        "-1048576 100.0% 100.0% -1048576 100.0% foo\n");
    fixture_end(&f);
}

static void nothing_prints_nothing(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_HEAP);
    SAMPLE(&f, 0, 0x2000, 0x1000);
    fixture_seal(&f);
    fixture_view(&f, NULL);
    assert_string_equal(run(&f, "text", (struct report_options){0}), "");
    fixture_end(&f);

    /* A total of 0 with rows has no shares. */
    fixture_begin(&f, PROFILE_CPU);
    SAMPLE(&f, 4, 0x1000);
    SAMPLE(&f, -4, 0x2000);
    fixture_seal(&f);
    fixture_name(&f, 0x1000, "up");
    fixture_name(&f, 0x2000, "down ");
    fixture_view(&f, NULL);
    assert_string_equal(run(&f, "text", (struct report_options){0}),
                        "       4   +inf   +inf        4   +inf up\n"
                        "      -4   -inf    nan       -4   -inf down \n");
    fixture_end(&f);
}

/* ---- --stacks -----------------------------------------------------------------------------------
 */

static void stacks_come_before_the_table(void **state)
{
    (void)state;
    struct fixture f;
    make_demo(&f);
    assert_string_equal(run(&f, "text", (struct report_options){.stacks = true, .cum = true}),
                        "Total: 10 samples\n"
                        "Stacks:\n"
                        "\n"
                        "5        (0000000000002000) ??:0:foo\n"
                        "         (0000000000001000) ??:0:main\n"
                        "\n"
                        "2        (0000000000003000) ??:0:bar\n"
                        "         (0000000000001000) ??:0:main\n"
                        "\n"
                        "3        (0000000000003000) ??:0:bar\n"
                        "         (0000000000002000) ??:0:foo\n"
                        "         (0000000000001000) ??:0:main\n"
                        "\n"
                        "       0   0.0%   0.0%       10 100.0% main\n"
                        "       5  50.0%  50.0%        8  80.0% foo\n"
                        "       5  50.0% 100.0%        5  50.0% bar\n");
    fixture_end(&f);
}

static void stacks_have_places_and_strangers(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_CONTENTION);
    fixture_sample(&f, 3, NULL, (const uint64_t[]){0});
    SAMPLE(&f, 1503000000.75, 0x1000, 0x2000, 0xffffffffffffffff);
    fixture_seal(&f);
    fixture_frame(&f, 0x1000,
                  (struct frame_text){.name = "in", .file = "a.c", .line = 1, .is_inlined = true});
    fixture_frame(&f, 0x1000,
                  (struct frame_text){.name = "out", .full = "out(int)", .file = "a.c", .line = 9});
    fixture_view(&f, NULL);
    assert_string_equal(run(&f, "text", (struct report_options){.stacks = true}),
                        "Total: 1.503 seconds\n"
                        "Stacks:\n"
                        "\n"
                        "3        \n"
                        "\n"
                        "1503000000 (0000000000001000) a.c:9:out\n"
                        "         (0000000000002000) ??:0:unknown\n"
                        "         (ffffffffffffffff) ??:0:unknown\n"
                        "\n"
                        "   1.503 100.0% 100.0%    1.503 100.0% in (inline)\n"
                        "   0.000   0.0% 100.0%    1.503 100.0% 0000000000002000\n"
                        "   0.000   0.0% 100.0%    1.503 100.0% out\n");
    fixture_end(&f);
}

static void add_record(struct fixture *f, uint32_t digits, const uint64_t *pcs, uint32_t depth,
                       double objects, double bytes)
{
    const double values[4] = {objects, bytes, objects * 2, bytes * 2};
    const stack_ix stack = builder_stack(f->builder, pcs, depth);
    builder_record(f->builder, stack, digits, values);
    builder_add(f->builder, stack, 0, values);
}

static void heaps_tell_their_leaks(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_HEAP);
    add_record(&f, 12, (const uint64_t[]){0x3000, 0x1000}, 2, 1, 3);
    add_record(&f, 16, (const uint64_t[]){0x4000, 0x2000, 0x1000}, 3, 1.15651764274967, 1212696.64);
    add_record(&f, 4, (const uint64_t[]){0x5000}, 1, 2, 3);
    fixture_seal(&f);
    fixture_frame(&f, 0x1000, (struct frame_text){.name = "main", .file = "m.c", .line = 5});
    fixture_carried(&f, 0x2000, "foo");
    fixture_name(&f, 0x4000, "malloc");
    fixture_view(&f, &(struct view_options){.show_bytes = true});
    const char *text = run(&f, "text", (struct report_options){.stacks = true});
    const char *leaks = strstr(text, "Leak of");
    assert_non_null(leaks);
    assert_memory_equal(leaks - 2, "\n\n", 2);
    assert_string_equal(leaks,
                        "Leak of 1212696.64 bytes in 1.15651764274967 objects allocated from:\n"
                        "\t@ 0000000000004000 malloc ??:0\n"
                        "\t@ 0000000000002000 foo ?\n"
                        "\t@ 0000000000001000 main m.c:5\n"
                        "Leak of 3 bytes in 1 objects allocated from:\n"
                        "\t@ 000000003000 unknown\n"
                        "\t@ 0000000000001000 main m.c:5\n"
                        "Leak of 3 bytes in 2 objects allocated from:\n"
                        "\t@ 5000 unknown\n"
                        "\n"
                        " 1212696 100.0% 100.0%  1212696 100.0% foo\n"
                        "       3   0.0% 100.0%        3   0.0% 0000000000003000\n"
                        "       3   0.0% 100.0%        3   0.0% 0000000000005000\n"
                        "       0   0.0% 100.0%  1212699 100.0% main\n");
    /* the allocator is gone from the stacks, not from the leaks */
    assert_null(strstr(text, "malloc\n"));

    text = run(&f, "text", (struct report_options){.stacks = true, .debug = true});
    assert_non_null(strstr(text, "\n1.15651764274967 1212696.64 2.31303528549934 2425393.28 "
                                 "0x0000000000004000 0000000000002000 0000000000001000\nLeak of "));
    assert_non_null(strstr(text, "\n2 3 4 6 0x5000\nLeak of 3 bytes"));
    fixture_end(&f);
}

static void symbolized_heaps_spell_callers_as_leaves(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_GROWTH);
    builder_symbolized(f.builder);
    add_record(&f, 4, (const uint64_t[]){0x2000, 0x1000, 0x100}, 3, 1, 20);
    add_record(&f, 8, (const uint64_t[]){0x2000, 0x100}, 2, 1, 10);
    fixture_seal(&f);
    fixture_carried(&f, 0x1000, "main");
    fixture_view(&f, NULL);
    const char *text = run(&f, "text", (struct report_options){.stacks = true, .debug = true});
    assert_non_null(strstr(text, "1 20 2 40 0x2000 0x1000 0x100\n"
                                 "Leak of 20 bytes in 1 objects allocated from:\n"
                                 "\t@ 2000 unknown\n"
                                 "\t@ 1000 main ?\n"
                                 "\t@ 100 unknown\n"
                                 "1 10 2 20 0x00002000 0x00000100\n"
                                 "Leak of 10 bytes in 1 objects allocated from:\n"
                                 "\t@ 00002000 unknown\n"
                                 "\t@ 00000100 unknown\n"
                                 "\n"));
    fixture_end(&f);
}

static void hostile_records_do_no_harm(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_HEAP);
    builder_symbolized(f.builder);
    add_record(&f, 0, NULL, 0, 1e119, -1e119);
    add_record(&f, UINT32_MAX, (const uint64_t[]){0x1, UINT64_MAX}, 2, 1, 1e119);
    add_record(&f, 17, (const uint64_t[]){UINT64_MAX}, 1, -1, -1);
    fixture_seal(&f);
    fixture_view(&f, NULL);
    const char *text = run(&f, "text", (struct report_options){.stacks = true, .debug = true});
    assert_non_null(strstr(text, "\t@ 0000000000000001 unknown\n\t@ ffffffffffffffff unknown\n"));
    assert_non_null(strstr(text, "Leak of -1e+119 bytes in 1e+119 objects allocated from:\n\n"));
    fixture_end(&f);
}

/* ---- collapsed ----------------------------------------------------------------------------------
 */

static void collapsed_names_every_frame(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_OTHER);
    SAMPLE(&f, 3.9, 0x3000, 0x2000, 0x1000);
    SAMPLE(&f, -2, 0x4000, 0xffffffff80000000, 0x5000, 0x6000);
    SAMPLE(&f, 1, 0x2000, 0x1000);
    SAMPLE(&f, 7, 0x2001, 0x1000);
    fixture_sample(&f, 4, NULL, (const uint64_t[]){0});
    fixture_seal(&f);
    fixture_frame(&f, 0x1000,
                  (struct frame_text){.name = "main", .full = "main(int)", .entry = 0x1000});
    for (uint64_t pc = 0x2000; pc <= 0x2001; pc++)
        fixture_frame(&f, pc, (struct frame_text){.name = "foo", .full = "foo<int>(int)"});
    fixture_frame(&f, 0x3000,
                  (struct frame_text){.name = "inner", .full = "inner()", .is_inlined = true});
    fixture_frame(&f, 0x3000,
                  (struct frame_text){.name = "mid", .full = "ns::mid()", .is_inlined = true});
    fixture_frame(&f, 0x3000, (struct frame_text){.name = "outer", .full = "outer(int)"});
    fixture_state(&f, 0x5000, ADDRESS_BLANK);
    fixture_frame(&f, 0x6000, (struct frame_text){.name = "??", .file = "x.s", .line = 3});
    fixture_view(&f, NULL);
    assert_string_equal(
        run(&f, "collapsed",
            (struct report_options){.granularity = GRANULARITY_LINES, .show_addresses = true}),
        " 4\n"
        "main(int);foo<int>(int) 1\n"
        "main(int);foo<int>(int) 7\n"
        "main(int);foo<int>(int);outer(int);ns::mid()[inline];inner()[inline] 3\n"
        "x.s:3;??:0;ffffffff80000000;0000000000004000 -2\n");
    fixture_end(&f);
}

/* ---- the books ----------------------------------------------------------------------------------
 */

static bool adds_up(struct fixture *f, const char *name, struct tally *tally, const char *wanted)
{
    struct error err = {0};
    const bool is_right = tally_check(tally, &f->view, emitter_find(span_of(name)), NULL, &err);
    if (!is_right)
        assert_non_null(strstr(err.text, wanted));
    return is_right;
}

static void fill(struct fixture *f, const char *name, struct report_options options,
                 struct tally *tally)
{
    struct buf text = BUF_MAX(1 << 20);
    struct out *out = out_to_buf(&text);
    struct error err = {0};
    *tally = (struct tally){0};
    const struct report report = {.view = &f->view,
                                  .options = &options,
                                  .notes = &f->notes,
                                  .arena = f->arena,
                                  .tally = tally};
    assert_true(emitter_find(span_of(name))->emit(&report, out, &err));
    assert_true(out_close(out, &err));
    buf_free(&text);
}

static void lost_values_are_found(void **state)
{
    (void)state;
    static const char *const names[] = {"text", "collapsed", "callgrind", "dot",   "raw",
                                        "top",  "tree",      "traces",    "proto", "svg"};
    struct fixture f;
    make_demo(&f);
    const struct report_options options = {.max_rows = 1, .trim = {.max_nodes = 2}};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct tally tally;
        fill(&f, names[i], options, &tally);
        assert_true(tally.columns);
        assert_true(adds_up(&f, names[i], &tally, ""));
        tally.sums[TALLY_ROWS][0] -= 1;
        assert_false(adds_up(&f, names[i], &tally, "does not add up"));
        tally.sums[TALLY_TRIMMED][0] += 1;
        assert_true(adds_up(&f, names[i], &tally, ""));
        f.view.stack_value[0] += 1; /* the view has more than the profile */
        assert_false(adds_up(&f, names[i], &tally, "stacks do not add up"));
        fill(&f, names[i], options, &tally);
        f.view.stack_value[0] -= 1;
        if (strcmp(names[i], "proto") != 0) /* which adds up samples by itself */
            assert_false(adds_up(&f, names[i], &tally, "does not add up"));
        f.view.total += 1;
        assert_false(adds_up(&f, names[i], &tally, "stacks do not add up"));
        f.view.total -= 1;
    }
    /* Who shows no values has nothing to add up. */
    struct tally none = {0};
    assert_true(adds_up(&f, "symbols", &none, ""));
    assert_false(adds_up(&f, "text", &none, "total 10 = 0 in rows"));
    fixture_end(&f);
}

/* ---- symbols ------------------------------------------------------------------------------------
 */

static void addresses_are_answered_in_order(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_ADDRESSES);
    const uint64_t pcs[] = {0x3000, 0x1000, 0x3000, 0x2000, 0x4000, 0x5000, UINT64_MAX, 0};
    fixture_sample(&f, 1, NULL, pcs);
    fixture_seal(&f);
    fixture_frame(&f, 0x1000, (struct frame_text){.name = "in", .is_inlined = true});
    fixture_frame(&f, 0x1000,
                  (struct frame_text){.name = "out", .full = "out(int)", .entry = 0x900});
    fixture_frame(&f, 0x3000,
                  (struct frame_text){.name = "out", .full = "out(char)", .entry = 0x800});
    fixture_state(&f, 0x4000, ADDRESS_BLANK);
    fixture_name(&f, 0x5000, "0x0000000000005000");
    fixture_state(&f, 0x5000, ADDRESS_HEX);
    struct error err = {0};
    struct regex *nothing = regex_new("--focus", span_of("nothing"), &err);
    fixture_view(&f, &(struct view_options){.focus = nothing});
    assert_string_equal(run(&f, "symbols", (struct report_options){0}),
                        "out\nout\nout\n??\n??\n0x0000000000005000\n??\n");
    regex_free(nothing);
    fixture_end(&f);
}

static void no_addresses_no_answers(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_ADDRESSES);
    fixture_seal(&f);
    fixture_view(&f, NULL);
    assert_string_equal(run(&f, "symbols", (struct report_options){0}), "");
    fixture_end(&f);
    const struct emitter *symbols = emitter_find(span_of("symbols"));
    assert_string_equal(symbols->reader, "addresses");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_output_has_its_row),
        cmocka_unit_test(the_table),
        cmocka_unit_test(shares_are_of_what_is_shown),
        cmocka_unit_test(differences_keep_their_signs),
        cmocka_unit_test(nothing_prints_nothing),
        cmocka_unit_test(stacks_come_before_the_table),
        cmocka_unit_test(stacks_have_places_and_strangers),
        cmocka_unit_test(heaps_tell_their_leaks),
        cmocka_unit_test(symbolized_heaps_spell_callers_as_leaves),
        cmocka_unit_test(hostile_records_do_no_harm),
        cmocka_unit_test(collapsed_names_every_frame),
        cmocka_unit_test(lost_values_are_found),
        cmocka_unit_test(addresses_are_answered_in_order),
        cmocka_unit_test(no_addresses_no_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
