/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the unit tests share: cmocka with the headers that it wants first, a folder to write in, a
 * look at how a child ends, and a locale with a decimal comma on machines that have none installed.
 */
#pragma once

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Runs fn in a child; its exit status, or 128 + signal. What it wrote to standard error goes to
 * `said`, of `size` bytes. */
static inline int child_status(void (*fn)(void), char *said, size_t size)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    (void)fflush(NULL);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        (void)close(ends[0]);
        (void)close(ends[1]);
        fn();
        _exit(0);
    }
    (void)close(ends[1]);
    size_t n = 0;
    for (ssize_t got; n + 1 < size && (got = read(ends[0], said + n, size - 1 - n)) > 0;)
        n += (size_t)got;
    said[n] = '\0';
    (void)close(ends[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A sanitizer may have its say before ours. */
#define assert_dies_of_memory(fn)                                                                  \
    do {                                                                                           \
        char said[256];                                                                            \
        assert_int_equal(child_status(fn, said, sizeof said), 1);                                  \
        assert_non_null(strstr(said, "cprof: out of memory\n"));                                   \
    } while (0)

/* A new empty folder. */
static inline void make_folder(char folder[64])
{
    (void)snprintf(folder, 64, "/tmp/cprof-unit-XXXXXX");
    assert_non_null(mkdtemp(folder));
}

static inline void write_file(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* Makes "," the decimal point of the whole program, by a numeric locale written on the spot:
 *   magic ^ category, number of texts (6), an offset each; point, separator, grouping, both as wide
 *   characters, codeset. */
static inline void use_comma_locale(void)
{
    char folder[64], path[128];
    make_folder(folder);
    const uint32_t head[] = {0x20031115u ^ (uint32_t)LC_NUMERIC, 6, 32, 34, 36, 40, 44, 48};
    unsigned char bytes[54] = {0};
    memcpy(bytes, head, sizeof head);
    bytes[32] = ',';
    bytes[36] = 0x7f;
    const uint32_t wide = ',';
    memcpy(bytes + 40, &wide, sizeof wide);
    memcpy(bytes + 48, "UTF-8", 6);
    (void)snprintf(path, sizeof path, "%s/xx_XX", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/xx_XX/LC_NUMERIC", folder);
    write_file(path, bytes, sizeof bytes);
    assert_int_equal(setenv("LOCPATH", folder, 1), 0);
    assert_non_null(setlocale(LC_NUMERIC, "xx_XX"));
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/xx_XX", folder);
    (void)rmdir(path);
    (void)rmdir(folder);
    assert_string_equal(localeconv()->decimal_point, ",");
    char text[8];
    (void)snprintf(text, sizeof text, "%.1f", 0.5);
    assert_string_equal(text, "0,5");
}
