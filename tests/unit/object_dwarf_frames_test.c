/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Whole answers: a small program described in DWARF 4 and 5, asked for its frames. */
#include "object_dwarf_unit.h"

#include <stdio.h>

enum code {
    CODE_UNIT = 1,
    CODE_BARE_UNIT, /* says nothing of its ranges */
    CODE_NAMESPACE,
    CODE_ANONYMOUS,
    CODE_ABSTRACT,
    CODE_CONCRETE,
    CODE_PLAIN,
    CODE_INLINED,
    CODE_LINKED,
    CODE_CLASS,
    CODE_SPECIFIED,
    CODE_BLOCK,
    CODE_EMPTY_CALL,
    CODE_UNREADABLE,
    CODE_PASSABLE
};

struct fixture {
    struct bytes abbrev, info, line;
    struct dwarf_sections sections;
    struct dwarf *dwarf;
    struct notes notes;
    struct object_answer answer;
    const uint64_t *asked;
    size_t unit;    /* start of its length */
    size_t sibling; /* to be patched */
};

static void put_abbrevs(struct bytes *b)
{
    put_abbrev(b, CODE_UNIT, DW_TAG_compile_unit, true,
               PAIRS(DW_AT_comp_dir, DW_FORM_string, DW_AT_language, DW_FORM_data1, DW_AT_low_pc,
                     DW_FORM_addr, DW_AT_high_pc, DW_FORM_data4, DW_AT_stmt_list,
                     DW_FORM_sec_offset));
    put_abbrev(b, CODE_BARE_UNIT, DW_TAG_compile_unit, true, PAIRS(DW_AT_language, DW_FORM_data1));
    put_abbrev(b, CODE_NAMESPACE, DW_TAG_namespace, true, PAIRS(DW_AT_name, DW_FORM_string));
    put_abbrev(b, CODE_ANONYMOUS, DW_TAG_namespace, true, PAIRS(0, 0));
    put_abbrev(b, CODE_ABSTRACT, DW_TAG_subprogram, false,
               PAIRS(DW_AT_name, DW_FORM_string, DW_AT_decl_line, DW_FORM_data1));
    put_abbrev(b, CODE_CONCRETE, DW_TAG_subprogram, true,
               PAIRS(DW_AT_abstract_origin, DW_FORM_ref4, DW_AT_low_pc, DW_FORM_addr, DW_AT_high_pc,
                     DW_FORM_data4));
    put_abbrev(b, CODE_PLAIN, DW_TAG_subprogram, false,
               PAIRS(DW_AT_name, DW_FORM_string, DW_AT_decl_line, DW_FORM_data1, DW_AT_low_pc,
                     DW_FORM_addr, DW_AT_high_pc, DW_FORM_addr));
    put_abbrev(b, CODE_INLINED, DW_TAG_inlined_subroutine, true,
               PAIRS(DW_AT_abstract_origin, DW_FORM_ref4, DW_AT_low_pc, DW_FORM_addr, DW_AT_high_pc,
                     DW_FORM_udata, DW_AT_call_file, DW_FORM_data1, DW_AT_call_line,
                     DW_FORM_udata));
    put_abbrev(b, CODE_LINKED, DW_TAG_subprogram, true,
               PAIRS(DW_AT_name, DW_FORM_string, DW_AT_MIPS_linkage_name, DW_FORM_string,
                     DW_AT_decl_line, DW_FORM_data1, DW_AT_low_pc, DW_FORM_addr, DW_AT_high_pc,
                     DW_FORM_data4));
    put_abbrev(b, CODE_CLASS, DW_TAG_class_type, true,
               PAIRS(DW_AT_name, DW_FORM_string, DW_AT_sibling, DW_FORM_ref4));
    put_abbrev(b, CODE_SPECIFIED, DW_TAG_subprogram, false,
               PAIRS(DW_AT_specification, DW_FORM_ref4, DW_AT_decl_line, DW_FORM_data2,
                     DW_AT_low_pc, DW_FORM_addr, DW_AT_high_pc, DW_FORM_data4));
    put_abbrev(b, CODE_BLOCK, DW_TAG_lexical_block, true, PAIRS(0, 0));
    put_abbrev(b, CODE_EMPTY_CALL, DW_TAG_inlined_subroutine, true,
               PAIRS(DW_AT_abstract_origin, DW_FORM_ref4, DW_AT_call_file, DW_FORM_data1,
                     DW_AT_call_line, DW_FORM_udata));
    put_abbrev(b, CODE_UNREADABLE, DW_TAG_variable, false, PAIRS(DW_AT_name, 0x7f));
    put_abbrev(b, CODE_PASSABLE, DW_TAG_subprogram, true,
               PAIRS(DW_AT_name, DW_FORM_string, DW_AT_decl_line, DW_FORM_data1, DW_AT_low_pc,
                     DW_FORM_addr, DW_AT_high_pc, DW_FORM_data4, DW_AT_sibling, DW_FORM_ref4));
    put(b, 0, 1);
}

