/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What settings mean together: defaults, contradictions in the order and the words of the Perl
 * tool, and which output and granularity come out. */
#include "analysis/analysis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct said {
    struct arena *arena;
    struct options options;
    struct settings settings;
};

static void start(struct said *said)
{
    said->arena = arena_new();
    said->options = options_all(said->arena);
    settings_init(&said->settings);
}

static void finish(struct said *said)
{
    settings_free(&said->settings);
    arena_free(said->arena);
}

static void say(struct said *said, const char *const *words)
{
    const char *rest[16];
    uint32_t n = 0, n_rest;
    struct buf complaints = BUF_MAX(4096);
    while (words[n])
        n++;
    start(said);
    if (!options_parse(&said->options, words, n, &said->settings, rest, &n_rest, &complaints))
        fail_msg("%s", buf_c(&complaints));
    buf_free(&complaints);
}

#define SAY(...) say(&said, (const char *const[]){__VA_ARGS__, NULL})

static const char *reason(const struct said *said, struct error *err)
{
    *err = (struct error){0};
    return settings_check(&said->settings, err) ? "" : err->text;
}

#define CHECK(says, ...)                                                                           \
    do {                                                                                           \
        struct said said;                                                                          \
        struct error err;                                                                          \
        SAY(__VA_ARGS__);                                                                          \
        assert_string_equal(reason(&said, &err), says);                                            \
        finish(&said);                                                                             \
    } while (0)

static void defaults(void **state)
{
    (void)state;
    struct settings s;
    settings_init(&s);
    assert_int_equal(s.seconds, 30);
    assert_int_equal(s.nodecount, 80);
    assert_true(s.trim && !s.has_nodecount);
    assert_int_equal(s.maxdegree, 8);
    assert_true(s.nodefraction == 0.005 && s.edgefraction == 0.001);
    assert_string_equal(settings_emitter(&s)->name, "text");
    bool is_set = true;
    assert_int_equal(settings_grain(&s, settings_emitter(&s), &is_set), GRANULARITY_FUNCTIONS);
    assert_false(is_set);
    settings_free(&s);
}

static void contradictions(void **state)
{
    (void)state;
    static const char heap[] = "Specify at most on of --inuse/--alloc options";
    static const char grain[] = "Only specify one output granularity option";
    static const char mode[] = "Only specify one output mode";
    CHECK(heap, "--inuse_space", "--alloc_space");
    CHECK(heap, "--inuse_objects", "--alloc_objects");
    CHECK("", "--inuse_objects", "--alloc_objects", "--noinuse_objects");
    CHECK(grain, "--lines", "--files");
    CHECK("", "--lines", "--lines");
    CHECK(mode, "--text", "--collapsed");
    CHECK("", "--text", "--collapsed", "--notext");
    /* The first of them is told. */
    CHECK(heap, "--text", "--collapsed", "--lines", "--files", "--inuse_space", "--alloc_space");
    CHECK(grain, "--text", "--collapsed", "--lines", "--files");
    /* Of the contention options no one is too many, nor is --stacks an output of its own. */
    CHECK("", "--total_delay", "--contentions", "--mean_delay");
    CHECK("", "--text", "--stacks");
    CHECK("--threads is a number from 0 to 1024", "--threads=-1");
    CHECK("--reader=nonsense: no such format", "--reader=nonsense");
    CHECK("", "--reader=cpu");
    CHECK(grain, "--lines", "--granularity=files");
    CHECK("", "--granularity=dso");
    CHECK("--granularity=houses: no such granularity", "--granularity=houses");
    CHECK("--unit=stone: no such unit", "--unit=stone");
    CHECK("", "--unit=minimum", "--thread=*");
    CHECK("--thread=one: neither a number nor *", "--thread=one");
    CHECK("Specify at most one of --base and --diff_base", "--base=a", "--diff_base=b");
}

static void outputs_with_their_own_granularity(void **state)
{
    (void)state;
    struct said said;
    struct error err;
    SAY("--proto", "--lines", "--files");
    assert_string_equal(reason(&said, &err), "");
    bool is_set = true;
    const struct emitter *emitter = settings_emitter(&said.settings);
    assert_string_equal(emitter->name, "proto");
    assert_int_equal(settings_grain(&said.settings, emitter, &is_set), GRANULARITY_ADDRESSES);
    assert_false(is_set);
    finish(&said);

    SAY("--collapsed", "--lines");
    emitter = settings_emitter(&said.settings);
    assert_string_equal(emitter->name, "collapsed");
    assert_int_equal(settings_grain(&said.settings, emitter, &is_set), GRANULARITY_LINES);
    assert_true(is_set);
    finish(&said);
}

static void a_copy_is_its_own(void **state)
{
    (void)state;
    struct said said;
    SAY("--focus=a", "--ignore=b", "--base=c", "--lib_prefix=d", "--add_lib=e", "-o", "f", "-o=g",
        "--nodecount=7", "--lines");
    struct settings copy;
    settings_copy(&copy, &said.settings);
    finish(&said);
    assert_string_equal(copy.focus, "a");
    assert_string_equal(copy.ignore, "b");
    assert_string_equal(copy.base, "c");
    assert_string_equal(copy.lib_prefix, "d");
    assert_string_equal(copy.add_lib, "e");
    assert_null(copy.tools);
    assert_int_equal(copy.output.n, 2);
    assert_string_equal(copy.output.list[0], "f");
    assert_string_equal(copy.output.list[1], "g");
    assert_null(copy.output.list[2]);
    assert_int_equal(copy.nodecount, 7);
    assert_true(copy.grains == (uint64_t)1 << GRANULARITY_LINES);
    settings_free(&copy);
}

