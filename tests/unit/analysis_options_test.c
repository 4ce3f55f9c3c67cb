/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How options are spelled. The table here has all the names of the Perl tool, built into this cprof
 * or not, and messages are those that Perl 5.36 gave for the same words. */
#include "analysis/analysis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define AT(field) offsetof(struct settings, field)

enum { OUT_TEXT, OUT_CALLGRIND, OUT_DOT, OUT_LIST, OUT_SVG, OUT_SYMBOLS, OUT_COLLAPSED, OUT_NEW };

#define FLAG(n, f)                                                                                 \
    {                                                                                              \
        .name = n, .kind = OPTION_FLAG, .at = AT(f), .is_classic = true, .doors = 3                \
    }
#define VALUE(n, k, f)                                                                             \
    {                                                                                              \
        .name = n, .kind = k, .at = AT(f), .arg = "x", .is_classic = true, .doors = 3              \
    }
#define OUTPUT(n, i)                                                                               \
    {                                                                                              \
        .name = n, .kind = OPTION_OUTPUT, .at = i, .is_classic = true, .doors = 3                  \
    }
#define GRAIN(n, i)                                                                                \
    {                                                                                              \
        .name = n, .kind = OPTION_GRAIN, .at = i, .is_classic = true, .doors = 3                   \
    }

static const struct option rows[] = {
    {.name = "help",
     .also = "h",
     .kind = OPTION_FLAG,
     .at = AT(help),
     .is_classic = true,
     .doors = 1},
    FLAG("version", version),
    FLAG("test", test),
    FLAG("debug", debug),
    VALUE("test_stride", OPTION_WHOLE, test_stride),
    FLAG("cum", cum),
    VALUE("base", OPTION_TEXT, base),
    VALUE("seconds", OPTION_WHOLE, seconds),
    VALUE("add_lib", OPTION_TEXT, add_lib),
    VALUE("lib_prefix", OPTION_TEXT, lib_prefix),
    FLAG("no_strip_temp", no_strip_temp),
    GRAIN("functions", GRANULARITY_FUNCTIONS),
    GRAIN("lines", GRANULARITY_LINES),
    GRAIN("addresses", GRANULARITY_ADDRESSES),
    GRAIN("files", GRANULARITY_FILES),
    OUTPUT("text", OUT_TEXT),
    FLAG("stacks", stacks),
    OUTPUT("callgrind", OUT_CALLGRIND),
    OUTPUT("dot", OUT_DOT),
    OUTPUT("svg", OUT_SVG),
    OUTPUT("symbols", OUT_SYMBOLS),
    OUTPUT("collapsed", OUT_COLLAPSED),
    {.name = "list",
     .kind = OPTION_OUTPUT,
     .at = OUT_LIST,
     .arg = "regex",
     .is_classic = true,
     .doors = 3},
    FLAG("inuse_space", inuse_space),
    FLAG("inuse_objects", inuse_objects),
    FLAG("alloc_space", alloc_space),
    FLAG("alloc_objects", alloc_objects),
    FLAG("show_bytes", show_bytes),
    FLAG("drop_negative", drop_negative),
    FLAG("total_delay", total_delay),
    FLAG("contentions", contentions),
    FLAG("mean_delay", mean_delay),
    VALUE("nodecount", OPTION_WHOLE, nodecount),
    VALUE("nodefraction", OPTION_REAL, nodefraction),
    VALUE("edgefraction", OPTION_REAL, edgefraction),
    VALUE("maxdegree", OPTION_WHOLE, maxdegree),
    VALUE("focus", OPTION_TEXT, focus),
    VALUE("ignore", OPTION_TEXT, ignore),
    VALUE("scale", OPTION_WHOLE, scale),
    {.name = "heapcheck", .kind = OPTION_ON, .at = AT(heapcheck), .is_classic = true, .doors = 3},
    FLAG("no-auto-signal-frm", no_auto_signal_frm),
    FLAG("show_addresses", show_addresses),
    VALUE("tools", OPTION_TEXT, tools),
    /* ours */
    {.name = "threads", .kind = OPTION_WHOLE, .at = AT(threads), .arg = "n", .doors = 3},
    {.name = "reader", .kind = OPTION_TEXT, .at = AT(reader), .arg = "f", .doors = 3},
    {.name = "focused", .kind = OPTION_OUTPUT, .at = OUT_NEW, .doors = 3},
    {.name = "zap", .kind = OPTION_OUTPUT, .at = OUT_NEW, .doors = 3},
};
static const struct options table = {.rows = rows, .n = COUNT_OF(rows)};

