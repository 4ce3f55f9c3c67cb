/* SPDX-License-Identifier: BSD-3-Clause
 *
 * base/span.h: cutting text and reading numbers. */
#include "base_unit.h"

#include <math.h>

#include "base/span.h"

static const struct span none = {0};

#define assert_span(s, text)                                                                       \
    do {                                                                                           \
        const struct span is = (s);                                                                \
        assert_int_equal(is.n, strlen(text));                                                      \
        if (is.n)                                                                                  \
            assert_memory_equal(is.p, text, is.n);                                                 \
    } while (0)

static void making_and_cutting(void **state)
{
    (void)state;
    assert_int_equal(span_of(NULL).n, 0);
    assert_null(span_of(NULL).p);
    assert_span(span_of("abc"), "abc");
    assert_span(span_make("abc", 2), "ab");
    assert_span(span_skip(span_of("abc"), 0), "abc");
    assert_span(span_skip(span_of("abc"), 1), "bc");
    assert_span(span_skip(span_of("abc"), 3), "");
    assert_span(span_skip(span_of("abc"), SIZE_MAX), "");
    assert_span(span_skip(none, 0), "");
    assert_span(span_first(span_of("abc"), 2), "ab");
    assert_span(span_first(span_of("abc"), SIZE_MAX), "abc");
    assert_span(span_first(none, 5), "");
}

static void comparing(void **state)
{
    (void)state;
    assert_true(span_equal(none, span_of("")));
    assert_true(span_equal(span_of("ab"), span_make("abc", 2)));
    assert_false(span_equal(span_of("ab"), span_of("ac")));
    assert_false(span_equal(span_of("ab"), span_of("abc")));
    assert_true(span_is(none, ""));
    assert_true(span_is(span_make("abc", 2), "ab"));
    assert_false(span_is(span_make("abc", 2), "abc"));
    assert_true(span_starts(span_of("abc"), "ab"));
    assert_true(span_starts(span_of("abc"), ""));
    assert_true(span_starts(none, ""));
    assert_false(span_starts(span_make("abc", 1), "ab"));
    assert_false(span_starts(span_of("abc"), "b"));
    assert_true(span_ends(span_of("abc"), "bc"));
    assert_true(span_ends(none, ""));
    assert_false(span_ends(span_of("abc"), "ab"));
    assert_false(span_ends(span_of("c"), "bc"));
    assert_int_equal(span_compare(none, span_of("")), 0);
    assert_true(span_compare(none, span_of("a")) < 0);
    assert_true(span_compare(span_of("ab"), span_of("a")) > 0);
    assert_true(span_compare(span_of("a"), span_of("ab")) < 0);
    assert_true(span_compare(span_of("\xff"), span_of("a")) > 0);
    assert_int_equal(span_compare(span_of("abc"), span_of("abc")), 0);
}

static void finding(void **state)
{
    (void)state;
    assert_true(span_find(none, 'a') == SIZE_MAX);
    assert_true(span_find(span_make("abca", 4), 'a') == 0);
    assert_true(span_find(span_make("abcd", 3), 'd') == SIZE_MAX);
    assert_true(span_find(span_make("a\0b", 3), '\0') == 1);
    assert_true(span_find_last(span_make("abca", 4), 'a') == 3);
    assert_true(span_find_last(none, 'a') == SIZE_MAX);
    assert_true(span_find_last(span_of("abc"), 'x') == SIZE_MAX);
    assert_true(span_find_text(span_of("a -- b -- c"), "--") == 2);
    assert_true(span_find_text(span_make("ab--", 3), "--") == SIZE_MAX);
    assert_true(span_find_text(span_of("a"), "abc") == SIZE_MAX);
    assert_true(span_find_text(none, "") == 0);
    assert_true(span_find_text(none, "a") == SIZE_MAX);
}

