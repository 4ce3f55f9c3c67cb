/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Programs that are found, started, fed and waited for. */
#include "base/proc.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/span.h"

#define RUN(options, ...) run((const char *const[]){__VA_ARGS__, NULL}, options)

static int run(const char *const *argv, const struct proc_options *options)
{
    struct proc proc;
    struct error err = {0};
    int status = -1;
    if (!proc_start(&proc, argv, options, &err) || !proc_wait(&proc, &status, &err))
        fail_msg("%s", err.text);
    assert_int_equal(proc.pid, 0);
    return status;
}

static void programs_are_found(void **state)
{
    (void)state;
    char folder[] = "/tmp/cprof-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char program[100], other[100], path[200];
    (void)snprintf(program, sizeof program, "%s/viewer", folder);
    (void)snprintf(other, sizeof other, "%s/note", folder);
    (void)snprintf(path, sizeof path, "/nonexistent:%s", folder);
    FILE *f = fopen(program, "w");
    assert_non_null(f);
    (void)fputs("#!/bin/sh\nexit 7\n", f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(program, 0700), 0);
    f = fopen(other, "w");
    assert_non_null(f);
    assert_int_equal(fclose(f), 0);

    char *before = strdup(getenv("PATH"));
    assert_int_equal(setenv("PATH", path, 1), 0);
    struct error err = {0};
    char *found = proc_find("viewer", &err);
    assert_non_null(found);
    assert_string_equal(found, program);
    base_free(found);
    assert_null(proc_find("note", &err)); /* cannot be run */
    assert_null(proc_find("sh", &err));
    assert_null(proc_find("", &err));
    assert_null(proc_find(other, &err));
    assert_int_equal(err.sys, EACCES);
    assert_null(proc_find(folder, &err));
    assert_int_equal(err.sys, EISDIR);
    assert_null(proc_find("./nowhere", &err));
    assert_int_equal(err.sys, ENOENT);
    assert_int_equal(RUN(NULL, "viewer"), 7);
    struct proc proc;
    static const char *const missing[] = {"sh", NULL};
    assert_false(proc_start(&proc, missing, NULL, &err));
    assert_string_equal(err.text, "sh: no such program");
    assert_int_equal(setenv("PATH", before, 1), 0);
    free(before);
    unlink(program);
    unlink(other);
    rmdir(folder);
}

static void how_it_ended(void **state)
{
    (void)state;
    assert_int_equal(RUN(NULL, "sh", "-c", "exit 0"), 0);
    assert_int_equal(RUN(NULL, "sh", "-c", "exit 3"), 3);
    assert_int_equal(RUN(NULL, "sh", "-c", "kill -TERM $$"), 128 + SIGTERM);
}

static void arguments_are_no_commands(void **state)
{
    (void)state;
    assert_int_equal(RUN(NULL, "test", "$(exit 1); `exit 2`", "=", "$(exit 1); `exit 2`"), 0);
    assert_int_equal(RUN(NULL, "test", "", "=", ""), 0);
}

static void input_and_output(void **state)
{
    (void)state;
    struct error err = {0};
    int in[2], out[2], status;
    assert_true(proc_pipe(in, &err) && proc_pipe(out, &err));
    struct proc proc;
    static const char *const argv[] = {"tr", "a-z", "A-Z", NULL};
    const struct proc_options options = {.in = in[0], .out = out[1]};
    assert_true(proc_start(&proc, argv, &options, &err));
    close(in[0]);
    close(out[1]);
    assert_int_equal(write(in[1], "to and fro\n", 11), 11);
    close(in[1]); /* or it would never end: the program does not have this end too */
    char text[100] = "";
    size_t n = 0;
    ssize_t got;
    while ((got = read(out[0], text + n, sizeof text - 1 - n)) > 0)
        n += (size_t)got;
    close(out[0]);
    assert_string_equal(text, "TO AND FRO\n");
    assert_true(proc_wait(&proc, &status, &err));
    assert_int_equal(status, 0);
}

static void signals_are_as_they_should_be(void **state)
{
    (void)state;
    /* We ignore it; the program must not. */
    assert_true(signal(SIGINT, SIG_IGN) != SIG_ERR);
    assert_int_equal(RUN(NULL, "sh", "-c", "kill -INT $$; exit 1"), 128 + SIGINT);
    assert_true(signal(SIGINT, SIG_DFL) != SIG_ERR);
}

static void on_the_side(void **state)
{
    (void)state;
    static const struct proc_options options = {.is_on_side = true, .is_quiet = true};
    /* Its group is its own, and there is nothing to read. */
    assert_int_equal(RUN(&options, "sh", "-c",
                         "read -r a b c d group rest </proc/$$/stat; test $group = $$ && echo x"),
                     0);
    assert_int_equal(RUN(&options, "sh", "-c", "read x && exit 1; exit 5"), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_are_found),
        cmocka_unit_test(how_it_ended),
        cmocka_unit_test(arguments_are_no_commands),
        cmocka_unit_test(input_and_output),
        cmocka_unit_test(signals_are_as_they_should_be),
        cmocka_unit_test(on_the_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