/* One file a.c, and a row at each of these addresses: line 1 at 0x1000, 2 at 0x1010, and so on up
 * to 0x1100. */
static void put_lines(struct bytes *b)
{
    const size_t length = start_length(b);
    put(b, 4, 2);
    const size_t header = start_length(b);
    put(b, 0x01010101, 4); /* min_length, max_ops, is_stmt, line_base */
    put(b, 1, 1);          /* line_range */
    put(b, 10, 1);         /* opcode_base */
    put(b, 0, 8);
    put(b, 0, 1);
    put(b, 0, 1); /* no directories */
    put_text(b, "a.c");
    put(b, 0, 3);
    put_text(b, "h.h");
    put(b, 0, 3);
    put(b, 0, 1);
    put_length(b, header);
    put(b, 0, 1);
    put_uleb(b, 9);
    put(b, DW_LNE_set_address, 1);
    put(b, 0x1000, 8);
    for (unsigned i = 0; i < 16; i++) {
        put(b, DW_LNS_copy, 1);
        put(b, DW_LNS_advance_pc, 1);
        put_uleb(b, 0x10);
        put(b, DW_LNS_advance_line, 1);
        put_sleb(b, 1);
    }
    put(b, 0x010100, 3); /* end of sequence */
    put_length(b, length);
}

static int setup(void **state)
{
    struct fixture *f = base_alloc(1, sizeof *f);
    put_abbrevs(&f->abbrev);
    put_lines(&f->line);
    *state = f;
    return 0;
}

static void forget_answer(struct fixture *f)
{
    base_free(f->answer.at);
    base_free(f->answer.frames);
    f->answer = (struct object_answer){0};
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    forget_answer(f);
    dwarf_free(f->dwarf);
    notes_free(&f->notes);
    base_free(f);
    return 0;
}

static uint32_t die(const struct fixture *f)
{
    return (uint32_t)(f->info.n - (f->unit - 4));
}

static void start_code_unit(struct fixture *f, unsigned version, unsigned language, uint64_t low,
                            unsigned size)
{
    struct bytes *b = &f->info;
    f->unit = start_unit(b, version, DW_UT_compile, 8);
    put(b, CODE_UNIT, 1);
    put_text(b, "/src");
    put(b, language, 1);
    put(b, low, 8);
    put(b, size, 4);
    put(b, 0, 4);
}

static void put_abstract(struct fixture *f, const char *name, unsigned line)
{
    put(&f->info, CODE_ABSTRACT, 1);
    put_text(&f->info, name);
    put(&f->info, line, 1);
}

static void put_plain(struct fixture *f, const char *name, unsigned line, uint64_t low,
                      uint64_t high)
{
    put(&f->info, CODE_PLAIN, 1);
    put_text(&f->info, name);
    put(&f->info, line, 1);
    put(&f->info, low, 8);
    put(&f->info, high, 8);
}

static void put_concrete(struct fixture *f, uint32_t origin, uint64_t low, unsigned size)
{
    put(&f->info, CODE_CONCRETE, 1);
    put(&f->info, origin, 4);
    put(&f->info, low, 8);
    put(&f->info, size, 4);
}

static void put_inlined(struct fixture *f, uint32_t origin, uint64_t low, unsigned size,
                        unsigned file, unsigned line)
{
    put(&f->info, CODE_INLINED, 1);
    put(&f->info, origin, 4);
    put(&f->info, low, 8);
    put_uleb(&f->info, size);
    put(&f->info, file, 1);
    put_uleb(&f->info, line);
}

static void end(struct fixture *f)
{
    put(&f->info, 0, 1);
}

static void end_unit(struct fixture *f)
{
    end(f);
    put_length(&f->info, f->unit);
}

