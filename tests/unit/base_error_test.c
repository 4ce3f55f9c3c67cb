/* SPDX-License-Identifier: BSD-3-Clause
 *
 * base/error.h: errors, notes, progress. */
#include "base_unit.h"

#include <errno.h>

#include "base/error.h"

static void set_says_kind_and_text(void **state)
{
    (void)state;
    struct error err = {.sys = 5};
    assert_false(error_set(&err, ERROR_FORMAT, "%s: record %u", "a.prof", 7u));
    assert_int_equal(err.kind, ERROR_FORMAT);
    assert_int_equal(err.sys, 0);
    assert_string_equal(err.text, "a.prof: record 7");
    assert_false(error_set(NULL, ERROR_FORMAT, "nobody wants %d", 1));
}

static void system_adds_the_reason(void **state)
{
    (void)state;
    struct error err = {0};
    assert_false(error_system(&err, ENOENT, "%s", "x"));
    assert_string_equal(err.text, "x: No such file or directory");
    assert_int_equal(err.kind, ERROR_SYSTEM);
    assert_int_equal(err.sys, ENOENT);
    assert_false(error_system(&err, 99999, "x"));
    assert_string_equal(err.text, "x: unknown system error");
    assert_false(error_system(NULL, ENOENT, "x"));
}

static void wrap_puts_the_story_in_front(void **state)
{
    (void)state;
    struct error err = {0};
    error_set(&err, ERROR_LIMIT, "too long");
    assert_false(error_wrap(&err, "reading %s", "x"));
    assert_string_equal(err.text, "reading x: too long");
    assert_int_equal(err.kind, ERROR_LIMIT);
    assert_false(error_wrap(&err, "%s", "")); /* nothing to put there: no colon either */
    assert_string_equal(err.text, "reading x: too long");
    err = (struct error){0};
    assert_false(error_wrap(&err, "alone"));
    assert_string_equal(err.text, "alone");
    assert_false(error_wrap(NULL, "x"));
}

static void the_text_may_be_its_own_argument(void **state)
{
    (void)state;
    struct error err = {0};
    error_set(&err, ERROR_USAGE, "inner");
    error_set(&err, ERROR_USAGE, "<%s>", err.text);
    assert_string_equal(err.text, "<inner>");
    error_wrap(&err, "(%s)", err.text);
    assert_string_equal(err.text, "(<inner>): <inner>");
}

static void a_long_text_ends_in_dots(void **state)
{
    (void)state;
    struct error err = {0};
    error_set(&err, ERROR_USAGE, "%01023d", 7); /* just fits */
    assert_int_equal(strlen(err.text), 1023);
    assert_int_equal(err.text[1022], '7');
    error_set(&err, ERROR_USAGE, "%01024d", 7);
    assert_int_equal(strlen(err.text), 1023);
    assert_string_equal(err.text + 1019, "0...");
    error_set(&err, ERROR_USAGE, "%01020d", 7);
    error_wrap(&err, "abcdef");
    assert_int_equal(strlen(err.text), 1023);
    assert_memory_equal(err.text, "abcdef: 000", 11);
    assert_string_equal(err.text + 1019, "0...");
    error_system(&err, ENOENT, "%02000d", 7);
    assert_int_equal(strlen(err.text), 1023);
    assert_string_equal(err.text + 1020, "...");
    /* not inside of a two-byte character */
    error_set(&err, ERROR_USAGE, "%01019d\xc3\xa9%s", 7, "much more");
    assert_string_equal(err.text + 1017, "07...");
}

static void control_bytes_stay_out(void **state)
{
    (void)state;
    struct error err = {0};
    error_set(&err, ERROR_USAGE, "a\nb\r\tc\033[31m\x7f");
    assert_string_equal(err.text, "a b  c?[31m?");
}

struct heard {
    unsigned n;
    char last[64];
};

static void hear(void *to, const char *line)
{
    struct heard *heard = to;
    heard->n++;
    (void)snprintf(heard->last, sizeof heard->last, "%s", line);
}

static void notes_are_kept_once_and_told(void **state)
{
    (void)state;
    struct heard heard = {0};
    struct notes notes = {.tell = hear, .to = &heard};
    for (int round = 0; round < 2; round++) {
        notes_add(&notes, "first %d", 1);
        notes_add(&notes, "second");
        notes_add(&notes, "%s", "");
    }
    assert_int_equal(notes.n, 3);
    assert_string_equal(notes.lines[0], "first 1");
    assert_string_equal(notes.lines[1], "second");
    assert_string_equal(notes.lines[2], "");
    assert_int_equal(heard.n, 3);
    notes_add(&notes, "%0600d", 7);
    assert_int_equal(strlen(notes.lines[3]), 600);
    assert_int_equal(strlen(heard.last), 63);
    notes_free(&notes);
    assert_int_equal(notes.n, 0);
    notes_add(&notes, "second"); /* freed is empty again */
    assert_int_equal(notes.n, 1);
    assert_string_equal(heard.last, "second");
    notes_free(&notes);
}

static void many_notes_and_nobody(void **state)
{
    (void)state;
    struct notes notes = {0};
    for (int i = 0; i < 40000; i++)
        notes_add(&notes, "note %d", i % 20000);
    assert_int_equal(notes.n, 20000);
    assert_string_equal(notes.lines[12345], "note 12345");
    notes_free(&notes);
    notes_add(NULL, "x");
    notes_free(NULL);
}

static void step(void *to, const char *doing, double share)
{
    assert_string_equal(doing, "reading");
    *(double *)to += share;
}

static void progress_reaches_who_watches(void **state)
{
    (void)state;
    double sum = 0;
    const struct progress progress = {.step = step, .to = &sum};
    progress_step(&progress, "reading", 0.25);
    progress_step(&progress, "reading", 0.5);
    assert_true(sum == 0.75);
    const struct progress deaf = {0};
    progress_step(&deaf, "reading", 1);
    progress_step(NULL, "reading", 1);
}

static void notes_do_not_command_terminals(void **state)
{
    (void)state;
    struct notes notes = {0};
    notes_add(&notes, "WARNING: %s", "\x1b[2Jgone\x07\nnext");
    assert_string_equal(notes.lines[0], "WARNING: ?[2Jgone? next");
    notes_free(&notes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notes_do_not_command_terminals),
        cmocka_unit_test(set_says_kind_and_text),
        cmocka_unit_test(system_adds_the_reason),
        cmocka_unit_test(wrap_puts_the_story_in_front),
        cmocka_unit_test(the_text_may_be_its_own_argument),
        cmocka_unit_test(a_long_text_ends_in_dots),
        cmocka_unit_test(control_bytes_stay_out),
        cmocka_unit_test(notes_are_kept_once_and_told),
        cmocka_unit_test(many_notes_and_nobody),
        cmocka_unit_test(progress_reaches_who_watches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
