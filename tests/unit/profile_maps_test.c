/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Mapping lines in all their forms, and finding the program among them. */
#include "profile_unit.h"

/* What the lines give; `seal` is left to free. */
static void read_maps(struct strings *strings, const char *text, struct profile *out)
{
    const struct limits limits = limits_default();
    struct builder *builder = builder_new(strings, &limits);
    builder_column(builder, "samples", "count");
    builder_maps(builder, span_of(text));
    const uint64_t pcs[] = {0x1100, 0x5100, 0x9100};
    builder_add(builder, builder_stack(builder, pcs, 3), 0, (const double[]){1});
    assert_true(builder_seal(builder, CALLERS_AS_GIVEN, out, NULL));
    builder_free(builder);
}

static void assert_reads(const char *text, const char *wanted)
{
    struct strings *strings = strings_new();
    struct profile profile;
    read_maps(strings, text, &profile);
    assert_maps(&profile, wanted);
    profile_free(&profile);
    strings_free(strings);
}

static void reads_proc_lines(void **state)
{
    (void)state;
    assert_reads("1000-2000 r-xp 00003000 08:01 17    /lib/libx.so.6\n",
                 "1000-2000 3000 /lib/libx.so.6 library\n");
    assert_reads("  1000-2000\trwxs 00003000 fd:1f 17 /a dir/with  spaces (1)\n",
                 "1000-2000 3000 /a dir/with  spaces (1)\n");
    assert_reads("1000-2000 r-xp 00000000 08:01 17 /bin/x (deleted)\n",
                 "1000-2000 0 /bin/x deleted\n");
    assert_reads("7fff00001000-7FFF00002000 r-xp 0 00:00 0 /bin/x\n",
                 "7fff00001000-7fff00002000 0 /bin/x\n");
}

static void skips_what_has_no_code_or_no_file(void **state)
{
    (void)state;
    assert_reads("1000-2000 r--p 00000000 08:01 17 /bin/x\n"
                 "1000-2000 rw-p 00000000 08:01 17 /bin/x\n"
                 "1000-2000 r-xp 00000000 00:00 0\n"
                 "1000-2000 r-xp 00000000 00:00 0    [uprobes]\n"
                 "1000-2000 r-xp 00000000 00:00 0    //anon\n"
                 "1000-2000 r-xp 00000000 00:01 9    /memfd:jit (deleted)\n"
                 "1000-2000 r-xp 00000000 00:00 0    anon_inode:x\n",
                 "");
}

static void keeps_the_kernels_code(void **state)
{
    (void)state;
    assert_reads("1000-2000 r--p 00000000 00:00 0    [vvar]\n"
                 "2000-3000 r-xp 00000000 00:00 0    [vdso]\n"
                 "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0    [vsyscall]\n",
                 "2000-3000 0 [vdso]\nffffffffff600000-ffffffffff601000 0 [vsyscall]\n");
}

