/* SPDX-License-Identifier: BSD-3-Clause
 *
 * DIEs that are somewhere else: in a .dwo, in a package with either kind of index, and in the
 * alternate file. */
#include "object_dwarf_unit.h"

#define ID 0x1122334455667788u

struct fixture {
    struct bytes abbrev, info, addr;
    struct bytes dwo_abbrev, dwo_info, dwo_str_offsets, index;
    struct dwarf_sections sections, dwo;
    struct dwarf *dwarf;
    struct notes notes;
    struct object_answer answer;
    bool is_package, is_missing;
    unsigned n_asked; /* for the split unit */
};

static int setup(void **state)
{
    *state = base_alloc(1, sizeof(struct fixture));
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    base_free(f->answer.at);
    base_free(f->answer.frames);
    dwarf_free(f->dwarf);
    notes_free(&f->notes);
    base_free(f);
    return 0;
}

static bool find_split(void *to, const char *comp_dir, const char *name, uint64_t id,
                       struct dwarf_sections *out, bool *is_package)
{
    struct fixture *f = to;
    assert_string_equal(comp_dir, "/comp");
    assert_string_equal(name, "a.dwo");
    assert_int_equal(id, ID);
    f->n_asked++;
    *out = f->dwo;
    *is_package = f->is_package;
    return !f->is_missing;
}

/* The skeleton claims 0x1000 to 0x1100 and has address 1 of .debug_addr at 0x1010. */
static void put_skeleton(struct fixture *f, unsigned version)
{
    const bool is_new = version >= 5;
    put_abbrev(&f->abbrev, 1, is_new ? DW_TAG_skeleton_unit : DW_TAG_compile_unit, false,
               PAIRS(DW_AT_low_pc, DW_FORM_addr, DW_AT_high_pc, DW_FORM_data4, DW_AT_comp_dir,
                     DW_FORM_string, is_new ? DW_AT_dwo_name : DW_AT_GNU_dwo_name, DW_FORM_string,
                     is_new ? DW_AT_addr_base : DW_AT_GNU_addr_base, DW_FORM_sec_offset,
                     is_new ? 0x3fff : DW_AT_GNU_dwo_id, DW_FORM_data8));
    put(&f->abbrev, 0, 1);
    const size_t length = start_unit(&f->info, version, DW_UT_skeleton, 8);
    if (is_new)
        put(&f->info, ID, 8);
    put(&f->info, 1, 1);
    put(&f->info, 0x1000, 8);
    put(&f->info, 0x100, 4);
    put_text(&f->info, "/comp");
    put_text(&f->info, "a.dwo");
    put(&f->info, 8, 4);
    put(&f->info, ID, 8);
    put_length(&f->info, length);
    put(&f->addr, 0, 8);
    put(&f->addr, 0x1000, 8);
    put(&f->addr, 0x1010, 8);
}

/* One function, named by text 1 of the string table, at address 1. */
static void put_split(struct fixture *f, unsigned version)
{
    const bool is_new = version >= 5;
    put_abbrev(
        &f->dwo_abbrev, 1, DW_TAG_compile_unit, true,
        PAIRS(DW_AT_language, DW_FORM_data1, is_new ? 0x3fff : DW_AT_GNU_dwo_id, DW_FORM_data8));
    put_abbrev(&f->dwo_abbrev, 2, DW_TAG_subprogram, false,
               PAIRS(DW_AT_name, is_new ? DW_FORM_strx1 : DW_FORM_GNU_str_index, DW_AT_low_pc,
                     is_new ? DW_FORM_addrx : DW_FORM_GNU_addr_index, DW_AT_high_pc,
                     DW_FORM_data1));
    put(&f->dwo_abbrev, 0, 1);
    const size_t length = start_unit(&f->dwo_info, version, DW_UT_split_compile, 8);
    if (is_new)
        put(&f->dwo_info, ID, 8);
    put(&f->dwo_info, 1, 1);
    put(&f->dwo_info, DW_LANG_C, 1);
    put(&f->dwo_info, ID, 8);
    put(&f->dwo_info, 2, 1);
    put(&f->dwo_info, 1, 1);
    put(&f->dwo_info, 1, 1);
    put(&f->dwo_info, 0x20, 1);
    put(&f->dwo_info, 0, 1);
    put_length(&f->dwo_info, length);
    if (is_new)
        put(&f->dwo_str_offsets, 0, 8); /* a header */
    put(&f->dwo_str_offsets, 0, 4);
    put(&f->dwo_str_offsets, 4, 4);
}

