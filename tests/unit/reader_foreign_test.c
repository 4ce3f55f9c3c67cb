/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Files that are no profiles: what is said of them. And the table of readers. */
#include "reader_unit.h"

static void says_what_it_looks_like(void **state)
{
    (void)state;
    static const struct {
        struct span bytes;
        const char *wanted;
    } rows[] = {
        {{"\x7f"
          "ELF\2\1\1",
          7},
         "x: not a profile (it looks like an ELF program)"},
        {{"\x1f\x8b\x08\x00", 4}, "x: not a profile (it looks like gzip)"},
        {{"PERFILE2\0\0", 10}, "x: not a profile (it looks like data of perf record)"},
        {{"%PDF-1.4\n%x\n", 12}, "x: not a profile (it looks like a PDF document)"},
        {{"\x89PNG\r\n", 6}, "x: not a profile (it looks like a PNG picture)"},
        {{" {\"a\": 1}\n", 10}, "x: not a profile (it looks like JSON)"},
        {{"hello\n", 6}, "x: not a profile (it looks like text)"},
        {{"%warn a\nhello\n", 14}, "x: not a profile (it looks like text)"},
        {{"\1\2\3\4", 4}, "x: not a profile (it looks like binary data of an unknown kind)"},
        {{"", 0}, "x: empty file"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_refused(rows[i].bytes, NULL, rows[i].wanted);
        assert_false(reader_is_profile(rows[i].bytes));
    }
}

static void only_commands_are_an_empty_profile(void **state)
{
    (void)state;
    struct reading r;
    reading_make(&r, span_of("%warn nothing here\n"), NULL);
    assert_false(r.is_read);
    assert_string_equal(r.err.text, "Profile is empty.");
    assert_notes(&r, "WARNING: nothing here\n");
    reading_free(&r);
}

static void finds_readers_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; readers[i]; i++) {
        assert_ptr_equal(reader_find(span_of(readers[i]->name)), readers[i]);
        assert_true(strlen(readers[i]->help) > 10);
    }
    assert_null(reader_find(span_of("nothing")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_it_looks_like),
        cmocka_unit_test(only_commands_are_an_empty_profile),
        cmocka_unit_test(finds_readers_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