static void ask(struct fixture *f, const uint64_t *sorted, uint32_t n, unsigned threads)
{
    if (!f->dwarf) {
        f->sections.info = bytes_span(&f->info);
        f->sections.abbrev = bytes_span(&f->abbrev);
        f->sections.line = bytes_span(&f->line);
        f->sections.path = "/obj";
        f->dwarf = dwarf_new(&f->sections, NULL, NULL);
    }
    forget_answer(f);
    f->asked = sorted;
    dwarf_frames(f->dwarf, sorted, n, threads, NULL, &f->notes, &f->answer);
}

/* "name file:line @func_line" of each frame, ";" between them. */
static const char *told(const struct fixture *f, uint32_t i)
{
    static char text[1024];
    int n = 0;
    text[0] = '\0';
    for (uint32_t k = f->answer.at[i]; k < f->answer.at[i + 1]; k++) {
        const struct object_frame *frame = &f->answer.frames[k];
        n += snprintf(text + n, sizeof text - (size_t)n, "%s%s %s:%u @%u", n ? "; " : "",
                      frame->name ? frame->name : "-", frame->file ? frame->file : "-", frame->line,
                      frame->func_line);
    }
    return text;
}

/* main calls outer at line 20 of h.h, which calls leaf at line 30 of a.c. */
static void put_program(struct fixture *f, unsigned version, unsigned language)
{
    start_code_unit(f, version, language, 0x1000, 0x100);
    put(&f->info, CODE_NAMESPACE, 1);
    put_text(&f->info, "ns");
    put(&f->info, CODE_ANONYMOUS, 1);
    const uint32_t leaf = die(f);
    put_abstract(f, "leaf", 7);
    end(f);
    const uint32_t outer = die(f);
    put_abstract(f, "outer", 8);
    end(f);
    const uint32_t main_function = die(f);
    put_abstract(f, "main", 9);
    put_concrete(f, main_function, 0x1000, 0x80);
    put(&f->info, CODE_BLOCK, 1);
    put_inlined(f, outer, 0x1010, 0x40, 2, 20);
    put_inlined(f, leaf, 0x1020, 0x10, 1, 30);
    end(f);
    end(f);
    end(f);
    end(f);
    end_unit(f);
}

static void test_inlined_calls(void **state)
{
    struct fixture *f = *state;
    put_program(f, 4, DW_LANG_C99);
    static const uint64_t asked[] = {0xfff,  0x1000, 0x1015, 0x1020, 0x102f,
                                     0x1030, 0x1050, 0x107f, 0x1085, 0x1100};
    ask(f, asked, COUNT_OF(asked), 1);
    assert_string_equal(told(f, 0), "");
    assert_string_equal(told(f, 1), "main /src/a.c:1 @9");
    assert_string_equal(told(f, 2), "outer /src/a.c:2 @8; main /src/h.h:20 @9");
    static const char deep[] = "leaf /src/a.c:3 @7; outer /src/a.c:30 @8; main /src/h.h:20 @9";
    assert_string_equal(told(f, 3), deep);
    assert_string_equal(told(f, 4), deep);
    assert_string_equal(told(f, 5), "outer /src/a.c:4 @8; main /src/h.h:20 @9");
    assert_string_equal(told(f, 6), "main /src/a.c:6 @9");
    assert_string_equal(told(f, 7), "main /src/a.c:8 @9");
    assert_string_equal(told(f, 8), "- /src/a.c:9 @0"); /* a line, but no function */
    assert_string_equal(told(f, 9), "");
    assert_int_equal(f->notes.n, 0);
}

static void test_names_of_scoped_languages(void **state)
{
    struct fixture *f = *state;
    put_program(f, 5, DW_LANG_C_plus_plus_14);
    static const uint64_t asked[] = {0x1020};
    ask(f, asked, 1, 1);
    assert_string_equal(told(f, 0), "ns::(anonymous namespace)::leaf /src/a.c:3 @7; "
                                    "ns::outer /src/a.c:30 @8; main /src/h.h:20 @9");
}