#define WORDS_MAX 8

struct run {
    struct settings settings;
    const char *rest[WORDS_MAX];
    uint32_t n_rest;
    struct buf complaints;
    bool is_fine;
};

static void parse(struct run *run, const char *const *words)
{
    uint32_t n = 0;
    while (words[n])
        n++;
    assert_true(n <= WORDS_MAX);
    *run = (struct run){.complaints = BUF_MAX(1 << 16)};
    settings_init(&run->settings);
    run->is_fine =
        options_parse(&table, words, n, &run->settings, run->rest, &run->n_rest, &run->complaints);
    assert_int_equal(run->is_fine, run->complaints.n == 0);
}

static void done(struct run *run)
{
    settings_free(&run->settings);
    buf_free(&run->complaints);
}

#define PARSE(...) parse(&run, (const char *const[]){__VA_ARGS__, NULL})

/* The words are wrong, and this is what is said of them. */
#define WRONG(says, ...)                                                                           \
    do {                                                                                           \
        struct run run;                                                                            \
        PARSE(__VA_ARGS__);                                                                        \
        assert_string_equal(buf_c(&run.complaints), says);                                         \
        done(&run);                                                                                \
    } while (0)

#define RIGHT(condition, ...)                                                                      \
    do {                                                                                           \
        struct run run;                                                                            \
        PARSE(__VA_ARGS__);                                                                        \
        assert_string_equal(buf_c(&run.complaints), "");                                           \
        const struct settings *s = &run.settings;                                                  \
        assert_true(condition);                                                                    \
        done(&run);                                                                                \
    } while (0)

static void dashes_and_case(void **state)
{
    (void)state;
    RIGHT(s->cum, "--cum");
    RIGHT(s->cum, "-cum");
    RIGHT(s->cum, "+cum");
    RIGHT(s->cum, "--CuM");
    RIGHT(s->help, "-h");
    RIGHT(s->help, "--H");
    RIGHT(s->outputs == 1u << OUT_TEXT, "+text");
    RIGHT(s->nodecount == 5, "--NodeCount=5");
    WRONG("Unknown option: -text\n", "---text");
    WRONG("Unknown option: =x\n", "--=x");
    WRONG("Missing option after +\n", "+");
}

static void arguments_stand_anywhere(void **state)
{
    (void)state;
    struct run run;
    PARSE("a", "--cum", "-", "--focus", "f", "b", "--", "--cum");
    assert_true(run.is_fine);
    assert_int_equal(run.n_rest, 4);
    assert_string_equal(run.rest[0], "a");
    assert_string_equal(run.rest[1], "-");
    assert_string_equal(run.rest[2], "b");
    assert_string_equal(run.rest[3], "--cum");
    assert_string_equal(run.settings.focus, "f");
    done(&run);

    PARSE("--", "-", "--");
    assert_int_equal(run.n_rest, 2);
    assert_string_equal(run.rest[1], "--");
    done(&run);
    PARSE("", "x");
    assert_true(run.is_fine);
    assert_int_equal(run.n_rest, 2);
    done(&run);
}

static void beginnings(void **state)
{
    (void)state;
    RIGHT(s->inuse_objects, "--inuse_o");
    RIGHT(s->version, "--v");
    RIGHT(s->outputs == 1u << OUT_TEXT, "--tex");
    RIGHT(s->edgefraction == 1e-10, "--edge=1e-10");
    WRONG("Option alloc is ambiguous (alloc_objects, alloc_space)\n", "--alloc");
    WRONG("Option ALLOC is ambiguous (alloc_objects, alloc_space)\n", "--ALLOC");
    WRONG("Option f is ambiguous (files, focus, functions)\n", "--f");
    WRONG("Option he is ambiguous (heapcheck, help)\n", "--he");
    WRONG("Option t is ambiguous (test, test_stride, text, tools, total_delay)\n", "-t");
    WRONG("Option show is ambiguous (show_addresses, show_bytes)\n", "--show");
    WRONG("Option li is ambiguous (lib_prefix, lines, list)\n", "--li");
    WRONG("Unknown option: tex-\n", "--tex-");
    WRONG("Unknown option: bogus\n", "--BOGUS");
    WRONG("Unknown option: foo\n", "--foo=bar");
    WRONG("Unknown option: ?\n", "-?");
    /* An exact name wins over longer ones. */
    RIGHT(s->test && s->test_stride == 0, "--test");
}

