/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The line that tells a waiting person what goes on. Standard error is a pipe here; time is what
 * the line believes it to be. */
#include "cli/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct capture {
    int saved, read_end;
    char text[4096];
};

static void begin(struct capture *capture)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    (void)fflush(stderr);
    capture->saved = dup(STDERR_FILENO);
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    close(ends[1]);
    capture->read_end = ends[0];
}

static const char *end(struct capture *capture)
{
    (void)fflush(stderr);
    assert_true(dup2(capture->saved, STDERR_FILENO) >= 0);
    close(capture->saved);
    const ssize_t n = read(capture->read_end, capture->text, sizeof capture->text - 1);
    assert_true(n >= 0);
    capture->text[n] = '\0';
    close(capture->read_end);
    return capture->text;
}

/* A line on a terminal in a program that was started long ago. */
static struct progress_line long_ago(void)
{
    return (struct progress_line){.is_terminal = true, .width = 20};
}

static void step(struct progress_line *line, const char *doing, double share)
{
    const struct progress progress = progress_of(line);
    progress_step(&progress, doing, share);
}

static void no_terminal_no_words(void **state)
{
    (void)state;
    struct capture capture;
    struct progress_line line;
    begin(&capture);
    progress_start(&line);
    assert_false(line.is_terminal);
    line.started = 0;
    step(&line, "reading", 0.5);
    progress_erase(&line);
    assert_string_equal(end(&capture), "");
}

static void quiet_for_a_second_then_ten_times_a_second(void **state)
{
    (void)state;
    struct progress_line line = {.is_terminal = true, .started = 5000};
    assert_false(progress_is_due(&line, 5000));
    assert_false(progress_is_due(&line, 5999));
    assert_true(progress_is_due(&line, 6000));
    line.drawn = 6000;
    assert_false(progress_is_due(&line, 6099));
    assert_true(progress_is_due(&line, 6100));
}

static void drawn_and_erased(void **state)
{
    (void)state;
    struct capture capture;
    struct progress_line line = long_ago();
    begin(&capture);
    step(&line, "reading", 0.5);
    progress_erase(&line);
    progress_erase(&line);
    assert_string_equal(end(&capture), "\rreading: 50%\033[K\r\033[K");
    assert_false(line.is_shown);
}

static void fits_the_terminal(void **state)
{
    (void)state;
    struct capture capture;
    struct progress_line line = long_ago();
    begin(&capture);
    step(&line, "a name\033[2J that is much longer than the line", 0);
    assert_string_equal(end(&capture), "\ra name?[2J that is \033[K");
}

static void erased_when_nothing_goes_on(void **state)
{
    (void)state;
    struct capture capture;
    struct progress_line line = long_ago();
    begin(&capture);
    step(&line, "reading", 0);
    step(&line, NULL, 1);
    step(&line, NULL, 1);
    assert_string_equal(end(&capture), "\rreading...\033[K\r\033[K");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_terminal_no_words),
        cmocka_unit_test(quiet_for_a_second_then_ten_times_a_second),
        cmocka_unit_test(drawn_and_erased),
        cmocka_unit_test(fits_the_terminal),
        cmocka_unit_test(erased_when_nothing_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
