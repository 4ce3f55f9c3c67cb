/* SPDX-License-Identifier: BSD-3-Clause
 *
 * libcprof as a stranger uses it: the public header and the one archive, nothing else of ours. */
#include <cprof/cprof.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char profile[] = "--- symbol\nbinary=/bin/demo\n0x0000000000401101 foo\n"
                              "0x0000000000401301 main\n---\n"
                              "heap profile: 0: 0 [0: 0] @ heapprofile\n"
                              "2: 200 [7: 700] @ 0x401101 0x401301\n";

struct page {
    char text[4096];
    size_t n;
};

static int write_page(void *to, const void *bytes, size_t n)
{
    struct page *page = to;
    if (n > sizeof page->text - 1 - page->n)
        return ENOSPC;
    memcpy(page->text + page->n, bytes, n);
    page->n += n;
    page->text[page->n] = '\0';
    return 0;
}

static int write_nothing(void *to, const void *bytes, size_t n)
{
    (void)to;
    (void)bytes;
    (void)n;
    return ENOSPC;
}

static void a_report(void **state)
{
    (void)state;
    struct page page = {0};
    cprof *c = cprof_new();
    assert_string_equal(cprof_message(c), "");
    assert_int_equal(cprof_set(c, "show_bytes", NULL), 0);
    assert_int_equal(cprof_load_bytes(c, profile, sizeof profile - 1, "demo.heap"), 0);
    assert_int_equal(cprof_report(c, "text", write_page, &page), 0);
    assert_string_equal(page.text, "Total: 200 B\n"
                                   "     200 100.0% 100.0%      200 100.0% foo\n"
                                   "       0   0.0% 100.0%      200 100.0% main\n");
    page.n = 0;
    assert_int_equal(cprof_report(c, "collapsed", write_page, &page), 0);
    assert_string_equal(page.text, "main;foo 200\n");
    page.n = 0;
    assert_int_equal(cprof_report(c, NULL, write_page, &page), 0);
    assert_int_equal(page.n, strlen(page.text));
    assert_non_null(strstr(page.text, "Total: 200 B\n"));
    cprof_free(c);
}

static void failures_have_messages(void **state)
{
    (void)state;
    struct page page = {0};
    cprof *c = cprof_new();
    assert_int_not_equal(cprof_set(c, "nodecount", "many"), 0);
    assert_string_equal(cprof_message(c),
                        "Value \"many\" invalid for option nodecount (number expected)");
    assert_int_not_equal(cprof_set(c, NULL, NULL), 0);
    assert_string_equal(cprof_message(c), "no option was given");
    assert_int_equal(cprof_set(c, "nodecount", "7"), 0);
    assert_string_equal(cprof_message(c), "");
    assert_int_not_equal(cprof_load(c, "/nonexistent/prog"), 0);
    assert_string_equal(cprof_message(c), "/nonexistent/prog: No such file or directory");
    assert_int_not_equal(cprof_load(c, NULL), 0);
    assert_int_not_equal(cprof_load_bytes(c, NULL, 3, NULL), 0);
    assert_int_not_equal(cprof_load_bytes(c, "junk", 4, NULL), 0);
    assert_int_equal(strncmp(cprof_message(c), "memory: ", 8), 0);
    assert_int_not_equal(cprof_report(c, "text", write_page, &page), 0);
    assert_string_equal(cprof_message(c), "Did not specify profile file");
    assert_int_equal(cprof_load_bytes(c, profile, sizeof profile - 1, "x"), 0);
    assert_int_not_equal(cprof_report(c, "nonsense", write_page, &page), 0);
    assert_string_equal(cprof_message(c), "nonsense: no such output");
    assert_int_not_equal(cprof_report(c, "text", write_nothing, NULL), 0);
    assert_non_null(strstr(cprof_message(c), "No space left on device"));
    assert_int_equal(page.n, 0);
    cprof_free(c);
    cprof_free(NULL);
}

static void notes(void **state)
{
    (void)state;
    static const char warned[] = "%warn look here\nheap profile: 0: 0 [0: 0] @ heapprofile\n"
                                 "2: 200 [7: 700] @ 0x401101 0x401301\n";
    cprof *c = cprof_new();
    assert_null(cprof_note(c, 0));
    assert_int_equal(cprof_load_bytes(c, warned, sizeof warned - 1, "demo.heap"), 0);
    assert_string_equal(cprof_note(c, 0), "WARNING: look here");
    assert_null(cprof_note(c, 1));
    cprof_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report),
        cmocka_unit_test(failures_have_messages),
        cmocka_unit_test(notes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