static void test_a_method_gets_its_class(void **state)
{
    struct fixture *f = *state;
    start_code_unit(f, 4, DW_LANG_C_plus_plus, 0x1000, 0x100);
    put(&f->info, CODE_NAMESPACE, 1);
    put_text(&f->info, "ns");
    put(&f->info, CODE_CLASS, 1);
    put_text(&f->info, "Thing");
    f->sibling = f->info.n;
    put(&f->info, 0, 4);
    const uint32_t method = die(f);
    put_abstract(f, "run", 7);
    end(f);
    const uint32_t after = die(f);
    f->info.p[f->sibling] = (uint8_t)after;
    end(f);
    put(&f->info, CODE_SPECIFIED, 1);
    put(&f->info, method, 4);
    put(&f->info, 500, 2);
    put(&f->info, 0x1000, 8);
    put(&f->info, 0x10, 4);
    put(&f->info, CODE_LINKED, 1);
    put_text(&f->info, "plain");
    put_text(&f->info, "_Z5plainv");
    put(&f->info, 3, 1);
    put(&f->info, 0x1010, 8);
    put(&f->info, 0x10, 4);
    end(f);
    end_unit(f);
    static const uint64_t asked[] = {0x1000, 0x1010};
    ask(f, asked, COUNT_OF(asked), 1);
    assert_string_equal(told(f, 0), "ns::Thing::run /src/a.c:1 @500");
    assert_string_equal(told(f, 1), "_Z5plainv /src/a.c:2 @3");
}

static void test_a_call_without_code_is_a_frame_around_others(void **state)
{
    struct fixture *f = *state;
    start_code_unit(f, 4, DW_LANG_C, 0x1000, 0x100);
    const uint32_t leaf = die(f);
    put_abstract(f, "leaf", 7);
    const uint32_t outer = die(f);
    put_abstract(f, "outer", 8);
    put_concrete(f, outer, 0x1000, 0x20);
    put(&f->info, CODE_EMPTY_CALL, 1);
    put(&f->info, outer, 4);
    put(&f->info, 1, 1);
    put_uleb(&f->info, 40);
    put_inlined(f, leaf, 0x1000, 0x10, 1, 50);
    end(f);
    end(f);
    end(f);
    end_unit(f);
    static const uint64_t asked[] = {0x1000};
    ask(f, asked, 1, 1);
    assert_string_equal(told(f, 0),
                        "leaf /src/a.c:1 @7; outer /src/a.c:50 @8; outer /src/a.c:40 @8");
}

/* "host", up to 0x1010, with an inlined call and a function in it, and then "next". */
static void put_nested(struct fixture *f, bool is_readable)
{
    start_code_unit(f, 4, DW_LANG_C, 0x1000, 0x100);
    const uint32_t leaf = die(f);
    put_abstract(f, "leaf", 7);
    put(&f->info, CODE_PASSABLE, 1);
    put_text(&f->info, "host");
    put(&f->info, 1, 1);
    put(&f->info, 0x1000, 8);
    put(&f->info, 0x10, 4);
    f->sibling = f->info.n;
    put(&f->info, 0, 4);
    put_inlined(f, leaf, 0x1000, 0x8, 1, 50);
    end(f);
    put_plain(f, "nested", 2, 0x1010, 0x1020);
    if (!is_readable)
        put(&f->info, CODE_UNREADABLE, 1);
    end(f);
    f->info.p[f->sibling] = (uint8_t)die(f);
    put_plain(f, "next", 3, 0x1020, 0x1030);
    end_unit(f);
}

static void test_what_is_in_a_function_nobody_asks_for_is_passed_over(void **state)
{
    struct fixture *f = *state;
    put_nested(f, false);
    static const uint64_t next[] = {0x1020}, host[] = {0x1000};
    ask(f, next, 1, 1);
    assert_string_equal(told(f, 0), "next /src/a.c:3 @3");
    assert_int_equal(f->notes.n, 0);
    ask(f, host, 1, 1);
    assert_string_equal(told(f, 0), "- /src/a.c:1 @0");
    assert_int_equal(f->notes.n, 1);
}

static void test_what_was_passed_over_is_found_when_asked_for(void **state)
{
    struct fixture *f = *state;
    put_nested(f, true);
    static const uint64_t next[] = {0x1020}, host[] = {0x1000, 0x100c}, nested[] = {0x1010, 0x1020};
    ask(f, next, 1, 1);
    assert_string_equal(told(f, 0), "next /src/a.c:3 @3");
    ask(f, host, COUNT_OF(host), 1);
    assert_string_equal(told(f, 0), "leaf /src/a.c:1 @7; host /src/a.c:50 @1");
    assert_string_equal(told(f, 1), "host /src/a.c:1 @1");
    ask(f, nested, COUNT_OF(nested), 1);
    assert_string_equal(told(f, 0), "nested /src/a.c:2 @2");
    assert_string_equal(told(f, 1), "next /src/a.c:3 @3");
    assert_int_equal(f->notes.n, 0);
}