static void ours_give_way_to_classic_names(void **state)
{
    (void)state;
    /* "th" and "r" begin only names of ours, "foc" one of each. */
    RIGHT(s->threads == 3, "--th=3");
    RIGHT(s->reader && s->reader[0] == 'x', "--r=x");
    RIGHT(s->focus && s->focus[0] == 'x' && !s->outputs, "--foc=x");
    RIGHT(!s->focus && s->outputs == 1u << OUT_NEW, "--focused");
    RIGHT(s->outputs == 0, "--zap", "--noz");
}

static void negations(void **state)
{
    (void)state;
    RIGHT(!s->cum, "--cum", "--nocum");
    RIGHT(!s->cum, "--cum", "--no-cum");
    RIGHT(s->cum, "--nocum", "--cum");
    RIGHT(s->outputs == 0, "--text", "--notex");
    RIGHT(s->outputs == 0, "--text", "--no-tex");
    RIGHT(s->grains == 1u << GRANULARITY_FILES, "--lines", "--files", "--nolines");
    RIGHT(s->no_auto_signal_frm, "--no-auto-signal-frm");
    RIGHT(!s->no_auto_signal_frm, "--no-auto-signal-frm", "--nono-auto-signal-frm");
    RIGHT(!s->no_auto_signal_frm, "--no-auto-signal-frm", "--no-no-auto-signal-frm");
    RIGHT(s->no_strip_temp, "--no_strip");
    RIGHT(!s->no_strip_temp, "--no_strip_temp", "--nono_st");
    WRONG("Unknown option: auto-signal-frm\n", "--auto-signal-frm");
    WRONG("Unknown option: noheapcheck\n", "--noheapcheck");
    WRONG("Unknown option: no-ignore\n", "--no-ignore=x");
    WRONG("Unknown option: nolist\n", "--nolist");
    WRONG("Option nono is ambiguous (nono-auto-signal-frm, nono_strip_temp)\n", "--nono");
    WRONG("Option no-a is ambiguous (no-addresses, no-alloc_objects, no-alloc_space, "
          "no-auto-signal-frm)\n",
          "--no-a");
    WRONG("Option nos is ambiguous (noshow_addresses, noshow_bytes, nostacks, nosvg, nosymbols)\n",
          "--nos");
    WRONG("Option nod is ambiguous (nodebug, nodecount, nodefraction, nodot, nodrop_negative)\n",
          "--nod");
}

/* Those that the Perl tool did not have, as google/pprof's are said. */
static void switches_of_ours_may_have_values(void **state)
{
    (void)state;
    RIGHT(s->outputs == 1u << OUT_NEW, "--zap=true");
    RIGHT(s->outputs == 1u << OUT_NEW, "-za=1");
    RIGHT(s->outputs == 0, "--zap", "--zap=false");
    RIGHT(s->outputs == 0, "--zap", "--nozap=true");
    RIGHT(s->outputs == 1u << OUT_NEW, "--nozap=false");
    WRONG("Option zap does not take an argument\n", "--zap=maybe");
    WRONG("Option cum does not take an argument\n", "--cum=true");
}