static const char *ask(struct fixture *f, uint64_t address)
{
    f->sections.info = bytes_span(&f->info);
    f->sections.abbrev = bytes_span(&f->abbrev);
    f->sections.addr = bytes_span(&f->addr);
    f->dwo.info = bytes_span(&f->dwo_info);
    f->dwo.abbrev = bytes_span(&f->dwo_abbrev);
    f->dwo.str_offsets = bytes_span(&f->dwo_str_offsets);
    f->dwo.str = span_make("foo\0bar", 8);
    f->dwo.cu_index = bytes_span(&f->index);
    const struct dwarf_files files = {.split = find_split, .to = f};
    if (!f->dwarf)
        f->dwarf = dwarf_new(&f->sections, NULL, &files);
    base_free(f->answer.at);
    base_free(f->answer.frames);
    dwarf_frames(f->dwarf, &address, 1, 1, NULL, &f->notes, &f->answer);
    return f->answer.at[1] ? f->answer.frames[0].name : NULL;
}

static void test_a_unit_of_its_own(void **state)
{
    struct fixture *f = *state;
    put_skeleton(f, 5);
    put_split(f, 5);
    assert_string_equal(ask(f, 0x1010), "bar");
    assert_string_equal(ask(f, 0x102f), "bar");
    assert_null(ask(f, 0x1030));
    assert_int_equal(f->n_asked, 1);
    assert_int_equal(f->notes.n, 0);
}

static void test_the_extension_before_it_was_a_standard(void **state)
{
    struct fixture *f = *state;
    put_skeleton(f, 4);
    put_split(f, 4);
    assert_string_equal(ask(f, 0x1010), "bar");
    assert_int_equal(f->n_asked, 1);
}

static void test_a_unit_that_is_not_found(void **state)
{
    struct fixture *f = *state;
    put_skeleton(f, 5);
    f->is_missing = true;
    assert_null(ask(f, 0x1010));
    assert_null(ask(f, 0x1010));
    assert_int_equal(f->n_asked, 1);
}

static void test_a_unit_of_another_build_is_not_used(void **state)
{
    struct fixture *f = *state;
    put_skeleton(f, 5);
    put_split(f, 5);
    f->dwo_info.p[12] ^= 1; /* its ID */
    assert_null(ask(f, 0x1010));
}

/* Puts 16 bytes of others in front of each section, and an index that says so. */
static void pack(struct fixture *f, unsigned version)
{
    struct bytes *const parts[] = {&f->dwo_info, &f->dwo_abbrev, &f->dwo_str_offsets};
    static const unsigned numbers[] = {DW_SECT_INFO, DW_SECT_ABBREV, DW_SECT_STR_OFFSETS};
    struct bytes *b = &f->index;
    put(b, version, 4);
    put(b, COUNT_OF(parts) + 1, 4);
    put(b, 2, 4);
    put(b, 4, 4);
    /* The slot where the search starts is taken: the ID is one step further. */
    const unsigned first = ID & 3, next = (first + ((ID >> 32 & 3) | 1)) & 3;
    for (unsigned i = 0; i < 4; i++)
        put(b, i == next ? ID : i == first ? 5 : 0, 8);
    for (unsigned i = 0; i < 4; i++)
        put(b, i == next ? 2 : i == first ? 1 : 0, 4);
    put(b, DW_SECT_MACRO, 4); /* a part that nobody reads */
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        put(b, numbers[i], 4);
    for (unsigned row = 0; row < 2; row++) {
        put(b, 0xffffffff, 4);
        for (size_t i = 0; i < COUNT_OF(parts); i++)
            put(b, 16 * row, 4);
    }
    for (unsigned row = 0; row < 2; row++) {
        put(b, 0xffffffff, 4);
        for (size_t i = 0; i < COUNT_OF(parts); i++)
            put(b, row ? parts[i]->n : 16, 4);
    }
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        memmove(parts[i]->p + 16, parts[i]->p, parts[i]->n);
        memset(parts[i]->p, 0xee, 16);
        parts[i]->n += 16;
    }
    f->is_package = true;
}

static void test_a_package(void **state)
{
    struct fixture *f = *state;
    put_skeleton(f, 5);
    put_split(f, 5);
    pack(f, 5);
    assert_string_equal(ask(f, 0x1010), "bar");
}

