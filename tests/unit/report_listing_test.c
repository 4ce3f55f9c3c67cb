/* SPDX-License-Identifier: BSD-3-Clause
 *
 * report/routines.c and report/source.c: which functions a listing shows and what they are worth,
 * which lines of a source go with one, and where sources are found. */
#include "object_elf.h"

#include "analysis/analysis.h"
#include "report/internal.h"

/* ---- excerpts -----------------------------------------------------------------------------------
 */

struct files {
    char folder[64], path[256];
    struct strings *strings;
    struct profile profile;
    struct view view;
    struct report_options options;
    struct notes notes;
    struct arena *arena;
    struct report report;
    struct sources *sources;
};

static void begin(struct files *f, const char *text)
{
    *f = (struct files){.strings = strings_new(), .arena = arena_new()};
    make_folder(f->folder);
    write_file(path_in(f->folder, "a.c", f->path), text, strlen(text));
    f->profile.strings = f->strings;
    f->view.profile = &f->profile;
    f->report = (struct report){
        .view = &f->view, .options = &f->options, .notes = &f->notes, .arena = f->arena};
    f->sources = sources_new(&f->report);
}

static void end(struct files *f)
{
    sources_free(f->sources);
    notes_free(&f->notes);
    arena_free(f->arena);
    strings_free(f->strings);
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(rmdir(f->folder), 0);
}

static void expect_range(const char *text, uint32_t first, uint32_t last, uint32_t to_last,
                         uint32_t to)
{
    struct files f;
    begin(&f, text);
    const struct instruction code[] = {
        {.address = 1, .size = 1, .file = f.path, .line = first},
        {.address = 2, .size = 1, .file = f.path, .line = last},
    };
    const struct routine routine = {.name = "f", .code = code, .n_code = COUNT_OF(code)};
    struct excerpt e;
    assert_true(excerpt_make(&routine, f.sources, &f.report, f.arena, &e));
    assert_int_equal(e.first, first);
    assert_int_equal(e.last, to_last);
    assert_int_equal(e.from, first > 5 ? first - 5 : 1);
    assert_int_equal(e.to, to);
    end(&f);
}

static void indentation_says_where_a_routine_ends(void **state)
{
    (void)state;
    /* no indentation: not extended; 5 lines around */
    expect_range("a\nb\nc\nd\ne\nf\ng\nh\ni\n", 1, 2, 2, 7);
    /* up to the closing brace, over blank lines */
    expect_range("f()\n{\n  a;\n  b;\n\n    c;\n\t d;\n}\nx\n", 3, 4, 8, 9);
    /* the first line that is not blank sets the base */
    expect_range("f()\n{\n \n  a;\n  b;\n c;\n}\n", 3, 4, 6, 7);
    /* the last line falls back itself */
    expect_range("{\n  a;\n}\n  b;\n", 2, 3, 3, 4);
    /* to the end of the file, and one more that is not there */
    expect_range("{\n  a;\n  b;\n  c;", 2, 2, 5, 4);
    /* lines beyond the file's */
    expect_range("{\n  a;\n", 2, 900, 900, 2);
    expect_range("{\n  a;\n", 700, 900, 900, 2);
    expect_range("", 1, UINT32_MAX, UINT32_MAX, 0);
}

static void strange_lines_count_for_the_next_own(void **state)
{
    (void)state;
    struct files f;
    begin(&f, "a\nb\nc\nd\n");
    const struct instruction code[] = {
        {.address = 1, .flat = 1, .cum = 1, .file = NULL},
        {.address = 2, .flat = 2, .cum = 3, .file = f.path, .line = 2},
        {.address = 3, .flat = 4, .cum = 5, .file = "b.c", .line = 3},
        {.address = 4, .flat = 0, .cum = 7, .file = f.path, .line = 1},
        {.address = 5, .flat = 8, .cum = 9, .file = f.path, .line = 4},
        {.address = 6, .flat = 16, .cum = 16, .file = NULL},
    };
    const struct routine routine = {.name = "f", .code = code, .n_code = COUNT_OF(code)};
    struct excerpt e;
    assert_true(excerpt_make(&routine, f.sources, &f.report, f.arena, &e));
    assert_int_equal(e.first, 2);
    assert_int_equal(e.last, 4);
    assert_true(e.flat[0] == 3 && e.cum[0] == 4);
    assert_true(e.flat[1] == 0 && e.cum[1] == 0);
    assert_true(e.flat[2] == 4 + 0 + 8 + 16 && e.cum[2] == 5 + 7 + 9 + 16);
    end(&f);
}

