/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What lines at the prompt ask for. Nothing is done, so no profile is needed. */
#include "cli/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct asked {
    struct arena *arena;
    struct command command;
};

static int set_up(void **state)
{
    struct asked *asked = base_alloc(1, sizeof *asked);
    asked->arena = arena_new();
    *state = asked;
    return 0;
}

static int tear_down(void **state)
{
    struct asked *asked = *state;
    arena_free(asked->arena);
    base_free(asked);
    return 0;
}

static const struct command *ask(struct asked *asked, const char *line)
{
    struct option modes[MODES_MAX];
    const uint32_t n = modes_list(modes);
    const struct options options = options_with(asked->arena, modes, n);
    asked->command = command_parse(&options, span_of(line), asked->arena);
    return &asked->command;
}

static void expect_text(const char *got, const char *wanted)
{
    if (wanted)
        assert_string_equal(got ? got : "(none)", wanted);
    else
        assert_null(got);
}

static void reports_by_name(void **state)
{
    static const struct {
        const char *line, *emitter;
        int64_t rows;
        const char *expression, *ignore;
    } rows[] = {
        {"top", "text", 10, NULL, NULL},
        {"top20", "text", 20, NULL, NULL},
        {"top 20", "text", 20, NULL, NULL},
        {"text", "text", 10, NULL, NULL},
        {"top0", "text", 1, NULL, NULL},
        {"  top1x", "text", 1, NULL, NULL},
        {"top -a -b", "text", 10, NULL, "a|b"},
        {"top99999999999999999999", "text", 10, NULL, NULL},
        {"top18446744073709551615", "text", INT64_MAX, NULL, NULL},
        {"collapsed", "collapsed", -1, NULL, NULL},
        {"collapsed main -foo bar", "collapsed", -1, "main|bar", "foo"},
        {"dot20 main", "dot", 20, "main", NULL},
        {"dot 20 main", "dot", 20, "main", NULL},
        {"list foo", "list", -1, "foo", NULL},
        {"listfoo", "list", -1, "foo", NULL},
        {"list foo|bar", "list", -1, "foo|bar", NULL},
        {"list foo bar -baz", "list", -1, "foo|bar", "baz"},
        {"list 20", "list", -1, "20", NULL},
        {"list operator>", "list", -1, "operator>", NULL},
        {"list -", "list", -1, "-", NULL},
        {"disasm foo", "disasm", -1, "foo", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct command *c = ask(*state, rows[i].line);
        assert_int_equal(c->kind, COMMAND_REPORT);
        assert_string_equal(c->emitter->name, rows[i].emitter);
        assert_true(c->rows == rows[i].rows);
        expect_text(c->expression, rows[i].expression);
        expect_text(c->ignore, rows[i].ignore);
        assert_null(c->file);
        assert_null(c->programs);
        assert_false(c->cum || c->has_grain);
    }
}

static void switches_of_one_command(void **state)
{
    const struct command *c = ask(*state, "top --cum -lines foo");
    assert_true(c->cum && c->has_grain);
    assert_int_equal(c->grain, GRANULARITY_LINES);
    expect_text(c->unused, "foo");
    c = ask(*state, "list foo -cum --files");
    assert_true(c->cum && c->has_grain);
    assert_int_equal(c->grain, GRANULARITY_FILES);
    /* Anything else with a dash is left out, the second dash and all. */
    c = ask(*state, "top --cumulative");
    assert_false(c->cum);
    expect_text(c->ignore, "-cumulative");
}

static void viewers_and_their_beginnings(void **state)
{
    static const struct {
        const char *line, *viewer, *expression;
    } rows[] = {
        {"gv", "gv", NULL},
        {"gv main", "gv", "main"},
        {"gvmain", "gv", "main"},
        {"web", "web", NULL},
        {"webfoo", "web", "foo"},
        {"evince 20", "evince", "20"},
        {"weblist foo", "weblist", "foo"},
        {"weblistfoo", "weblist", "foo"},
        {"callgrind", "kcachegrind", NULL},
        {"kcachegrind", "kcachegrind", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct command *c = ask(*state, rows[i].line);
        assert_int_equal(c->kind, COMMAND_VIEW);
        assert_string_equal(c->viewer->name, rows[i].viewer);
        assert_string_equal(c->emitter->name, c->viewer->emitter);
        expect_text(c->expression, rows[i].expression);
    }
}

static void where_reports_go(void **state)
{
    static const struct {
        const char *line, *emitter, *file, *expression;
    } rows[] = {
        {"top > a b", "text", "a b", NULL},        {"top >a", "text", "a", NULL},
        {"list foo > a", "list", "a", "foo"},      {"gv > a.ps", "ps", "a.ps", NULL},
        {"callgrind a b", "callgrind", "a", NULL}, {"callgrinda", "callgrind", "a", NULL},
        {"callgrind > a", "callgrind", "a", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct command *c = ask(*state, rows[i].line);
        assert_int_equal(c->kind, COMMAND_REPORT);
        assert_string_equal(c->emitter->name, rows[i].emitter);
        expect_text(c->file, rows[i].file);
        expect_text(c->expression, rows[i].expression);
    }

    const struct command *c =
        ask(*state, "list a|b | grep -e 'x | y' \"it's\" a\\ b \\| '' |wc -l");
    assert_int_equal(c->kind, COMMAND_REPORT);
    expect_text(c->expression, "a|b");
    static const char *const grep[] = {"grep", "-e", "x | y", "it's", "a b", "|", "", NULL};
    static const char *const wc[] = {"wc", "-l", NULL};
    for (size_t i = 0; i < COUNT_OF(grep); i++)
        expect_text(c->programs[0][i], grep[i]);
    for (size_t i = 0; i < COUNT_OF(wc); i++)
        expect_text(c->programs[1][i], wc[i]);
    assert_null(c->programs[2]);
}

static void lines_without_sense(void **state)
{
    static const struct {
        const char *line;
        enum command_kind kind;
    } rows[] = {
        {"", COMMAND_NOTHING},           {" \t\r", COMMAND_NOTHING},
        {"nonsense", COMMAND_UNKNOWN},   {"TOP", COMMAND_UNKNOWN},
        {"list", COMMAND_UNKNOWN},       {"disasm ", COMMAND_UNKNOWN},
        {"weblist", COMMAND_UNKNOWN},    {"list --cum", COMMAND_UNKNOWN},
        {"list foo20x", COMMAND_REPORT}, {"symbols", COMMAND_UNKNOWN},
        {"20", COMMAND_UNKNOWN},         {"> a", COMMAND_UNKNOWN},
        {"| a", COMMAND_UNKNOWN},        {"=", COMMAND_UNKNOWN},
        {"top >", COMMAND_WRONG},        {"top |", COMMAND_WRONG},
        {"top | a |", COMMAND_WRONG},    {"top | a | | b", COMMAND_WRONG},
        {"foc", COMMAND_UNKNOWN},        {"threads", COMMAND_UNKNOWN},
        {"o2", COMMAND_UNKNOWN},         {"quit", COMMAND_QUIT},
        {"quitx", COMMAND_QUIT},         {"exit", COMMAND_QUIT},
        {"exitx", COMMAND_UNKNOWN},      {"help", COMMAND_HELP},
        {"helpme", COMMAND_HELP},        {"options", COMMAND_OPTIONS},
        {"o", COMMAND_OPTIONS},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct command *c = ask(*state, rows[i].line);
        if (c->kind != rows[i].kind)
            fail_msg("'%s' is of kind %d", rows[i].line, (int)c->kind);
        assert_true((c->why != NULL) == (c->kind == COMMAND_WRONG));
    }
}

static void options_are_set_and_shown(void **state)
{
    static const struct {
        const char *line;
        enum command_kind kind;
        const char *name, *value;
    } rows[] = {
        {"nodecount=40", COMMAND_SET, "nodecount", "40"},
        {"nodecount = 40 ", COMMAND_SET, "nodecount", "40"},
        {"nodec=40", COMMAND_SET, "nodec", "40"},
        {"focus=a b > c | d", COMMAND_SET, "focus", "a b > c | d"},
        {"focus=", COMMAND_SET, "focus", ""},
        {"bogus=1", COMMAND_SET, "bogus", "1"},
        {"lines", COMMAND_SET, "lines", NULL},
        {"nocum", COMMAND_SET, "nocum", NULL},
        {"no-cum", COMMAND_SET, "no-cum", NULL},
        {"no-auto-signal-frm", COMMAND_SET, "no-auto-signal-frm", NULL},
        {"focus", COMMAND_SHOW, "focus", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct command *c = ask(*state, rows[i].line);
        assert_int_equal(c->kind, rows[i].kind);
        assert_true(span_is(c->name, rows[i].name));
        assert_true(rows[i].value ? c->value.p && span_is(c->value, rows[i].value) : !c->value.p);
    }
}

/* ---- completion ---------------------------------------------------------------------------------
 */

static void expect_completion(struct asked *asked, const char *line, const char *const *wanted)
{
    static const char *names[] = {"bar", "barrel", "ns::foo::run", "operator+", "std::get x"};
    static const struct name_list list = {.list = names, .n = COUNT_OF(names)};
    const struct options options = options_all(asked->arena);
    const struct completion c = complete_line(&options, &list, span_of(line), asked->arena);
    uint32_t n = 0;
    for (; wanted[n]; n++) {
        if (n >= c.n)
            fail_msg("'%s' lacks %s", line, wanted[n]);
        assert_string_equal(c.list[n], wanted[n]);
    }
    if (n != c.n)
        fail_msg("'%s' has %s too", line, c.list[n]);
}

#define COMPLETE(line, ...)                                                                        \
    expect_completion(*state, line, (const char *const[]){__VA_ARGS__, NULL})

static void beginnings_are_completed(void **state)
{
    COMPLETE("colla", "collapsed");
    COMPLETE("nodec", "nodecount=");
    COMPLETE("node", "nodecount=", "nodefraction=");
    COMPLETE("help nodec", "nodecount");
    COMPLETE("zzz", NULL);
    COMPLETE("list ba", "bar", "barrel");
    COMPLETE("list fo", "ns::foo::run");
    COMPLETE("list op", "operator\\+");
    COMPLETE("list operator\\", "operator\\+");
    COMPLETE("list st", "std::get\\sx");
    COMPLETE("top -barr", "barrel");
    COMPLETE("focus=barr", "barrel");
    COMPLETE("top --cu", "--cum");
    COMPLETE("top --lin", "--lines");
    COMPLETE("top > /dev/nul", "/dev/null");
    COMPLETE("top >/dev/nul", "/dev/null");
    COMPLETE("top > /de", "/dev/");
}

static void what_they_have_in_common(void **state)
{
    (void)state;
    const char *list[] = {"barrel", "barricade", "barring"};
    assert_int_equal(complete_common(&(struct completion){.list = list, .n = 3}), 4);
    assert_int_equal(complete_common(&(struct completion){.list = list, .n = 1}), 6);
    assert_int_equal(complete_common(&(struct completion){0}), 0);
}

/* ---- outputs by name ----------------------------------------------------------------------------
 */

static void files_by_their_endings(void **state)
{
    (void)state;
    static const struct {
        const char *path, *emitter;
    } rows[] = {
        {"a.txt", "text"},
        {"a", "text"},
        {"-", "text"},
        {"a.b/c", "text"},
        {"/dev/stdout", "text"},
        {"a.folded", "collapsed"},
        {"a.collapsed", "collapsed"},
        {"a.callgrind", "callgrind"},
        {"x/callgrind.out.12", "callgrind"},
        {"callgrind.out", "callgrind"},
        {"a.svg", "svg"},
        {"a.b.pdf", "pdf"},
        {"a.dot", "dot"},
        {"a.gv", "dot"},
        {"a.pb.gz", "proto"},
        {"a.pb", "proto"},
        {".txt", "text"},
        {"a.xyz", NULL},
        {"a.svgz", NULL},
        {".hidden", "text"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct emitter *emitter = outputs_by_name(rows[i].path);
        if (!rows[i].emitter ? emitter != NULL
                             : !emitter || !span_is(span_of(emitter->name), rows[i].emitter))
            fail_msg("%s gets %s", rows[i].path, emitter ? emitter->name : "nothing");
    }
}

#define WITH_ARENA(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ARENA(reports_by_name),
        WITH_ARENA(switches_of_one_command),
        WITH_ARENA(viewers_and_their_beginnings),
        WITH_ARENA(where_reports_go),
        WITH_ARENA(lines_without_sense),
        WITH_ARENA(options_are_set_and_shown),
        WITH_ARENA(beginnings_are_completed),
        cmocka_unit_test(what_they_have_in_common),
        cmocka_unit_test(files_by_their_endings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
