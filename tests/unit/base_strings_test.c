/* SPDX-License-Identifier: BSD-3-Clause
 *
 * base/strings.h: interned text. */
#include "base_unit.h"

#include <pthread.h>

#include "base/strings.h"

static void zero_is_the_empty_text(void **state)
{
    (void)state;
    struct strings *strings = strings_new();
    assert_int_equal(strings_count(strings), 1);
    assert_string_equal(strings_text(strings, 0), "");
    assert_int_equal(strings_span(strings, 0).n, 0);
    assert_int_equal(strings_add_text(strings, ""), 0);
    assert_int_equal(strings_add_text(strings, NULL), 0);
    assert_int_equal(strings_add(strings, span_make("\0abc", 4)), 0);
    assert_int_equal(strings_count(strings), 1);
    strings_free(strings);
    strings_free(NULL);
}

static void equal_texts_have_equal_ids(void **state)
{
    (void)state;
    struct strings *strings = strings_new();
    const str_id one = strings_add_text(strings, "main");
    assert_int_equal(one, 1);
    assert_int_equal(strings_add(strings, span_make("mainly", 4)), one);
    assert_int_equal(strings_add(strings, span_make("main\0more", 9)), one); /* cut at the NUL */
    assert_int_equal(strings_printf(strings, "%s%s", "ma", "in"), one);
    const str_id two = strings_add_text(strings, "mainly");
    assert_int_equal(two, 2);
    assert_string_equal(strings_text(strings, one), "main");
    assert_true(span_is(strings_span(strings, two), "mainly"));
    strings_free(strings);
}

static void find_adds_nothing(void **state)
{
    (void)state;
    struct strings *strings = strings_new();
    str_id id = 42;
    assert_false(strings_find(strings, span_of("x"), &id));
    assert_int_equal(id, 42);
    assert_int_equal(strings_count(strings), 1);
    assert_true(strings_find(strings, span_make(NULL, 0), &id));
    assert_int_equal(id, 0);
    assert_int_equal(strings_add_text(strings, "x"), 1);
    assert_true(strings_find(strings, span_of("x"), &id));
    assert_int_equal(id, 1);
    strings_free(strings);
}

static void texts_stay_where_they_are(void **state)
{
    (void)state;
    struct strings *strings = strings_new();
    const char *first = strings_text(strings, strings_add_text(strings, "first"));
    const uint32_t n = 100000; /* through several chunks and growings */
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(strings_printf(strings, "name %u", i), i + 2);
    for (uint32_t i = 0; i < n; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "name %u", i);
        assert_string_equal(strings_text(strings, i + 2), text);
        assert_int_equal(strings_span(strings, i + 2).n, strlen(text));
        assert_int_equal(strings_add_text(strings, text), i + 2);
    }
    assert_int_equal(strings_count(strings), n + 2);
    assert_ptr_equal(strings_text(strings, 1), first);
    assert_string_equal(first, "first");
    strings_free(strings);
}

static void long_texts_are_whole(void **state)
{
    (void)state;
    struct strings *strings = strings_new();
    for (int n = 510; n < 515; n++) { /* around the size that is formatted at once */
        const str_id id = strings_printf(strings, "%0*d", n, 7);
        assert_int_equal(strings_span(strings, id).n, n);
    }
    const size_t n = (size_t)5 << 20;
    char *text = malloc(n);
    memset(text, 'x', n);
    const str_id id = strings_add(strings, span_make(text, n));
    text[n - 1] = 'y';
    assert_int_not_equal(strings_add(strings, span_make(text, n)), id);
    free(text);
    assert_int_equal(strlen(strings_text(strings, id)), n);
    strings_free(strings);
}

static void *read_all(void *arg)
{
    struct strings *strings = arg;
    size_t wrong = 0;
    for (int round = 0; round < 200; round++) {
        for (str_id id = 1; id <= 50; id++) {
            uint64_t number = 0;
            wrong += !span_u64(span_of(strings_text(strings, id)), &number) || number != id;
        }
    }
    return (void *)(uintptr_t)wrong;
}

static void others_read_while_one_adds(void **state)
{
    (void)state;
    struct strings *strings = strings_new();
    for (unsigned i = 1; i <= 50; i++)
        (void)strings_printf(strings, "%u", i);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, read_all, strings), 0);
    for (unsigned i = 51; i < 20000; i++)
        (void)strings_printf(strings, "%u", i);
    void *wrong;
    assert_int_equal(pthread_join(thread, &wrong), 0);
    assert_null(wrong);
    strings_free(strings);
}

static void control_bytes_are_cleaned(void **state)
{
    (void)state;
    struct strings *strings = strings_new();
    const str_id id = strings_add_text(strings, "std::map<\xc3\xa9, b>");
    assert_int_equal(strings_clean(strings, id), id);
    assert_int_equal(strings_clean(strings, 0), 0);
    const str_id odd = strings_add_text(strings, "\x1b[1mx\ny\t\x7f");
    assert_string_equal(strings_text(strings, strings_clean(strings, odd)), "?[1mx?y??");
    assert_string_equal(strings_text(strings, odd), "\x1b[1mx\ny\t\x7f");
    strings_free(strings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_is_the_empty_text),    cmocka_unit_test(equal_texts_have_equal_ids),
        cmocka_unit_test(find_adds_nothing),         cmocka_unit_test(texts_stay_where_they_are),
        cmocka_unit_test(long_texts_are_whole),      cmocka_unit_test(others_read_while_one_adds),
        cmocka_unit_test(control_bytes_are_cleaned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
