/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A file is what it was until its successor is complete. */
#include "base/save.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
    char folder[64], file[128], link[128];
};

static struct place make_place(void)
{
    struct place p = {.folder = "/tmp/cprof-test-XXXXXX"};
    assert_non_null(mkdtemp(p.folder));
    (void)snprintf(p.file, sizeof p.file, "%s/report", p.folder);
    (void)snprintf(p.link, sizeof p.link, "%s/link", p.folder);
    return p;
}

static void expect_content(const char *path, const char *expected)
{
    char text[100] = "";
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    (void)!fread(text, 1, sizeof text - 1, f);
    (void)fclose(f);
    assert_string_equal(text, expected);
}

static void put(struct save *save, const char *path, const char *content)
{
    struct error err = {0};
    if (!save_open(save, path, &err))
        fail_msg("%s", err.text);
    assert_int_equal(write(save->fd, content, strlen(content)), (ssize_t)strlen(content));
}

static void keep(struct save *save)
{
    struct error err = {0};
    if (!save_keep(save, &err))
        fail_msg("%s", err.text);
}

static void remove_place(const struct place *p)
{
    unlink(p->file);
    unlink(p->link);
    assert_int_equal(rmdir(p->folder), 0); /* nothing was left behind */
}

static void new_and_replaced(void **state)
{
    (void)state;
    const struct place p = make_place();
    struct save save;
    struct stat st;
    put(&save, p.file, "old");
    assert_int_equal(access(p.file, F_OK), -1);
    keep(&save);
    expect_content(p.file, "old");
    const mode_t mask = umask(0);
    (void)umask(mask);
    assert_int_equal(stat(p.file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0666 & ~mask);

    assert_int_equal(chmod(p.file, 0640), 0);
    put(&save, p.file, "new");
    expect_content(p.file, "old");
    keep(&save);
    expect_content(p.file, "new");
    assert_int_equal(stat(p.file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    save_drop(&save);
    expect_content(p.file, "new");
    remove_place(&p);
}

static void dropped(void **state)
{
    (void)state;
    const struct place p = make_place();
    struct save save = {0};
    save_drop(&save);
    put(&save, p.file, "old");
    keep(&save);
    put(&save, p.file, "half");
    save_drop(&save);
    expect_content(p.file, "old");
    remove_place(&p);
}

static void links_stay_links(void **state)
{
    (void)state;
    const struct place p = make_place();
    struct save save;
    struct stat st;
    put(&save, p.file, "old");
    keep(&save);
    assert_int_equal(symlink("report", p.link), 0);
    put(&save, p.link, "new");
    keep(&save);
    expect_content(p.file, "new");
    assert_int_equal(lstat(p.link, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    remove_place(&p);
}

static void what_is_no_file(void **state)
{
    (void)state;
    struct save save;
    struct error err = {0};
    put(&save, "/dev/null", "gone");
    assert_null(save.temporary);
    keep(&save);
    assert_false(save_open(&save, "/tmp", &err));
    assert_string_equal(err.text, "/tmp: Is a directory");
    assert_false(save_open(&save, "/nonexistent/report", &err));
    assert_string_equal(err.text, "/nonexistent/report: No such file or directory");
}

static void two_at_once(void **state)
{
    (void)state;
    const struct place p = make_place();
    struct save a, b;
    put(&a, p.file, "a");
    put(&b, p.file, "b");
    keep(&a);
    expect_content(p.file, "a");
    keep(&b);
    expect_content(p.file, "b");
    remove_place(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_and_replaced), cmocka_unit_test(dropped),
        cmocka_unit_test(links_stay_links), cmocka_unit_test(what_is_no_file),
        cmocka_unit_test(two_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