/* What the linker threw away does not come back through calls inside it. */
static void test_functions_that_are_gone(void **state)
{
    struct fixture *f = *state;
    start_code_unit(f, 4, DW_LANG_C, 0x1000, 0x100);
    const uint32_t leaf = die(f);
    put_abstract(f, "leaf", 7);
    const uint64_t gone[] = {0, UINT64_MAX, UINT64_MAX - 1};
    for (size_t i = 0; i < COUNT_OF(gone); i++) {
        put_concrete(f, leaf, gone[i], 0x2000);
        put_inlined(f, leaf, 0x1008, 0x10, 1, 50);
        end(f);
        end(f);
    }
    put_plain(f, "real", 1, 0x1000, 0x1020);
    end_unit(f);
    static const uint64_t asked[] = {0x10, 0x1008};
    ask(f, asked, COUNT_OF(asked), 1);
    assert_string_equal(told(f, 0), "");
    assert_string_equal(told(f, 1), "real /src/a.c:1 @1");
}

static void test_a_unit_without_ranges_is_asked_for_its_functions(void **state)
{
    struct fixture *f = *state;
    f->unit = start_unit(&f->info, 4, 0, 8);
    put(&f->info, CODE_BARE_UNIT, 1);
    put(&f->info, DW_LANG_C, 1);
    put_plain(f, "one", 1, 0x5000, 0x5010);
    put_plain(f, "two", 2, 0x7000, 0x7010);
    end_unit(f);
    static const uint64_t asked[] = {0x5000, 0x6000, 0x700f};
    ask(f, asked, COUNT_OF(asked), 1);
    assert_string_equal(told(f, 0), "one -:0 @1");
    assert_string_equal(told(f, 1), "");
    assert_string_equal(told(f, 2), "two -:0 @2");
}

static void put_aranges(struct bytes *b, unsigned unit, uint64_t low, uint64_t size)
{
    const size_t length = start_length(b);
    put(b, 2, 2);
    put(b, unit, 4);
    put(b, 8, 1);
    put(b, 0, 1);
    put(b, 0, 4); /* up to a multiple of 16 */
    put(b, low, 8);
    put(b, size, 8);
    put(b, 0, 8);
    put(b, 0, 8);
    put_length(b, length);
}

static void test_aranges_come_first(void **state)
{
    struct fixture *f = *state;
    put_program(f, 4, DW_LANG_C);
    struct bytes aranges = {0};
    put_aranges(&aranges, 0, 0x1000, 0x18);
    put_aranges(&aranges, 1, 0x1018, 0x18); /* no unit is there */
    f->sections.aranges = bytes_span(&aranges);
    static const uint64_t asked[] = {0x1000, 0x1018};
    ask(f, asked, COUNT_OF(asked), 1);
    assert_string_equal(told(f, 0), "main /src/a.c:1 @9");
    assert_string_equal(told(f, 1), "");
}

/* A function that each of two units had, and the linker kept once. */
static void test_of_equal_claims_the_first_counts(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 2; i++) {
        start_code_unit(f, 4, DW_LANG_C, 0x1000, 0x10);
        put_plain(f, i ? "second" : "first", 1, 0x1000, 0x1010);
        end_unit(f);
    }
    static const uint64_t asked[] = {0x1000};
    ask(f, asked, 1, 1);
    assert_string_equal(told(f, 0), "first /src/a.c:1 @1");
}

/* Two names of one piece of assembler. */
static void test_of_equal_functions_the_last_counts(void **state)
{
    struct fixture *f = *state;
    start_code_unit(f, 4, DW_LANG_C, 0x1000, 0x10);
    put_plain(f, "first", 1, 0x1000, 0x1010);
    put_plain(f, "second", 1, 0x1000, 0x1010);
    end_unit(f);
    static const uint64_t asked[] = {0x1000};
    ask(f, asked, 1, 1);
    assert_string_equal(told(f, 0), "second /src/a.c:1 @1");
}

static void test_an_answer_does_not_depend_on_threads_or_on_what_was_asked_before(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 20; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "f%u", i);
        start_code_unit(f, i & 1 ? 4 : 5, DW_LANG_C, 0x10000 + 0x100 * i, 0x100);
        put_plain(f, name, i, 0x10000 + 0x100 * i, 0x10080 + 0x100 * i);
        end_unit(f);
    }
    enum { N = 256 };
    uint64_t asked[N];
    for (unsigned i = 0; i < N; i++)
        asked[i] = 0xff00 + 0x20 * i;
    char first[N][64];
    ask(f, asked, N, 1);
    for (unsigned i = 0; i < N; i++)
        (void)snprintf(first[i], sizeof first[i], "%s", told(f, i));
    assert_string_equal(first[8], "f0 -:0 @0");
    assert_string_equal(first[8 + 8 * 19 + 3], "f19 -:0 @19");
    for (unsigned threads = 2; threads < 5; threads++) {
        ask(f, asked, N, threads);
        for (unsigned i = 0; i < N; i++)
            assert_string_equal(told(f, i), first[i]);
        dwarf_free(f->dwarf);
        f->dwarf = NULL;
    }
}

