/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Line programs: versions 2 to 5, what the machine does at each opcode, which sequences count, and
 * how paths are joined. */
#include "object_dwarf_unit.h"

/* A program under construction, and the lines that were read from it. */
struct fixture {
    struct bytes line;
    struct dwarf_file file;
    struct dwarf_unit unit;
    struct arena *arena;
    struct dwarf_scratch *scratch;
    struct dwarf_lines lines;
    const char *damage;
    size_t length, header;
};

static int setup(void **state)
{
    struct fixture *f = base_alloc(1, sizeof *f);
    f->arena = arena_new();
    f->scratch = base_alloc(1, sizeof *f->scratch);
    f->unit = (struct dwarf_unit){
        .file = &f->file, .shape = {4, 8, 4}, .has_lines = true, .comp_dir = "/comp"};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    arena_free(f->arena);
    dwarf_scratch_free(f->scratch);
    base_free(f);
    return 0;
}

enum { LINE_BASE = -3, LINE_RANGE = 12, OPCODE_BASE = 14 };

/* Header up to the tables; opcode 13 is unknown and has two operands. */
static void start(struct fixture *f, unsigned version, unsigned min_length, unsigned max_ops)
{
    struct bytes *b = &f->line;
    f->length = start_length(b);
    put(b, version, 2);
    if (version >= 5) {
        put(b, 8, 1);
        put(b, 0, 1);
    }
    f->header = start_length(b);
    put(b, min_length, 1);
    if (version >= 4)
        put(b, max_ops, 1);
    put(b, 1, 1);
    put(b, (uint8_t)LINE_BASE, 1);
    put(b, LINE_RANGE, 1);
    put(b, OPCODE_BASE, 1);
    static const uint8_t operands[] = {0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, 2};
    for (size_t i = 0; i < COUNT_OF(operands); i++)
        put(b, operands[i], 1);
}

static void put_file(struct bytes *b, const char *name, unsigned dir)
{
    put_text(b, name);
    put_uleb(b, dir);
    put_uleb(b, 0);
    put_uleb(b, 0);
}

/* The tables of versions 2 to 4: directory 1 is "inc", 2 is "/abs". */
static void put_tables(struct fixture *f)
{
    struct bytes *b = &f->line;
    put_text(b, "inc");
    put_text(b, "/abs");
    put(b, 0, 1);
    put_file(b, "a.c", 0);
    put_file(b, "./b/../b.h", 1);
    put_file(b, "c.h", 2);
    put_file(b, "/d.h", 1);
    put_file(b, "e.h", 77);
    put(b, 0, 1);
    put_length(b, f->header);
}

static void put_address(struct fixture *f, uint64_t address)
{
    put(&f->line, 0, 1);
    put_uleb(&f->line, 9);
    put(&f->line, DW_LNE_set_address, 1);
    put(&f->line, address, 8);
}

static void put_end(struct fixture *f)
{
    put(&f->line, 0, 1);
    put_uleb(&f->line, 1);
    put(&f->line, DW_LNE_end_sequence, 1);
}

static void put_special(struct fixture *f, unsigned advance, int line)
{
    put(&f->line, advance * LINE_RANGE + (unsigned)(line - LINE_BASE) + OPCODE_BASE, 1);
}

static void put_with(struct fixture *f, unsigned opcode, uint64_t operand)
{
    put(&f->line, opcode, 1);
    put_uleb(&f->line, operand);
}

static bool finish(struct fixture *f)
{
    put_length(&f->line, f->length);
    f->file.sections.line = bytes_span(&f->line);
    f->file.sections.order = f->line.order;
    assert_int_equal(dwarf_lines_size(&f->unit), f->line.n);
    return dwarf_lines_read(&f->unit, NULL, f->arena, f->scratch, &f->lines, &f->damage);
}

static const char *path(struct fixture *f, uint64_t file)
{
    return dwarf_lines_path(&f->lines, f->arena, f->unit.comp_dir, file);
}

static void expect(struct fixture *f, uint64_t address, uint32_t file, uint32_t line)
{
    const struct dwarf_row *row = dwarf_lines_find(f->scratch, address);
    assert_non_null(row);
    assert_int_equal(row->file, file);
    assert_int_equal(row->line, line);
}