static void change(struct said *said, const char *name, const char *value, const char *complaint)
{
    struct error err = {0};
    const bool is_fine =
        options_change(&said->options, span_of(name), span_of(value), &said->settings, &err);
    assert_string_equal(is_fine ? "" : err.text, complaint);
}

static void expect_shown(const struct said *said, const char *name, const char *expected)
{
    struct option_use use;
    struct buf text = BUF_MAX(1000);
    assert_true(options_find(&said->options, span_of(name), &use, &text));
    option_value(use.option, &said->settings, &text);
    assert_string_equal(buf_c(&text), expected);
    buf_free(&text);
}

static void a_new_choice_replaces_the_old_one(void **state)
{
    (void)state;
    struct said said;
    SAY("--inuse_objects", "--lines", "--mean_delay", "--show_bytes");
    change(&said, "alloc_space", NULL, "");
    expect_shown(&said, "inuse_objects", "off");
    expect_shown(&said, "alloc_space", "on");
    expect_shown(&said, "mean_delay", "on");
    expect_shown(&said, "show_bytes", "on");
    change(&said, "files", "1", "");
    expect_shown(&said, "lines", "off");
    expect_shown(&said, "files", "on");
    change(&said, "nofiles", NULL, "");
    expect_shown(&said, "files", "off");
    change(&said, "alloc_space", "0", "");
    expect_shown(&said, "alloc_space", "off");
    /* Also between what is said by a flag and what is said by name. */
    change(&said, "lines", NULL, "");
    change(&said, "granularity", "files", "");
    expect_shown(&said, "lines", "off");
    change(&said, "addresses", NULL, "");
    expect_shown(&said, "granularity", "");
    change(&said, "inuse_space", NULL, "");
    change(&said, "sample_index", "1", "");
    expect_shown(&said, "inuse_space", "off");
    expect_shown(&said, "mean_delay", "off");
    change(&said, "base", "a", "");
    change(&said, "diff_base", "b", "");
    expect_shown(&said, "base", "");
    expect_shown(&said, "diff_base", "b");
    finish(&said);
}

static void what_is_set_can_be_shown_and_taken_back(void **state)
{
    (void)state;
    struct said said;
    start(&said);
    expect_shown(&said, "nodecount", "80");
    expect_shown(&said, "nodefraction", "0.005");
    expect_shown(&said, "focus", "");
    change(&said, "nodec", "40", "");
    change(&said, "nodefraction", ".25", "");
    change(&said, "focus", "main|foo", "");
    expect_shown(&said, "nodecount", "40");
    expect_shown(&said, "nodefraction", "0.25");
    expect_shown(&said, "focus", "main|foo");
    change(&said, "nodecount", "many",
           "Value \"many\" invalid for option nodecount (number expected)");
    change(&said, "nodecount", NULL, "Option nodecount requires an argument");
    expect_shown(&said, "nodecount", "40");
    change(&said, "nodecount", "", "");
    change(&said, "nodefraction", "", "");
    change(&said, "focus", "", "");
    expect_shown(&said, "nodecount", "80");
    expect_shown(&said, "nodefraction", "0.005");
    expect_shown(&said, "focus", "");
    change(&said, "bogus", "1", "Unknown option: bogus");
    change(&said, "text", NULL, "Option text cannot be changed here");
    change(&said, "threads", "2", "Option threads cannot be changed here");
    finish(&said);
}

static void outputs_of_a_door_count(void **state)
{
    (void)state;
    static const struct option more[] = {
        {.name = "gv", .kind = OPTION_MODE, .at = 0, .group = "Output", .help = "a viewer"},
        {.name = "gw", .kind = OPTION_MODE, .at = 1, .group = "Output", .help = "a viewer"},
    };
    struct said said;
    struct error err = {0};
    start(&said);
    said.options = options_with(said.arena, more, 2);
    assert_true(options_set(&said.options, span_of("lines"), span_of(NULL), &said.settings, &err));
    static const char *const words[] = {"--gv", "--gw", "--nogv", "--text"};
    static const char *const says[] = {"", "Only specify one output mode", "",
                                       "Only specify one output mode"};
    for (uint32_t i = 0; i < 4; i++) {
        const char *rest[4];
        uint32_t n_rest;
        struct buf complaints = BUF_MAX(4096);
        assert_true(
            options_parse(&said.options, words + i, 1, &said.settings, rest, &n_rest, &complaints));
        assert_string_equal(reason(&said, &err), says[i]);
        buf_free(&complaints);
    }
    assert_true(said.settings.modes == 2);
    finish(&said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(contradictions),
        cmocka_unit_test(outputs_with_their_own_granularity),
        cmocka_unit_test(a_copy_is_its_own),
        cmocka_unit_test(a_new_choice_replaces_the_old_one),
        cmocka_unit_test(what_is_set_can_be_shown_and_taken_back),
        cmocka_unit_test(outputs_of_a_door_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
