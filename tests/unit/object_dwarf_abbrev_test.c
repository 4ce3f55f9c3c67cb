/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Abbreviations: runs of attributes that nobody wants melt together, codes may come in any order,
 * and a table that does not end is none. */
#include "object_dwarf_unit.h"

static const struct dwarf_shape shape = {.version = 4, .address_size = 8, .offset_size = 4};

static struct dwarf_abbrevs *read_all(const struct bytes *b)
{
    size_t size = 0;
    struct dwarf_abbrevs *abbrevs =
        dwarf_abbrevs_read(bytes_span(b), 0, CURSOR_LITTLE, shape, &size);
    if (abbrevs)
        assert_int_equal(size, b->n);
    return abbrevs;
}

static void test_unwanted_attributes_melt(void **state)
{
    (void)state;
    struct bytes b = {0};
    put_abbrev(
        &b, 1, DW_TAG_variable, false,
        PAIRS(DW_AT_name, DW_FORM_strp, DW_AT_decl_line, DW_FORM_data2, DW_AT_type, DW_FORM_ref4));
    put_abbrev(&b, 2, DW_TAG_subprogram, true,
               PAIRS(DW_AT_name, DW_FORM_strp, DW_AT_frame_base, DW_FORM_exprloc, DW_AT_low_pc,
                     DW_FORM_addr, DW_AT_high_pc, DW_FORM_data8, DW_AT_type, DW_FORM_ref4));
    put(&b, 0, 1);
    struct dwarf_abbrevs *abbrevs = read_all(&b);
    assert_non_null(abbrevs);
    const struct dwarf_abbrev *variable = dwarf_abbrevs_find(abbrevs, 1);
    assert_int_equal(variable->n_steps, 0);
    assert_int_equal(variable->tail, 10);
    const struct dwarf_abbrev *function = dwarf_abbrevs_find(abbrevs, 2);
    assert_int_equal(function->kind, DWARF_KIND_FUNCTION);
    assert_int_equal(function->n_steps, 3);
    const struct dwarf_step *steps = abbrevs->steps + function->steps_at;
    assert_int_equal(steps[0].before, 4);
    assert_int_equal(steps[0].want, DWARF_WANT_NOTHING);
    assert_int_equal(steps[1].want, DWARF_WANT_LOW);
    assert_int_equal(steps[2].want, DWARF_WANT_HIGH);
    assert_int_equal(function->tail, 4);
    assert_true(function->is_plain);
    assert_true(abbrevs->has_functions_with_code);
    assert_null(dwarf_abbrevs_find(abbrevs, 3));
    assert_null(dwarf_abbrevs_find(abbrevs, UINT64_MAX));
    dwarf_abbrevs_free(abbrevs);
}

static void test_codes_in_any_order(void **state)
{
    (void)state;
    struct bytes b = {0};
    put_abbrev(&b, 700, DW_TAG_namespace, true, PAIRS(DW_AT_name, DW_FORM_strp));
    put_abbrev(&b, 2, DW_TAG_class_type, true, PAIRS(DW_AT_linkage_name, DW_FORM_strp));
    put_abbrev(&b, 1, DW_TAG_base_type, false, PAIRS(DW_AT_name, DW_FORM_string));
    put(&b, 0, 1);
    struct dwarf_abbrevs *abbrevs = read_all(&b);
    assert_int_equal(dwarf_abbrevs_find(abbrevs, 700)->tag, DW_TAG_namespace);
    assert_int_equal(dwarf_abbrevs_find(abbrevs, 2)->tag, DW_TAG_class_type);
    assert_false(dwarf_abbrevs_find(abbrevs, 2)->is_plain);
    assert_int_equal(dwarf_abbrevs_find(abbrevs, 1)->tag, DW_TAG_base_type);
    assert_null(dwarf_abbrevs_find(abbrevs, 3));
    dwarf_abbrevs_free(abbrevs);
}

static void test_unknown_form_marks_the_abbreviation_alone(void **state)
{
    (void)state;
    struct bytes b = {0};
    put_abbrev(&b, 1, DW_TAG_variable, false, PAIRS(DW_AT_name, 0x7f));
    put_abbrev(&b, 2, DW_TAG_variable, false, PAIRS(DW_AT_name, DW_FORM_strp));
    put(&b, 0, 1);
    struct dwarf_abbrevs *abbrevs = read_all(&b);
    assert_false(dwarf_abbrevs_find(abbrevs, 1)->is_readable);
    assert_true(dwarf_abbrevs_find(abbrevs, 2)->is_readable);
    dwarf_abbrevs_free(abbrevs);
}

static void test_attributes_are_read_again(void **state)
{
    (void)state;
    struct bytes b = {0};
    put_uleb(&b, 1);
    put_uleb(&b, DW_TAG_variable);
    put(&b, 0, 1);
    put_uleb(&b, DW_AT_decl_line);
    put_uleb(&b, DW_FORM_implicit_const);
    put_sleb(&b, -300);
    put(&b, 0, 2);
    put(&b, 0, 1);
    struct dwarf_abbrevs *abbrevs = read_all(&b);
    struct cursor attrs = dwarf_abbrev_attrs(abbrevs, dwarf_abbrevs_find(abbrevs, 1));
    struct dwarf_attr attr;
    assert_true(dwarf_attr_next(&attrs, &attr));
    assert_int_equal(attr.name, DW_AT_decl_line);
    assert_int_equal(attr.implicit, -300);
    assert_false(dwarf_attr_next(&attrs, &attr));
    dwarf_abbrevs_free(abbrevs);
}

static void test_a_table_without_an_end_is_none(void **state)
{
    (void)state;
    struct bytes b = {0};
    put_abbrev(&b, 1, DW_TAG_variable, false, PAIRS(DW_AT_name, DW_FORM_strp));
    for (; b.n > 0; b.n--)
        assert_null(read_all(&b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unwanted_attributes_melt),
        cmocka_unit_test(test_codes_in_any_order),
        cmocka_unit_test(test_unknown_form_marks_the_abbreviation_alone),
        cmocka_unit_test(test_attributes_are_read_again),
        cmocka_unit_test(test_a_table_without_an_end_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