static void test_opcodes(void **state)
{
    struct fixture *f = *state;
    for (unsigned version = 2; version <= 4; version++) {
        f->line.n = 0;
        f->line.order = version == 3 ? CURSOR_BIG : CURSOR_LITTLE;
        start(f, version, 2, 1);
        put_tables(f);
        put_address(f, 0x1000);
        put(&f->line, DW_LNS_advance_line, 1);
        put_sleb(&f->line, 99);
        put(&f->line, DW_LNS_copy, 1); /* 0x1000: 100 */
        put_special(f, 3, 4);          /* 0x1006: 104 */
        put_with(f, DW_LNS_set_file, 2);
        put_with(f, DW_LNS_advance_pc, 200);
        put_special(f, 0, -3);                 /* 0x1196: b.h 101 */
        put(&f->line, DW_LNS_const_add_pc, 1); /* (255 - 14) / 12 * 2 = 40 */
        put(&f->line, 13, 1);                  /* unknown */
        put_uleb(&f->line, 1000);
        put_uleb(&f->line, 1000);
        put(&f->line, DW_LNS_negate_stmt, 1);
        put_with(f, DW_LNS_set_column, 300);
        put_with(f, DW_LNS_set_isa, 300);
        put_special(f, 0, 0); /* same line: 0x11be */
        put_special(f, 1, 1); /* 0x11c0: 102 */
        put_special(f, 0, 5); /* 0x11c0 again: 107 counts */
        put(&f->line, DW_LNS_fixed_advance_pc, 1);
        put(&f->line, 0x123, 2);
        put_special(f, 0, -3); /* 0x12e3: 104 */
        put(&f->line, 0, 1);   /* an unknown extended opcode */
        put_uleb(&f->line, 3);
        put(&f->line, 0x80, 1);
        put(&f->line, 0xffff, 2);
        put_with(f, DW_LNS_advance_pc, 8);
        put_end(f); /* 0x12f3 */
        assert_true(finish(f));
        assert_null(dwarf_lines_find(f->scratch, 0xfff));
        expect(f, 0x1000, 1, 100);
        expect(f, 0x1005, 1, 100);
        expect(f, 0x1006, 1, 104);
        expect(f, 0x1195, 1, 104);
        expect(f, 0x1196, 2, 101);
        expect(f, 0x11bf, 2, 101);
        expect(f, 0x11c0, 2, 107);
        expect(f, 0x12e3, 2, 104);
        expect(f, 0x12f2, 2, 104);
        assert_null(dwarf_lines_find(f->scratch, 0x12f3));
    }
}

static void test_bundles_of_operations(void **state)
{
    struct fixture *f = *state;
    start(f, 4, 16, 3); /* three operations in 16 bytes */
    put_tables(f);
    put_address(f, 0x1000);
    put_special(f, 2, 1); /* operation 2 of the first */
    put_special(f, 2, 1); /* operation 1 of the second */
    put_with(f, DW_LNS_advance_pc, 5);
    put_special(f, 0, 1); /* operation 0 of the fourth */
    put_with(f, DW_LNS_advance_pc, 3);
    put_end(f);
    assert_true(finish(f));
    expect(f, 0x1000, 1, 2);
    expect(f, 0x1010, 1, 3);
    expect(f, 0x102f, 1, 3);
    expect(f, 0x1030, 1, 4);
    assert_null(dwarf_lines_find(f->scratch, 0x1040));
}

static void put_sequence(struct fixture *f, uint64_t low, unsigned size, int line)
{
    put_address(f, low);
    put(&f->line, DW_LNS_advance_line, 1);
    put_sleb(&f->line, line - 1);
    put(&f->line, DW_LNS_copy, 1);
    put_with(f, DW_LNS_advance_pc, size);
    put_end(f);
}