static void trimming(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++)
        assert_int_equal(span_is_space((char)c), c && strchr(" \t\n\v\f\r", c) != NULL);
    assert_span(span_trim(span_of(" \t a b\r\n")), "a b");
    assert_span(span_trim(span_of("ab")), "ab");
    assert_span(span_trim(span_of(" \v\f ")), "");
    assert_span(span_trim(none), "");
    assert_span(span_trim_left(span_of("  a ")), "a ");
    assert_span(span_trim_left(span_of("  ")), "");
}

static void lines(void **state)
{
    (void)state;
    struct span rest = span_of("one\n\ntwo\r\n\r\nth\rree\r\r\nlast"), line;
    static const char *const want[] = {"one", "", "two", "", "th\rree\r", "last"};
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        assert_true(span_line(&rest, &line));
        assert_span(line, want[i]);
    }
    line = span_of("kept");
    assert_false(span_line(&rest, &line));
    assert_span(line, "kept");
    rest = none;
    assert_false(span_line(&rest, &line));
    rest = span_of("\n");
    assert_true(span_line(&rest, &line));
    assert_span(line, "");
    assert_false(span_line(&rest, &line));
}

static void words(void **state)
{
    (void)state;
    struct span rest = span_of("  one two\t\n3 "), word;
    static const char *const want[] = {"one", "two", "3"};
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        assert_true(span_word(&rest, &word));
        assert_span(word, want[i]);
    }
    assert_span(rest, " ");
    assert_false(span_word(&rest, &word));
    assert_span(word, "3");
    rest = none;
    assert_false(span_word(&rest, &word));
}

static void taking_a_prefix(void **state)
{
    (void)state;
    struct span rest = span_of("heap profile:");
    assert_false(span_take(&rest, "profile"));
    assert_span(rest, "heap profile:");
    assert_true(span_take(&rest, "heap "));
    assert_span(rest, "profile:");
    assert_true(span_take(&rest, ""));
    assert_true(span_take(&rest, "profile:"));
    assert_span(rest, "");
    assert_false(span_take(&rest, "x"));
}

static void taking_numbers(void **state)
{
    (void)state;
    uint64_t v = 42;
    struct span rest = span_of("123: 4");
    assert_true(span_take_u64(&rest, &v));
    assert_int_equal(v, 123);
    assert_span(rest, ": 4");
    assert_false(span_take_u64(&rest, &v));
    assert_span(rest, ": 4");
    assert_int_equal(v, 123);
    rest = span_of("18446744073709551615x");
    assert_true(span_take_u64(&rest, &v));
    assert_true(v == UINT64_MAX);
    static const char *const too_large[] = {"18446744073709551616", "18446744073709551620",
                                            "100000000000000000000", "99999999999999999999999"};
    for (size_t i = 0; i < COUNT_OF(too_large); i++) {
        rest = span_of(too_large[i]);
        assert_false(span_take_u64(&rest, &v));
        assert_span(rest, too_large[i]);
    }
    rest = span_make("1234", 2); /* nothing beyond the span is looked at */
    assert_true(span_take_u64(&rest, &v));
    assert_int_equal(v, 12);
    rest = none;
    assert_false(span_take_u64(&rest, &v));
    assert_false(span_take_hex(&rest, &v));

    rest = span_of("00400aBcg");
    assert_true(span_take_hex(&rest, &v));
    assert_int_equal(v, 0x400abc);
    assert_span(rest, "g");
    assert_false(span_take_hex(&rest, &v));
    rest = span_of("00ffffffffffffffff");
    assert_true(span_take_hex(&rest, &v));
    assert_true(v == UINT64_MAX);
    rest = span_of("10000000000000000");
    assert_false(span_take_hex(&rest, &v));
    assert_span(rest, "10000000000000000");
    rest = span_of("0x12");
    assert_true(span_take_hex(&rest, &v));
    assert_int_equal(v, 0);
    assert_span(rest, "x12");
}