static void code_that_was_copied(void **state)
{
    (void)state;
    /* Between two pieces of code, in one piece or several, with data among them. */
    assert_reads("10000-20000 r-xp 00001000 08:01 1 /bin/x\n"
                 "20000-30000 r-xp 00000000 00:00 0\n"
                 "30000-34000 r--p 00000000 00:00 0\n"
                 "34000-40000 r-xp 00000000 00:10 9 /anon_hugepage (deleted)\n"
                 "40000-50000 r-xp 00031000 08:01 1 /bin/x\n",
                 "10000-20000 1000 /bin/x\n20000-30000 11000 /bin/x\n34000-40000 25000 /bin/x\n"
                 "40000-50000 31000 /bin/x\n");
    /* Behind data, with a page that is there twice. */
    assert_reads("10000-20000 r--p 00000000 08:01 1 /bin/x\n"
                 "20000-30000 r-xp 00000000 00:00 0\n"
                 "30000-40000 r-xp 0001f000 08:01 1 /bin/x\n",
                 "20000-30000 f000 /bin/x\n30000-40000 1f000 /bin/x\n");
    /* Another file, another size, a hole, before a file or behind it: of whoever it may be. */
    assert_reads("10000-20000 r-xp 00000000 08:01 1 /bin/x\n"
                 "20000-30000 r-xp 00000000 00:00 0\n"
                 "30000-40000 r-xp 00020000 08:01 1 /bin/y\n",
                 "10000-20000 0 /bin/x\n30000-40000 20000 /bin/y\n");
    assert_reads("10000-20000 r-xp 00000000 08:01 1 /bin/x\n"
                 "20000-30000 r-xp 00000000 00:00 0\n"
                 "30000-40000 r-xp 00030000 08:01 1 /bin/x\n",
                 "10000-20000 0 /bin/x\n30000-40000 30000 /bin/x\n");
    assert_reads("10000-20000 r-xp 00000000 08:01 1 /bin/x\n"
                 "20000-2f000 r-xp 00000000 00:00 0\n"
                 "30000-40000 r-xp 00020000 08:01 1 /bin/x\n",
                 "10000-20000 0 /bin/x\n30000-40000 20000 /bin/x\n");
    assert_reads("0-10000 r-xp 00000000 00:00 0\n"
                 "10000-20000 r-xp 00000000 08:01 1 /bin/x\n"
                 "20000-30000 r-xp 00000000 00:00 0\n",
                 "10000-20000 0 /bin/x\n");
}

static void skips_lines_in_no_form(void **state)
{
    (void)state;
    assert_reads("\n\nhello\n1000 2000 r-xp 0 08:01 1 /x\n2000-1000 r-xp 0 08:01 1 /x\n"
                 "1000-2000\n1000-2000 \n1000-2000 r-x 0 08:01 1 /x\n1000-2000 r-xp\n"
                 "1000-2000 r-xp zz 08:01 1 /x\n1000-2000 r-xp 0 0801 1 /x\n"
                 "1000-2000 r-xp 0 08:01 1x /x\n1000-2000 r-xp 0 08:01 1\n"
                 "10000000000000000-2 r-xp 0 08:01 1 /x\n-1000 r-xp 0 08:01 1 /x\n1000-2000:\n",
                 "");
}

static void reads_short_lines_and_build(void **state)
{
    (void)state;
    assert_reads("   1000-2000: /lib/libx.so.6\n2000-3000:/lib/liby.so\n",
                 "1000-2000 0 /lib/libx.so.6 library\n2000-3000 0 /lib/liby.so library\n");
    assert_reads("1000-1800: $build/a.so\nbuild=/home/me\n2000-3000: $build/$build.so\n"
                 "3000-4000: $builder/a.so\nbuild=\n5000-6000 r-xp 0 08:01 1 $build/a.so\n",
                 "1000-1800 0 $build/a.so library\n2000-3000 0 /home/me//home/me.so library\n"
                 "3000-4000 0 $builder/a.so library\n5000-6000 0 /a.so library\n");
}

static void reads_build_ids(void **state)
{
    (void)state;
    assert_reads("1000-2000: /bin/x (@FF00) abc12345\n0x2000-0x3000 /bin/y (@10)\n"
                 "3000-4000: r-xp /a dir/z ABC123456789abcdef00\n"
                 "4000-5000: rw-p /no/code (@10) abc12345\n5000-6000: /bin/w beef\n",
                 "1000-2000 ff00 /bin/x abc12345\n2000-3000 10 /bin/y\n"
                 "3000-4000 0 /a dir/z abc123456789abcdef00\n5000-6000 0 /bin/w beef\n");
    /* Nothing is left of the path, or it is no ID that a linker makes. */
    assert_reads("1000-2000: abc12345\n2000-3000: /bin/y abc123456\n3000-4000 abc12345 abc12345\n",
                 "1000-2000 0 abc12345\n2000-3000 0 /bin/y\n");
}