static void test_sequences(void **state)
{
    struct fixture *f = *state;
    start(f, 4, 1, 1);
    put_tables(f);
    put_sequence(f, 0x3000, 0x10, 30);
    put_sequence(f, 0x1000, 0x10, 10);
    put_sequence(f, 0, 0x4000, 66);         /* thrown away */
    put_sequence(f, UINT64_MAX, 0x10, 66);  /* likewise */
    put_sequence(f, UINT64_MAX - 1, 1, 66); /* likewise */
    put_sequence(f, 0x2000, 0, 66);         /* empty */
    put_sequence(f, 0x2000, 0x100, 20);     /* around the next one */
    put_sequence(f, 0x2010, 0x10, 21);
    put_address(f, 0x5000);
    put(&f->line, DW_LNS_copy, 1); /* has no end */
    assert_true(finish(f));
    expect(f, 0x100f, 1, 10);
    assert_null(dwarf_lines_find(f->scratch, 0x1010));
    expect(f, 0x200f, 1, 20);
    expect(f, 0x2010, 1, 21);
    expect(f, 0x2020, 1, 20);
    assert_null(dwarf_lines_find(f->scratch, 0x2100));
    expect(f, 0x3000, 1, 30);
    assert_null(dwarf_lines_find(f->scratch, 0x3010));
    assert_null(dwarf_lines_find(f->scratch, 0x10));
    assert_null(dwarf_lines_find(f->scratch, 0x5000));
    assert_null(dwarf_lines_find(f->scratch, UINT64_MAX));
}

/* Rows at 0x1000, 0x1004 ... 0x103c, of lines 2, 3 ...; then 0x1030 once more, and 0x1034. */
static void test_rows_that_nobody_wants_are_not_kept(void **state)
{
    struct fixture *f = *state;
    start(f, 4, 1, 1);
    put_tables(f);
    put_address(f, 0x1000);
    put_special(f, 0, 1);
    for (unsigned i = 1; i < 16; i++)
        put_special(f, 4, 1);
    put_address(f, 0x1030);
    put_special(f, 0, 5); /* 22: the last of a place counts, and so does the larger line */
    put_special(f, 4, 5); /* 27 */
    put_address(f, 0x1040);
    put_end(f);
    assert_true(finish(f));
    assert_int_equal(f->scratch->n_rows, 18);
    static const uint64_t addresses[] = {0xfff, 0x1003, 0x1008, 0x1009, 0x1031, 0x1036, 0x1040};
    const struct dwarf_wanted wanted = {.addresses = addresses, .n = COUNT_OF(addresses)};
    assert_true(dwarf_lines_read(&f->unit, &wanted, f->arena, f->scratch, &f->lines, &f->damage));
    assert_true(f->scratch->n_rows < 10);
    assert_null(dwarf_lines_find(f->scratch, 0xfff));
    expect(f, 0x1003, 1, 2);
    expect(f, 0x1008, 1, 4);
    expect(f, 0x1009, 1, 4);
    expect(f, 0x1031, 1, 22);
    expect(f, 0x1036, 1, 27);
    assert_null(dwarf_lines_find(f->scratch, 0x1040));
}

static void test_a_sequence_that_runs_backwards_is_sorted(void **state)
{
    struct fixture *f = *state;
    start(f, 4, 1, 1);
    put_tables(f);
    put_address(f, 0x1020);
    put_special(f, 0, 5); /* 0x1020: 6 */
    put_address(f, 0x1000);
    put_special(f, 0, 5); /* 0x1000: 11 */
    put_address(f, 0x1010);
    put_special(f, 0, 5); /* 0x1010: 16 */
    put_with(f, DW_LNS_advance_pc, 0x20);
    put_end(f);
    assert_true(finish(f));
    expect(f, 0x1000, 1, 11);
    expect(f, 0x101f, 1, 16);
    expect(f, 0x102f, 1, 6);
}

static void test_paths(void **state)
{
    struct fixture *f = *state;
    start(f, 4, 1, 1);
    put_tables(f);
    put(&f->line, 0, 1); /* defines file 6 */
    put_uleb(&f->line, 8);
    put(&f->line, DW_LNE_define_file, 1);
    put_text(&f->line, "x.h");
    put(&f->line, 2, 1);
    put(&f->line, 0, 2);
    assert_true(finish(f));
    assert_null(path(f, 0));
    assert_string_equal(path(f, 1), "/comp/a.c");
    assert_string_equal(path(f, 2), "/comp/inc/./b/../b.h");
    assert_string_equal(path(f, 3), "/abs/c.h");
    assert_string_equal(path(f, 4), "/d.h");
    assert_string_equal(path(f, 5), "/comp/e.h");
    assert_string_equal(path(f, 6), "/abs/x.h");
    assert_null(path(f, 7));
    assert_null(path(f, UINT64_MAX));
    assert_ptr_equal(path(f, 2), path(f, 2));
}