static void whole_numbers(void **state)
{
    (void)state;
    uint64_t v = 42;
    assert_true(span_u64(span_of("0"), &v));
    assert_int_equal(v, 0);
    assert_true(span_u64(span_of("0018446744073709551615"), &v));
    assert_true(v == UINT64_MAX);
    static const char *const bad[] = {"",    " 1",  "1 ", "-1", "+1",
                                      "1.0", "0x1", "a",  "1a", "18446744073709551616"};
    v = 42;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(span_u64(span_of(bad[i]), &v));
    assert_false(span_u64(none, &v));
    assert_int_equal(v, 42);

    assert_true(span_hex(span_of("0x1f"), &v));
    assert_int_equal(v, 0x1f);
    assert_true(span_hex(span_of("0X1F"), &v));
    assert_int_equal(v, 0x1f);
    assert_true(span_hex(span_of("fFfFfFfFfFfFfFfF"), &v));
    assert_true(v == UINT64_MAX);
    static const char *const bad_hex[] = {"",    "0x", "x1", "0x0x1",
                                          "0xg", "1 ", "-1", "0x10000000000000000"};
    v = 42;
    for (size_t i = 0; i < COUNT_OF(bad_hex); i++)
        assert_false(span_hex(span_of(bad_hex[i]), &v));
    assert_int_equal(v, 42);

    int64_t s = 42;
    assert_true(span_i64(span_of("-9223372036854775808"), &s));
    assert_true(s == INT64_MIN);
    assert_true(span_i64(span_of("9223372036854775807"), &s));
    assert_true(s == INT64_MAX);
    assert_true(span_i64(span_of("+5"), &s));
    assert_int_equal(s, 5);
    assert_true(span_i64(span_of("-0"), &s));
    assert_int_equal(s, 0);
    static const char *const bad_signed[] = {
        "", "-", "+", "--1", "+-1", "- 1", "1-", "9223372036854775808", "-9223372036854775809"};
    s = 42;
    for (size_t i = 0; i < COUNT_OF(bad_signed); i++)
        assert_false(span_i64(span_of(bad_signed[i]), &s));
    assert_int_equal(s, 42);
}

static void check_doubles(void)
{
    /* The compiler's own reading of the same text is what is wanted. */
    static const struct {
        const char *text;
        double value;
    } good[] = {
        {"0", 0},
        {"1", 1},
        {"-1.5e-10", -1.5e-10},
        {"+2.5E+3", 2500},
        {".5", .5},
        {"5.", 5},
        {"0.1", 0.1},
        {"123456789.123456789", 123456789.123456789},
        {"9007199254740993", 9007199254740993.0},
        {"900719925474099267", 900719925474099267.0},
        {"0.30000000000000004", 0.30000000000000004},
        {"1e22", 1e22},
        {"1e23", 1e23},
        {"7e-23", 7e-23},
        {"1.7976931348623157e308", 1.7976931348623157e308},
        {"4.9406564584124654e-324", 4.9406564584124654e-324},
        {"1e-400", 0},
        {"1e-99999999999999999999", 0},
        {"0e99999999999999999999", 0},
        {"0000000000000000000000000000000000001", 1},
        {"0.00000000000000000000000000000000000001", 1e-38},
        {"100000000000000000000000000000000000000", 1e38},
    };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        double v = 42;
        assert_true(span_double(span_of(good[i].text), &v));
        assert_true(v == good[i].value);
    }
    static const char *const bad[] = {"",      ".",   "-",     "-.",  "e5",     "1e",   "1e+",
                                      "1.2.3", "1,5", " 1",    "1 ",  "inf",    "nan",  "0x1p3",
                                      "1e5x",  "--1", "1e999", "1 2", "-1e400", "1e 5", "1_000"};
    double v = 42;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(span_double(span_of(bad[i]), &v));
    assert_false(span_double(none, &v));
    assert_true(v == 42);
}

static void real_numbers(void **state)
{
    (void)state;
    check_doubles();
    double v;
    assert_true(span_double(span_of("-0"), &v));
    assert_true(v == 0 && signbit(v));
    assert_true(span_double(span_make("1.25", 3), &v));
    assert_true(v == 1.2);
    char *text = malloc(100000); /* longer than any buffer, not NUL-terminated */
    memset(text, '3', 100000);
    text[1] = '.';
    assert_true(span_double(span_make(text, 100000), &v));
    assert_true(v == 10.0 / 3);
    assert_true(span_double(span_make(text + 2, 300), &v));
    assert_true(v > 3.3e299 && v < 3.4e299);
    assert_false(span_double(span_make(text + 2, 9000), &v));
    free(text);
}

