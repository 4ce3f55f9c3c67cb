/* SPDX-License-Identifier: BSD-3-Clause
 *
 * base/regex.h: Perl's expressions over bytes. */
#include "base_unit.h"

#include "base/regex.h"

static bool match(const char *expression, struct span text)
{
    struct error err = {0};
    struct regex *regex = regex_new("--focus", span_of(expression), &err);
    assert_non_null(regex);
    const bool first = regex_matches(regex, text);
    assert_int_equal(regex_matches(regex, text), first); /* it can be used again */
    regex_free(regex);
    return first;
}

static void matching(void **state)
{
    (void)state;
    static const struct {
        const char *expression, *text;
        bool matches;
    } cases[] = {
        {"foo", "a foo b", true},
        {"foo", "a Foo b", false},
        {"(?i)foo", "a Foo b", true},
        {"^foo", "a foo", false},
        {"foo$", "a foo", true},
        {"\\bmalloc\\b", "my malloc (x)", true},
        {"\\bmalloc\\b", "my_malloc (x)", false},
        {"foo(?=bar)", "foobar", true},
        {"foo(?=bar)", "foobaz", false},
        {"foo(?!bar)", "foobar", false},
        {"(?<!my_)alloc", "my_alloc", false},
        {"(?<!my_)alloc", "our_alloc", true},
        {"(a)\\1", "aa", true},
        {"(a)\\1", "ab", false},
        {"a|b", "xb", true},
        {"std::(vector|map)<.*?>::push", "std::vector<int>::push_back", true},
        {"\\Qoperator()\\E", "x::operator()(int)", true},
        {"\\d+\\s+[[:alpha:]]", "12 \tx", true},
        {"a.c", "a\nc", false},
        {"", "", true},
        {"", "anything", true},
        {"^$", "", true},
        {"x", "", false},
        {"\\xe9", "caf\xe9", true},
        {"caf.$", "caf\xc3\xa9", false}, /* bytes, not characters */
        {"caf..$", "caf\xc3\xa9", true},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(match(cases[i].expression, span_of(cases[i].text)), cases[i].matches);
}

static void spans_are_their_length(void **state)
{
    (void)state;
    assert_false(match("foo", span_make("foo", 2)));
    assert_true(match("^fo$", span_make("foo", 2)));
    assert_true(match("b", span_make("a\0b", 3)));
    assert_true(match("^$", (struct span){0}));
    assert_true(match("\xff\xfe", span_of("a\xff\xfe")));
    struct regex *regex = regex_new("x", span_make("foobar", 3), NULL);
    assert_non_null(regex);
    assert_true(regex_matches(regex, span_of("foo")));
    regex_free(regex);
    regex = regex_new("x", (struct span){0}, NULL);
    assert_non_null(regex);
    assert_true(regex_matches(regex, span_of("foo")));
    regex_free(regex);
    regex_free(NULL);
}

static void errors_say_what_and_where(void **state)
{
    (void)state;
    static const struct {
        const char *expression, *text;
    } cases[] = {
        {"a(b", "--focus=a(b: missing closing parenthesis at offset 3"},
        {"[z", "--focus=[z: missing terminating ] for character class at offset 2"},
        {"*x", "--focus=*x: quantifier does not follow a repeatable item at offset 0"},
        {"a\n(", "--focus=a (: missing closing parenthesis at offset 3"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = {0};
        assert_null(regex_new("--focus", span_of(cases[i].expression), &err));
        assert_int_equal(err.kind, ERROR_USAGE);
        assert_string_equal(err.text, cases[i].text);
    }
    assert_null(regex_new("--focus", span_of("("), NULL));
    struct error err = {0};
    assert_null(regex_new("--focus", span_of("(*UTF)x"), &err));
    assert_non_null(strstr(err.text, "UTF"));

    char *text = malloc(5001); /* a long expression does not hide the reason */
    memset(text, 'x', 5000);
    text[4999] = '(';
    assert_null(regex_new("--ignore", span_make(text, 5000), &err));
    assert_non_null(strstr(err.text, "xxx...: missing closing parenthesis at offset 5000"));
    free(text);
}

static void explosions_end(void **state)
{
    (void)state;
    char text[101];
    memset(text, 'a', 100);
    text[100] = '\0';
    assert_false(match("^(a+)+[xy]", span_of(text)));
    assert_false(match("^(a|aa)+[xy]", span_of(text)));
    assert_false(match("(?=(a+))*(a*)*(a*)*(a*)*[xy]\\2", span_of(text)));
}

static void long_texts_match(void **state)
{
    (void)state;
    const size_t n = (size_t)1 << 20;
    char *text = malloc(n);
    memset(text, 'a', n);
    text[n - 1] = 'z';
    assert_true(match("z$", span_make(text, n)));
    assert_true(match("^a+z", span_make(text, n)));
    assert_true(match("^(?:a|b)+z", span_make(text, 20000)) ==
                false); /* deep, and no z in the part */
    text[19999] = 'z';
    assert_true(match("^(?:a|b)+z", span_make(text, 20000)));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matching),
        cmocka_unit_test(spans_are_their_length),
        cmocka_unit_test(errors_say_what_and_where),
        cmocka_unit_test(explosions_end),
        cmocka_unit_test(long_texts_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