static void values(void **state)
{
    (void)state;
    RIGHT(s->focus && strcmp(s->focus, "a=b") == 0, "--focus=a=b");
    RIGHT(s->focus && strcmp(s->focus, "--cum") == 0 && !s->cum, "--focus", "--cum");
    RIGHT(s->focus && strcmp(s->focus, "--") == 0 && s->cum, "--focus", "--", "--cum");
    RIGHT(s->focus && *s->focus == '\0', "--focus", "");
    RIGHT(s->focus && strcmp(s->focus, "b") == 0, "--focus=a", "--focus=b");
    RIGHT(s->nodecount == -5, "--nodecount", "-5");
    WRONG("Option focus requires an argument\n", "--focus=");
    WRONG("Option focus requires an argument\n", "--FOC=");
    WRONG("Option base requires an argument\n", "--base");
    WRONG("Option seconds requires an argument\n", "--SECO");
    WRONG("Option text does not take an argument\n", "--text=1");
    WRONG("Option text does not take an argument\n", "--TEX=");
    WRONG("Option notext does not take an argument\n", "--noTEX=1");
    WRONG("Option no-text does not take an argument\n", "--no-TEX=3");
    WRONG("Option heapcheck does not take an argument\n", "--heapcheck=1");
}

static void whole_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {
        {"0", 0},        {"+5", 5},    {"-5", -5},
        {"1_000", 1000}, {"1__0", 10}, {"_1", 1},
        {"1_", 1},       {"007", 7},   {"9223372036854775807", INT64_MAX},
    };
    for (size_t i = 0; i < COUNT_OF(good); i++)
        RIGHT(s->nodecount == good[i].value, "--nodecount", good[i].text);
    WRONG("Value \"5.5\" invalid for option seconds (number expected)\n", "--seconds=5.5");
    WRONG("Value \"x\" invalid for option nodecount (number expected)\n", "--nodeC=x");
    WRONG("Value \"0x10\" invalid for option nodecount (number expected)\n", "--nodecount=0x10");
    WRONG("Value \"-\" invalid for option nodecount (number expected)\n", "--nodecount", "-");
    WRONG("Value \"\" invalid for option nodecount (number expected)\n", "--nodecount", "");
    WRONG("Value \"_\" invalid for option nodecount (number expected)\n", "--nodecount", "_");
    WRONG("Value \"--text\" invalid for option seconds (number expected)\n", "--seconds", "--text");
    WRONG("Value \"9223372036854775808\" invalid for option nodecount (number expected)\n",
          "--nodecount=9223372036854775808");
}

static void real_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } good[] = {
        {"0", 0},        {".5", 0.5},     {"+.5e+3", 500},  {"1_0", 10},     {"1_.5", 1.5},
        {"1.5_5", 1.55}, {"1e5_0", 1e50}, {"1e-10", 1e-10}, {"-2.5E1", -25}, {"0.005", 0.005},
    };
    for (size_t i = 0; i < COUNT_OF(good); i++)
        RIGHT(s->nodefraction == good[i].value, "--nodefraction", good[i].text);
    static const char *const bad[] = {"5.",  ".",   "1.5.5", "1e",  "e5", "-1.e5", "abc",
                                      "1e+", "nan", "inf",   "0x1", " 1", "",      "_1.5"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct run run;
        char says[100];
        PARSE("--nodefraction", bad[i]);
        (void)snprintf(says, sizeof says,
                       "Value \"%s\" invalid for option nodefraction (real number expected)\n",
                       bad[i]);
        assert_string_equal(buf_c(&run.complaints), says);
        assert_true(run.settings.nodefraction == 0.005);
        done(&run);
    }
}

static void outputs_with_a_value(void **state)
{
    (void)state;
    RIGHT(s->outputs == 1u << OUT_LIST && strcmp(s->expression, "0") == 0, "--list=0");
    RIGHT(s->outputs == (1u << OUT_LIST | 1u << OUT_DOT), "--list", "x", "--dot");
    WRONG("Option list requires an argument\n", "--list");
}

static void all_errors_are_told(void **state)
{
    (void)state;
    struct run run;
    PARSE("--bogus", "--alloc", "--base=", "a", "--cum", "--text=1", "--nodecount=many");
    assert_string_equal(buf_c(&run.complaints),
                        "Unknown option: bogus\n"
                        "Option alloc is ambiguous (alloc_objects, alloc_space)\n"
                        "Option base requires an argument\n"
                        "Option text does not take an argument\n"
                        "Value \"many\" invalid for option nodecount (number expected)\n");
    assert_true(run.settings.cum);
    assert_int_equal(run.n_rest, 1);
    done(&run);
}

