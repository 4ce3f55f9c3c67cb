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
}

static void outputs_with_their_own_granularity(void **state)
{
    (void)state;
    struct said said;
    struct error err;
    SAY("--symbols", "--lines", "--files");
    assert_string_equal(reason(&said, &err), "");
    bool is_set = true;
    const struct emitter *emitter = settings_emitter(&said.settings);
    assert_string_equal(emitter->name, "symbols");
    assert_string_equal(emitter->reader, "addresses");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(contradictions),
        cmocka_unit_test(outputs_with_their_own_granularity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