static void a_routine_without_lines_is_told(void **state)
{
    (void)state;
    struct files f;
    begin(&f, "a\n");
    const struct instruction code[] = {{.address = 1, .size = 1}};
    struct routine routine = {.name = "f", .code = code, .n_code = 1};
    struct excerpt e;
    assert_false(excerpt_make(&routine, f.sources, &f.report, f.arena, &e));
    routine.n_code = 0;
    assert_false(excerpt_make(&routine, f.sources, &f.report, f.arena, &e));
    assert_int_equal(f.notes.n, 1);
    assert_string_equal(f.notes.lines[0], "no filename found in f");
    end(&f);
}

/* ---- sources ------------------------------------------------------------------------------------
 */

static void lines_are_cut_without_copies(void **state)
{
    (void)state;
    struct files f;
    begin(&f, "one\r\n\ntwo \nthree");
    const struct source *source = sources_find(f.sources, f.path);
    assert_non_null(source);
    assert_ptr_equal(sources_find(f.sources, f.path), source);
    assert_int_equal(source_count(source), 4);
    assert_true(span_is(source_line(source, 1), "one"));
    assert_true(span_is(source_line(source, 2), ""));
    assert_true(span_is(source_line(source, 3), "two "));
    assert_true(span_is(source_line(source, 4), "three"));
    end(&f);
}

static void only_regular_files_are_sources(void **state)
{
    (void)state;
    struct files f;
    begin(&f, "");
    assert_null(sources_find(f.sources, "/dev/zero"));
    assert_null(sources_find(f.sources, f.folder));
    assert_null(sources_find(f.sources, "/nonexistent/a.c"));
    assert_null(sources_find(f.sources, "/nonexistent/a.c"));
    assert_null(sources_find(f.sources, ""));
    assert_int_equal(f.notes.n, 4);
    assert_string_equal(f.notes.lines[0], "/dev/zero: is no regular file");
    assert_string_equal(f.notes.lines[2], "/nonexistent/a.c: No such file or directory");
    end(&f);
}

static void moved_sources_are_found(void **state)
{
    (void)state;
    struct files f;
    begin(&f, "here\n");
    char list[128];
    (void)snprintf(list, sizeof list, ",/nonexistent,%s//", f.folder);
    f.options.source_path = list;
    assert_non_null(sources_find(f.sources, "/build/project/a.c"));
    assert_non_null(sources_find(f.sources, "./a.c"));
    f.options.source_path = NULL;
    assert_null(sources_find(f.sources, "/other/project/a.c"));
    f.options.trim_path = "/nothing,/other/project/";
    assert_null(sources_find(f.sources, "/other/projects/a.c"));
    assert_int_equal(chdir(f.folder), 0);
    assert_non_null(sources_find(f.sources, "/other/project//a.c"));
    assert_int_equal(chdir("/"), 0);
    end(&f);
}

static void paths_are_shown_short(void **state)
{
    (void)state;
    assert_string_equal(source_shown("/proc/self/cwd/./a/b.c"), "a/b.c");
    assert_string_equal(source_shown("././a.c"), "./a.c");
    assert_string_equal(source_shown(".a.c"), ".a.c");
    assert_string_equal(source_shown(""), "");
}

/* ---- routines -----------------------------------------------------------------------------------
 */

/* ns::two(int) at 0x1000 and one at 0x1010, alias uno, 16 nops each; rest at 0x1020, which nobody
 * calls; nops have no lines. */