static void test_nothing_asked_nothing_there(void **state)
{
    struct fixture *f = *state;
    static const uint64_t asked[] = {0x1000};
    ask(f, asked, 1, 2);
    assert_string_equal(told(f, 0), "");
    ask(f, asked, 0, 2);
    assert_int_equal(f->answer.at[0], 0);
}

static void test_damage_costs_the_unit(void **state)
{
    struct fixture *f = *state;
    start_code_unit(f, 4, DW_LANG_C, 0x1000, 0x10);
    put_plain(f, "lost", 1, 0x1000, 0x1010);
    put(&f->info, CODE_UNREADABLE, 1);
    end_unit(f);
    const size_t second = f->info.n;
    start_code_unit(f, 4, DW_LANG_C, 0x2000, 0x10);
    put(&f->info, 99, 1); /* no such abbreviation */
    end_unit(f);
    start_code_unit(f, 4, DW_LANG_C, 0x3000, 0x10);
    put_plain(f, "kept", 1, 0x3000, 0x3010);
    end_unit(f);
    const size_t last = f->info.n;
    put(&f->info, 0x1000, 4); /* a unit that runs past the end */
    static const uint64_t asked[] = {0x1000, 0x2000, 0x3000};
    ask(f, asked, COUNT_OF(asked), 2);
    ask(f, asked, COUNT_OF(asked), 2);
    assert_string_equal(told(f, 0), "- /src/a.c:1 @0");
    assert_string_equal(told(f, 1), "");
    assert_string_equal(told(f, 2), "kept -:0 @1");
    char text[128];
    assert_int_equal(f->notes.n, 3);
    (void)snprintf(text, sizeof text,
                   "/obj: DWARF unit at 0x%zx: it runs past the end of its "
                   "section",
                   last);
    assert_string_equal(f->notes.lines[0], text);
    assert_string_equal(f->notes.lines[1], "/obj: DWARF unit at 0x0: a DIE has an attribute of an "
                                           "unknown form");
    (void)snprintf(text, sizeof text, "/obj: DWARF unit at 0x%zx: a DIE's abbreviation is missing",
                   second);
    assert_string_equal(f->notes.lines[2], text);
}

/* Origins that lead in a circle, and calls that nest deeper than anybody inlines. */
static void test_hostile_shapes_end(void **state)
{
    struct fixture *f = *state;
    start_code_unit(f, 4, DW_LANG_C, 0x1000, 0x100);
    const uint32_t self = die(f);
    put_concrete(f, self, 0x1080, 0x10);
    end(f);
    const uint32_t leaf = die(f);
    put_abstract(f, "leaf", 7);
    put_concrete(f, leaf, 0x1000, 0x20);
    unsigned depth = 0;
    for (; f->info.n < 3500; depth++)
        put_inlined(f, leaf, 0x1000, 0x10, 1, 50);
    end_unit(f);
    static const uint64_t asked[] = {0x1000, 0x1080};
    ask(f, asked, COUNT_OF(asked), 1);
    assert_int_equal(f->answer.at[1], depth + 1);
    assert_string_equal(told(f, 1), "- /src/a.c:9 @0");
    assert_int_equal(f->answer.at[2] - f->answer.at[1], 1);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_inlined_calls),
        TEST(test_names_of_scoped_languages),
        TEST(test_a_method_gets_its_class),
        TEST(test_a_call_without_code_is_a_frame_around_others),
        TEST(test_what_is_in_a_function_nobody_asks_for_is_passed_over),
        TEST(test_what_was_passed_over_is_found_when_asked_for),
        TEST(test_functions_that_are_gone),
        TEST(test_a_unit_without_ranges_is_asked_for_its_functions),
        TEST(test_aranges_come_first),
        TEST(test_of_equal_claims_the_first_counts),
        TEST(test_of_equal_functions_the_last_counts),
        TEST(test_an_answer_does_not_depend_on_threads_or_on_what_was_asked_before),
        TEST(test_nothing_asked_nothing_there),
        TEST(test_damage_costs_the_unit),
        TEST(test_hostile_shapes_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