static void real_numbers_where_the_point_is_a_comma(void **state)
{
    (void)state;
    use_comma_locale();
    check_doubles();
    assert_non_null(setlocale(LC_ALL, "C"));
}

/* Texts from printf, read back: each must give the very number that it came from. */
static void real_numbers_survive_the_round_trip(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (int i = 0; i < 20000; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        double value;
        const uint64_t bits = i % 2 ? random : (random & 0x807fffffffffffffu) | 0x3f80000000000000u;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        char text[64];
        (void)snprintf(text, sizeof text, "%.17g", value);
        double read;
        assert_true(span_double(span_of(text), &read));
        assert_true(read == value);
    }
}

static void characters(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t n;
        uint32_t code;
    } cases[] = {
        {"a", 1, 'a'},
        {"\xc3\xa9x", 2, 0xe9},
        {"\xe2\x82\xac", 3, 0x20ac},
        {"\xf0\x9f\x98\x80", 4, 0x1f600},
        {"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
        {"\x80", 0, 0},             /* no first byte */
        {"\xc3", 0, 0},             /* cut short */
        {"\xc3(", 0, 0},            /* no second byte */
        {"\xc0\xaf", 0, 0},         /* longer than it must be */
        {"\xe0\x80\xaf", 0, 0},     /* likewise */
        {"\xed\xa0\x80", 0, 0},     /* half of a pair */
        {"\xf4\x90\x80\x80", 0, 0}, /* beyond the last */
        {"\xff", 0, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint32_t code = 0;
        assert_int_equal(span_character(span_of(cases[i].text), &code), cases[i].n);
        if (cases[i].n)
            assert_int_equal(code, cases[i].code);
    }
}

static void paths(void **state)
{
    static const struct {
        const char *path, *name, *without;
    } rows[] = {
        {"", "", ""},         {"a", "a", "a"}, {"/a/b.so", "b.so", "/a/b.so"},
        {"a/b//", "", "a/b"}, {"/", "", ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct span path = span_of(rows[i].path);
        assert_true(span_is(span_file_name(path), rows[i].name));
        assert_ptr_equal(span_file_name(path).p + span_file_name(path).n, path.p + path.n);
        assert_true(span_is(span_without_slashes(path), rows[i].without));
    }
}

static void copies(void **state)
{
    (void)state;
    char *copy = span_copy(span_make("text!", 4));
    assert_string_equal(copy, "text");
    base_free(copy);
    copy = span_copy(span_make(NULL, 0));
    assert_string_equal(copy, "");
    base_free(copy);
}

static void hex_of_bytes(void **state)
{
    const struct span bytes = span_make("\x01\xaf\x00", 3);
    (void)state;
    assert_true(span_is_hex_of(span_of("01af00"), bytes));
    assert_false(span_is_hex_of(span_of("01AF00"), bytes));
    assert_false(span_is_hex_of(span_of("01af0"), bytes));
    assert_false(span_is_hex_of(span_of("01af01"), bytes));
    assert_false(span_is_hex_of(span_of(""), span_make("", 0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(making_and_cutting),
        cmocka_unit_test(comparing),
        cmocka_unit_test(finding),
        cmocka_unit_test(trimming),
        cmocka_unit_test(paths),
        cmocka_unit_test(hex_of_bytes),
        cmocka_unit_test(copies),
        cmocka_unit_test(lines),
        cmocka_unit_test(words),
        cmocka_unit_test(taking_a_prefix),
        cmocka_unit_test(taking_numbers),
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(real_numbers),
        cmocka_unit_test(real_numbers_where_the_point_is_a_comma),
        cmocka_unit_test(real_numbers_survive_the_round_trip),
        cmocka_unit_test(characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