static void test_paths_without_a_compilation_directory(void **state)
{
    struct fixture *f = *state;
    f->unit.comp_dir = NULL;
    start(f, 2, 1, 1);
    put_tables(f);
    assert_true(finish(f));
    assert_string_equal(path(f, 1), "a.c");
    assert_string_equal(path(f, 2), "inc/./b/../b.h");
}

static void test_described_tables(void **state)
{
    struct fixture *f = *state;
    struct bytes *b = &f->line;
    f->file.sections.line_str = span_make("/comp\0sub", 10);
    start(f, 5, 1, 1);
    put(b, 1, 1);
    put_uleb(b, DW_LNCT_path);
    put_uleb(b, DW_FORM_line_strp);
    put_uleb(b, 2);
    put(b, 0, 4);
    put(b, 6, 4);
    put(b, 5, 1);
    put_uleb(b, DW_LNCT_MD5);
    put_uleb(b, DW_FORM_data16);
    put_uleb(b, DW_LNCT_path);
    put_uleb(b, DW_FORM_string);
    put_uleb(b, 0x2001); /* a vendor's */
    put_uleb(b, DW_FORM_block);
    put_uleb(b, DW_LNCT_directory_index);
    put_uleb(b, DW_FORM_udata);
    put_uleb(b, DW_LNCT_size);
    put_uleb(b, DW_FORM_data2);
    put_uleb(b, 2);
    for (unsigned i = 0; i < 2; i++) {
        put(b, 0xabcd, 8);
        put(b, 0xabcd, 8);
        put_text(b, i ? "b.h" : "a.c");
        put_uleb(b, 3);
        put(b, 0, 3);
        put_uleb(b, i);
        put(b, 7, 2);
    }
    put_length(b, f->header);
    put_sequence(f, 0x1000, 0x10, 10);
    assert_true(finish(f));
    assert_string_equal(path(f, 0), "/comp/a.c");
    assert_string_equal(path(f, 1), "/comp/sub/b.h");
    assert_null(path(f, 2));
    expect(f, 0x1000, 1, 10);
}

static void test_entries_without_bytes_are_refused(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 2; i++) {
        f->line.n = 0;
        start(f, 5, 1, 1);
        put(&f->line, i, 1);
        if (i) {
            put_uleb(&f->line, DW_LNCT_path);
            put_uleb(&f->line, DW_FORM_flag_present);
        }
        put_uleb(&f->line, UINT64_MAX / 2);
        put_length(&f->line, f->header);
        assert_false(finish(f));
        assert_non_null(f->damage);
        assert_int_equal(f->lines.n_sources, 0);
    }
}

static void test_damage(void **state)
{
    struct fixture *f = *state;
    start(f, 4, 1, 1);
    put_tables(f);
    put_sequence(f, 0x1000, 0x10, 10);
    put(&f->line, DW_LNS_advance_pc, 1); /* its operand is missing */
    assert_false(finish(f));
    assert_string_equal(f->damage, "its line program is cut short");
    expect(f, 0x1000, 1, 10);

    f->line.p[f->header + 3] = 0; /* line_range */
    assert_false(dwarf_lines_read(&f->unit, NULL, f->arena, f->scratch, &f->lines, &f->damage));
    f->unit.lines = f->line.n;
    assert_int_equal(dwarf_lines_size(&f->unit), 0);
    assert_false(dwarf_lines_read(&f->unit, NULL, f->arena, f->scratch, &f->lines, &f->damage));
    f->unit.lines = UINT64_MAX;
    assert_false(dwarf_lines_read(&f->unit, NULL, f->arena, f->scratch, &f->lines, &f->damage));
    f->unit.has_lines = false;
    assert_true(dwarf_lines_read(&f->unit, NULL, f->arena, f->scratch, &f->lines, &f->damage));
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_opcodes),
        TEST(test_bundles_of_operations),
        TEST(test_sequences),
        TEST(test_rows_that_nobody_wants_are_not_kept),
        TEST(test_a_sequence_that_runs_backwards_is_sorted),
        TEST(test_paths),
        TEST(test_paths_without_a_compilation_directory),
        TEST(test_described_tables),
        TEST(test_entries_without_bytes_are_refused),
        TEST(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