static void reads_variables_of_any_name(void **state)
{
    (void)state;
    assert_reads("root = /no\nroot=/r\n lib_2=/l/2 \n1000-2000: $root$lib_2/$lib/$/x\nroot=/s\n"
                 "2000-3000 $root/y (@20) abcdef0123\n2=/no\n3000-4000: $2/x$\n",
                 "1000-2000 0 /r/l/2/$lib/$/x\n2000-3000 20 /s/y abcdef0123\n3000-4000 0 $2/x$\n");
    struct buf text = BUF_MAX(4096);
    for (int i = 0; i < 40; i++)
        buf_printf(&text, "v%d=/%d\n", i, i);
    buf_printf(&text, "v3=/new\n1000-2000: $v3$v31$v32\n");
    assert_reads(buf_c(&text), "1000-2000 0 /new/31$v32\n");
    buf_free(&text);
}

static void reads_what_a_log_prefixed(void **state)
{
    (void)state;
    assert_reads("I0102 03:04:05.678 99 heap-profile.cc:12] 1000-2000 r-xp 3000 08:01 17 /bin/x\n"
                 "W x.cc:7] build=/r\nx.cc:8] 2000-3000: $build/y\n"
                 "[1] x.cc:9] 3000-4000: /bin/z\nx.cc] 4000-5000: /bin/z\n"
                 "x.cc:9]5000-6000: /bin/z\n",
                 "1000-2000 3000 /bin/x\n2000-3000 0 /r/y\n");
}

static void knows_libraries(void **state)
{
    (void)state;
    static const char *const libraries[] = {
        "/l.so",      "/l.so.1",        "/l.so.1.2.3", "/l.so.0.9.8g", "/l.so.0.9.8g.1.2.3",
        "/L.DLL",     "/l.dylib",       "/l.1.dylib",  "/x.bundle",    "/x.node",
        "/l-2.36.so", "/l.so/really.so"};
    static const char *const others[] = {
        "/lso",   "/l.so.", "/l.so.x", "/l.so.1.x", "/l.sox", "/l.so/prog", "/l.so.0.9.8g.1.2.3.4",
        "/l.so-1"};
    for (size_t i = 0; i < COUNT_OF(libraries); i++) {
        char text[128], wanted[128];
        (void)snprintf(text, sizeof text, "1000-2000 r-xp 0 08:01 1 %s\n", libraries[i]);
        (void)snprintf(wanted, sizeof wanted, "1000-2000 0 %s library\n", libraries[i]);
        assert_reads(text, wanted);
    }
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        char text[128], wanted[128];
        (void)snprintf(text, sizeof text, "1000-2000 r-xp 0 08:01 1 %s\n", others[i]);
        (void)snprintf(wanted, sizeof wanted, "1000-2000 0 %s\n", others[i]);
        assert_reads(text, wanted);
    }
}

/* ---- the program --------------------------------------------------------------------------------
 */

static void assert_found(const char *maps, const struct program *program, const char *wanted_maps,
                         const char *wanted_samples)
{
    struct strings *strings = strings_new();
    struct profile profile;
    read_maps(strings, maps, &profile);
    profile_find_program(&profile, program);
    assert_maps(&profile, wanted_maps);
    assert_samples(&profile, wanted_samples);
    profile_free(&profile);
    strings_free(strings);
}

static void finds_the_program_by_path(void **state)
{
    (void)state;
    const struct program moved = {.path = "prog", .resolved = "/d/prog", .is_movable = true};
    assert_found("1000-2000 r-xp 0 08:01 1 /e/prog\n5000-6000 r-xp 1000 08:01 1 /d/prog\n"
                 "9000-a000 r-xp 9000 08:01 1 /d/prog\n",
                 &moved,
                 "1000-2000 0 /e/prog\n5000-6000 1000 /d/prog program\n"
                 "9000-a000 9000 /d/prog program\n",
                 "1 @ 1100/0 5100/1 9100/2\n");
    const struct program fixed = {.path = "prog", .resolved = "/d/prog"};
    assert_found("1000-2000 r-xp 0 08:01 1 /e/prog\n5000-6000 r-xp 1000 08:01 1 /d/prog\n", &fixed,
                 "1000-2000 0 /e/prog\n5000-6000 1000 /d/prog program\n", "1 @ 1100/0 5100 9100\n");
}

