/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The doctor's knowledge of packages, and that its texts for programs are JSON. Whole reports are
 * cases: tests/cases/doctor-*. */
#include "object_elf.h"

#include "base/buf.h"
#include "report/doctor.h"

static void packages(void **state)
{
    (void)state;
    char folder[64], file[256], list[256], text[1024];
    make_folder(folder);
    make_folder_in(folder, "info");
    write_file(path_in(folder, "libx.so.1", file), "x", 1);
    char resolved[4096];
    assert_non_null(realpath(file, resolved));
    struct arena *arena = arena_new();

    /* One that only begins so, one that only ends so, and no line's end behind the last. */
    int n = snprintf(text, sizeof text, "/.\n%s.2\n/a%s\n", resolved, resolved);
    write_file(path_in(folder, "info/liby1:amd64.list", list), text, (size_t)n);
    path_in(folder, "info", list);
    assert_null(package_of(list, file, arena));
    n = snprintf(text, sizeof text, "/.\n%s.2\n%s", resolved, resolved);
    char path[256];
    write_file(path_in(folder, "info/libx1:amd64.list", path), text, (size_t)n);
    write_file(path_in(folder, "info/libz1.md5sums", path), text, (size_t)n);
    assert_string_equal(package_of(list, file, arena), "libx1:amd64");
    assert_null(package_of("/nowhere", file, arena));
    assert_null(package_of(list, "/nowhere/libx.so.1", arena));
    arena_free(arena);
    char command[128];
    (void)snprintf(command, sizeof command, "rm -r '%s'", folder);
    assert_int_equal(system(command), 0);
}

static void debug_packages(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"libc6:amd64", "libc6-dbg:amd64"},
        {"libc6", "libc6-dbg"},
        {"libc6-i386", "libc6-i386-dbgsym"},
        {"libstdc++6:amd64", "libstdc++6-dbgsym:amd64"},
        {"openjdk-17-jre-headless:amd64", "openjdk-17-dbg:amd64"},
        {"openjdk-17-jdk", "openjdk-17-dbg"},
        {"libpetsc-real3.18:amd64", "libpetsc-real3.18-dbg:amd64"},
        {"bash", "bash-dbgsym"},
    };
    struct arena *arena = arena_new();
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_string_equal(package_debug(rows[i][0], arena), rows[i][1]);
    arena_free(arena);
}

static void json(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", ""},
        {"a \"b\" c:\\d", "a \\\"b\\\" c:\\\\d"},
        {"\n\t\x1b\x7f", "\\u000a\\u0009\\u001b\\u007f"},
        {"gr\xc3\xbc\xc3\x9f"
         "e",
         "gr\xc3\xbc\xc3\x9f"
         "e"},
        {"\xff\xc3", "\\ufffd\\ufffd"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf text = BUF_MAX(1024);
        struct out *out = out_to_buf(&text);
        json_text(out, rows[i][0]);
        assert_true(out_close(out, NULL));
        assert_string_equal(buf_c(&text), rows[i][1]);
        buf_free(&text);
    }
}

static void archive(void **state)
{
    (void)state;
    struct exam_module modules[] = {{0}, {.mend = "apt install libc6-dbg"}, {.mend = NULL}};
    const struct exam exam = {.modules = modules, .n_modules = COUNT_OF(modules)};
    assert_false(exam_needs_archive(&exam));
    modules[2].mend = "apt install bash-dbgsym";
    assert_true(exam_needs_archive(&exam));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packages),
        cmocka_unit_test(debug_packages),
        cmocka_unit_test(json),
        cmocka_unit_test(archive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