static void test_a_package_of_the_extension(void **state)
{
    struct fixture *f = *state;
    put_skeleton(f, 4);
    put_split(f, 4);
    pack(f, 2);
    assert_string_equal(ask(f, 0x1010), "bar");
}

static void test_damaged_indices_find_nothing(void **state)
{
    struct fixture *f = *state;
    put_skeleton(f, 5);
    put_split(f, 5);
    pack(f, 5);
    const struct bytes whole = f->index;
    for (size_t i = 0; i < whole.n; i++) {
        f->index.n = i; /* cut short */
        assert_null(ask(f, 0x1010));
        dwarf_free(f->dwarf);
        f->dwarf = NULL;
    }
    f->index = whole;
    for (unsigned i = 0; i < 64; i++) { /* whatever is wrong with its header, it ends */
        f->index.p[i % 16] = (uint8_t)(i * 37);
        (void)ask(f, 0x1010);
        dwarf_free(f->dwarf);
        f->dwarf = NULL;
    }
}

static void test_names_in_the_alternate_file(void **state)
{
    struct fixture *f = *state;
    (void)f;
    struct bytes abbrev = {0}, info = {0}, alt_abbrev = {0}, alt_info = {0};
    put_abbrev(&alt_abbrev, 1, DW_TAG_partial_unit, true, PAIRS(DW_AT_language, DW_FORM_data1));
    put_abbrev(&alt_abbrev, 2, DW_TAG_namespace, true, PAIRS(DW_AT_name, DW_FORM_string));
    put_abbrev(&alt_abbrev, 3, DW_TAG_subprogram, false,
               PAIRS(DW_AT_name, DW_FORM_strp, DW_AT_decl_line, DW_FORM_data1));
    put(&alt_abbrev, 0, 1);
    size_t length = start_unit(&alt_info, 4, 0, 8);
    put(&alt_info, 1, 1);
    put(&alt_info, DW_LANG_C_plus_plus, 1);
    put(&alt_info, 2, 1);
    put_text(&alt_info, "shared");
    const size_t function = alt_info.n;
    put(&alt_info, 3, 1);
    put(&alt_info, 4, 4);
    put(&alt_info, 77, 1);
    put(&alt_info, 0, 2);
    put_length(&alt_info, length);

    put_abbrev(&abbrev, 1, DW_TAG_compile_unit, true, PAIRS(DW_AT_language, DW_FORM_data1));
    put_abbrev(&abbrev, 2, DW_TAG_subprogram, false,
               PAIRS(DW_AT_abstract_origin, DW_FORM_GNU_ref_alt, DW_AT_low_pc, DW_FORM_addr,
                     DW_AT_high_pc, DW_FORM_data1));
    put(&abbrev, 0, 1);
    length = start_unit(&info, 4, 0, 8);
    put(&info, 1, 1);
    put(&info, DW_LANG_C_plus_plus, 1);
    for (unsigned i = 0; i < 2; i++) {
        put(&info, 2, 1);
        put(&info, i ? 0xffffff : function, 4);
        put(&info, 0x1000 + 0x10 * i, 8);
        put(&info, 0x10, 1);
    }
    put(&info, 0, 1);
    put_length(&info, length);
    const struct dwarf_sections sections = {.info = bytes_span(&info),
                                            .abbrev = bytes_span(&abbrev)};
    const struct dwarf_sections alt = {.info = bytes_span(&alt_info),
                                       .abbrev = bytes_span(&alt_abbrev),
                                       .str = span_make("foo\0bar", 8)};
    f->dwarf = dwarf_new(&sections, &alt, NULL);
    const uint64_t asked[] = {0x1000, 0x1010};
    dwarf_frames(f->dwarf, asked, 2, 1, NULL, &f->notes, &f->answer);
    assert_string_equal(f->answer.frames[0].name, "shared::bar");
    assert_int_equal(f->answer.frames[0].func_line, 77);
    assert_null(f->answer.frames[1].name);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_unit_of_its_own),
        TEST(test_the_extension_before_it_was_a_standard),
        TEST(test_a_unit_that_is_not_found),
        TEST(test_a_unit_of_another_build_is_not_used),
        TEST(test_a_package),
        TEST(test_a_package_of_the_extension),
        TEST(test_damaged_indices_find_nothing),
        TEST(test_names_in_the_alternate_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