static void finds_the_program_by_weaker_signs(void **state)
{
    (void)state;
    const struct program program = {.path = "x/prog", .is_movable = true};
    assert_found("1000-2000 r-xp 0 08:01 1 /lib/a.so\n5000-6000 r-xp 0 08:01 1 /d/prog (deleted)\n",
                 &program, "1000-2000 0 /lib/a.so library\n5000-6000 0 /d/prog program deleted\n",
                 "1 @ 1100/0 5100/1 9100\n");
    const struct program other = {.path = "y", .is_movable = true};
    assert_found("1000-2000 r-xp 0 08:01 1 /lib/a.so\n5000-6000 r-xp 0 08:01 1 /d/prog\n"
                 "9000-a000 r-xp 0 08:01 1 /d/plugin\n",
                 &other,
                 "1000-2000 0 /lib/a.so library\n5000-6000 0 /d/prog program\n"
                 "9000-a000 0 /d/plugin\n",
                 "1 @ 1100/0 5100/1 9100/2\n");
    const struct program fixed = {.path = "y"};
    assert_found("5000-6000 r-xp 0 08:01 1 /d/prog\n", &fixed, "5000-6000 0 /d/prog\n",
                 "1 @ 1100 5100/0 9100\n");
}

static void believes_build_ids_first(void **state)
{
    (void)state;
    struct strings *strings = strings_new();
    const struct limits limits = limits_default();
    struct builder *builder = builder_new(strings, &limits);
    builder_mapping(builder, &(struct mapping){.start = 0x1000,
                                               .limit = 0x2000,
                                               .path = strings_add_text(strings, "/d/prog"),
                                               .build_id = strings_add_text(strings, "0a0b")});
    builder_mapping(builder, &(struct mapping){.start = 0x5000,
                                               .limit = 0x6000,
                                               .path = strings_add_text(strings, "/d/renamed"),
                                               .build_id = strings_add_text(strings, "0a0c")});
    struct profile profile;
    assert_true(builder_seal(builder, CALLERS_AS_GIVEN, &profile, NULL));
    struct program program = {.path = "/d/prog", .build_id = span_of("\x0a\x0c")};
    profile_find_program(&profile, &program);
    assert_maps(&profile, "1000-2000 0 /d/prog 0a0b\n5000-6000 0 /d/renamed 0a0c program\n");
    /* Another build of the program than the one that ran: nothing is taken for it. */
    program.build_id = span_of("\x0a\x0d");
    program.is_movable = true;
    profile.maps[1].is_program = false;
    profile_find_program(&profile, &program);
    assert_maps(&profile, "1000-2000 0 /d/prog 0a0b\n5000-6000 0 /d/renamed 0a0c\n");
    profile_free(&profile);
    builder_free(builder);
    strings_free(strings);
}

static void guesses_without_a_program(void **state)
{
    (void)state;
    struct strings *strings = strings_new();
    struct profile profile;
    read_maps(strings, "1000-2000 r-xp 0 08:01 1 /a.so\n3000-4000 r-xp 0 08:01 1 /p\n", &profile);
    assert_int_equal(profile_guess_program(&profile), 1);
    profile_free(&profile);
    read_maps(strings, "1000-2000 r-xp 0 08:01 1 /a.so\n", &profile);
    assert_int_equal(profile_guess_program(&profile), MAP_NONE);
    profile_free(&profile);
    strings_free(strings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_proc_lines),
        cmocka_unit_test(skips_what_has_no_code_or_no_file),
        cmocka_unit_test(keeps_the_kernels_code),
        cmocka_unit_test(code_that_was_copied),
        cmocka_unit_test(skips_lines_in_no_form),
        cmocka_unit_test(reads_short_lines_and_build),
        cmocka_unit_test(reads_build_ids),
        cmocka_unit_test(reads_variables_of_any_name),
        cmocka_unit_test(reads_what_a_log_prefixed),
        cmocka_unit_test(knows_libraries),
        cmocka_unit_test(finds_the_program_by_path),
        cmocka_unit_test(finds_the_program_by_weaker_signs),
        cmocka_unit_test(believes_build_ids_first),
        cmocka_unit_test(guesses_without_a_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