static void write_program(const char *path)
{
    struct elf_maker m = elf_maker(ET_EXEC);
    const uint32_t text = elf_code(&m, ".text", 0x1000, 0x100);
    elf_segment(&m, PT_LOAD, PF_R | PF_X, 512, 0x1000, 0x100);
    const uint32_t table = elf_symbols(&m, SHT_SYMTAB);
    elf_symbol(&m, table, "_ZN2ns3twoEi", 0x1000, 16, STB_GLOBAL, STT_FUNC, text);
    elf_symbol(&m, table, "one", 0x1010, 2, STB_GLOBAL, STT_FUNC, text);
    elf_symbol(&m, table, "uno", 0x1010, 2, STB_GLOBAL, STT_FUNC, text);
    elf_symbol(&m, table, "rest", 0x1020, 0, STB_GLOBAL, STT_FUNC, text);
    elf_write(&m, path);
}

static const char profile[] = "heap profile: 0: 0 [0: 0] @ heapprofile\n"
                              "1: 100 [1: 100] @ 0x1011 0x1002\n"      /* one < two */
                              "1: 10 [1: 10] @ 0x1011 0x1011 0x1002\n" /* recursion */
                              "1: 1 [1: 1] @ 0x1003 0x1002 0xffffffffffff0001\n";

static void expect_disasm(const char *expression, const char *wanted)
{
    char folder[64], path[256];
    struct error err = {0};
    make_folder(folder);
    write_program(path_in(folder, "prog", path));
    struct analysis *a = analysis_new();
    assert_true(options_set(analysis_options(a), span_of("disasm"), span_of(expression),
                            analysis_settings(a), &err));
    assert_true(options_set(analysis_options(a), span_of("show_bytes"), span_of("1"),
                            analysis_settings(a), &err));
    assert_true(analysis_load(a, path, LOAD_PROGRAM, &err));
    assert_true(analysis_load_bytes(a, span_of(profile), "heap", LOAD_PROFILE, &err));
    struct buf text = BUF_MAX(1 << 16);
    struct out *out = out_to_buf(&text);
    assert_true(analysis_report(a, NULL, out, &err));
    assert_true(out_close(out, &err));
    assert_string_equal(buf_c(&text), wanted);
    buf_free(&text);
    analysis_free(a);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void a_stack_counts_once_an_address(void **state)
{
    (void)state;
    /* Callers are the addresses less one: the leaf 1011 and the caller 1010. */
    expect_disasm("^one$", "ROUTINE ====================== one\n"
                           "   110    120 B (flat, cumulative) 108.1% of total\n"
                           "     .     10        1010:    nop\n"
                           "   110    110        1011:    nop\n");
}

static void any_name_will_do(void **state)
{
    (void)state;
    static const char one[] = "ROUTINE ====================== uno\n"
                              "   110    120 B (flat, cumulative) 108.1% of total\n"
                              "     .     10        1010:    nop\n"
                              "   110    110        1011:    nop\n";
    expect_disasm("^uno$", one);
    expect_disasm("^rest", ""); /* no samples */
    expect_disasm("^1011", ""); /* addresses are no names */
    expect_disasm("nobody", "");
    const char two[] = "ROUTINE ====================== ns::two\n"
                       "     1    112 B (flat, cumulative) 100.9% of total\n"
                       "     .      .        1000:    nop\n"
                       "     .    111        1001:    nop\n"
                       "     .      .        1002:    nop\n"
                       "     1      1        1003:    nop\n";
    struct buf whole = BUF_MAX(1 << 12);
    buf_text(&whole, two);
    for (unsigned i = 4; i < 16; i++)
        buf_printf(&whole, "     .      .        %x:    nop\n", 0x1000 + i);
    expect_disasm("^ns::two\\(int\\)$", buf_c(&whole)); /* the full name */
    expect_disasm("^ns::two$", buf_c(&whole));          /* the short one */
    buf_free(&whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(indentation_says_where_a_routine_ends),
        cmocka_unit_test(strange_lines_count_for_the_next_own),
        cmocka_unit_test(a_routine_without_lines_is_told),
        cmocka_unit_test(lines_are_cut_without_copies),
        cmocka_unit_test(only_regular_files_are_sources),
        cmocka_unit_test(moved_sources_are_found),
        cmocka_unit_test(paths_are_shown_short),
        cmocka_unit_test(a_stack_counts_once_an_address),
        cmocka_unit_test(any_name_will_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