static void a_complaint_is_one_line(void **state)
{
    (void)state;
    WRONG("Unknown option: a?b?[m\n", "--a\nb\033[m");
    WRONG("Value \"?\" invalid for option nodecount (number expected)\n", "--nodecount=\n");
    char name[5000];
    memset(name, 'x', sizeof name - 1);
    name[0] = '-';
    name[sizeof name - 1] = '\0';
    struct run run;
    PARSE(name);
    assert_false(run.is_fine);
    assert_int_equal(run.complaints.n, strlen("Unknown option: ") + sizeof name - 2 + 1);
    done(&run);
}

static bool set(struct settings *settings, const char *name, const char *value, struct error *err)
{
    return options_set(&table, span_of(name), span_of(value), settings, err);
}

static void set_by_name(void **state)
{
    (void)state;
    struct settings s;
    struct error err;
    settings_init(&s);
    assert_true(set(&s, "nodecount", "4_0", &err) && s.nodecount == 40);
    assert_true(set(&s, "focus", "", &err) && *s.focus == '\0');
    assert_true(set(&s, "cum", NULL, &err) && s.cum);
    assert_true(set(&s, "cum", "off", &err) && !s.cum);
    assert_true(set(&s, "no-cum", "0", &err) && s.cum);
    assert_true(set(&s, "nocum", NULL, &err) && !s.cum);
    assert_true(set(&s, "TEXT", "1", &err) && s.outputs == 1u << OUT_TEXT);
    assert_true(set(&s, "list", "x", &err) && strcmp(s.expression, "x") == 0);

    assert_false(set(&s, "focus", NULL, &err));
    assert_string_equal(err.text, "Option focus requires an argument");
    assert_false(set(&s, "cum", "maybe", &err));
    assert_string_equal(err.text, "Option cum is either on or off");
    assert_false(set(&s, "heapcheck", "0", &err));
    assert_false(s.heapcheck);
    assert_false(set(&s, "help", NULL, &err));
    assert_string_equal(err.text, "Option help is for the command line");
    assert_false(set(&s, "", NULL, &err));
    assert_string_equal(err.text, "Unknown option: ");
    assert_false(set(&s, "alloc", NULL, &err));
    assert_string_equal(err.text, "Option alloc is ambiguous (alloc_objects, alloc_space)");
    settings_free(&s);
}

/* The table itself: what every door relies on. */
static void real_table(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const struct options all = options_all(arena);
    assert_true(all.n > 35);
    for (uint32_t i = 0; i < all.n; i++) {
        const struct option *option = &all.rows[i];
        assert_non_null(option->name);
        assert_non_null(option->help);
        assert_non_null(option->group);
        assert_true(option->doors & DOOR_CLI);
        const bool is_bare = option->kind == OPTION_FLAG || option->kind == OPTION_ON ||
                             option->kind == OPTION_GRAIN;
        if (option->kind != OPTION_OUTPUT)
            assert_int_equal(is_bare, option->arg == NULL);
        for (const char *p = option->name; *p; p++)
            assert_false(*p >= 'A' && *p <= 'Z');

        /* Its name finds it, and so does its negation, whatever else is there. */
        struct buf complaints = BUF_MAX(1 << 16);
        struct option_use use;
        assert_true(options_find(&all, span_of(option->name), &use, &complaints));
        assert_ptr_equal(use.option, option);
        assert_false(use.is_off);
        if (option_is_switch(option)) {
            char text[100];
            (void)snprintf(text, sizeof text, "no%s", option->name);
            assert_true(options_find(&all, span_of(text), &use, &complaints));
            assert_ptr_equal(use.option, option);
            assert_true(use.is_off);
        }
        buf_free(&complaints);
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dashes_and_case),
        cmocka_unit_test(arguments_stand_anywhere),
        cmocka_unit_test(beginnings),
        cmocka_unit_test(ours_give_way_to_classic_names),
        cmocka_unit_test(negations),
        cmocka_unit_test(switches_of_ours_may_have_values),
        cmocka_unit_test(values),
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(real_numbers),
        cmocka_unit_test(outputs_with_a_value),
        cmocka_unit_test(all_errors_are_told),
        cmocka_unit_test(a_complaint_is_one_line),
        cmocka_unit_test(set_by_name),
        cmocka_unit_test(real_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
