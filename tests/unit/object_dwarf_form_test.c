/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Forms: whatever the form, reading it and passing over it end at the same byte, and indices are
 * looked up within their tables. */
#include "object_dwarf_unit.h"

static const struct dwarf_shape shapes[] = {
    {.version = 2, .address_size = 4, .offset_size = 4},
    {.version = 4, .address_size = 8, .offset_size = 4},
    {.version = 5, .address_size = 8, .offset_size = 8},
};

static void test_read_and_skip_agree(void **state)
{
    (void)state;
    const uint8_t body[64] = {1}; /* a block of one byte, a text of one, an address form */
    struct dwarf_file file = {0};
    for (size_t s = 0; s < COUNT_OF(shapes); s++) {
        struct dwarf_unit unit = {.file = &file, .shape = shapes[s], .end = 1000};
        unsigned n_known = 0;
        for (unsigned form = 0; form < 0x2100; form++) {
            struct cursor skip = cursor_over(span_make(body, sizeof body), CURSOR_LITTLE);
            struct cursor read = skip;
            dwarf_form_skip(&skip, (uint16_t)form, shapes[s]);
            (void)dwarf_form_read(&read, &unit, (uint16_t)form, 0);
            assert_int_equal(cursor_offset(&skip), cursor_offset(&read));
            assert_int_equal(cursor_failed(&skip), cursor_failed(&read));
            assert_int_equal(dwarf_form_is_known(form), !cursor_failed(&skip));
            n_known += dwarf_form_is_known(form);
        }
        assert_int_equal(n_known, 47);
    }
    assert_false(dwarf_form_is_known(0x10001));
}

static void test_reference_to_another_unit_had_the_size_of_an_address(void **state)
{
    (void)state;
    assert_int_equal(dwarf_form_size(DW_FORM_ref_addr, shapes[0]), 4);
    const struct dwarf_shape old = {.version = 2, .address_size = 8, .offset_size = 4};
    assert_int_equal(dwarf_form_size(DW_FORM_ref_addr, old), 8);
    assert_int_equal(dwarf_form_size(DW_FORM_ref_addr, shapes[1]), 4);
}

static struct dwarf_value read_bytes(const struct dwarf_unit *unit, uint16_t form,
                                     const struct bytes *body)
{
    struct cursor c = cursor_over(bytes_span(body), body->order);
    const struct dwarf_value value = dwarf_form_read(&c, unit, form, -7);
    assert_false(cursor_failed(&c));
    return value;
}

static void test_values(void **state)
{
    (void)state;
    static const char texts[] = "zero\0five";
    struct bytes offsets = {0}, addresses = {0};
    put(&offsets, 0xffff, 8); /* before the base */
    put(&offsets, 0, 4);
    put(&offsets, 5, 4);
    put(&offsets, 99, 4);
    put(&addresses, 0x1111, 8);
    put(&addresses, 0x2222, 8);
    struct dwarf_file alt = {.sections = {.str = span_make("alt", 4)}};
    struct dwarf_file file = {
        .alt = &alt,
        .sections = {.str = span_make(texts, sizeof texts),
                     .line_str = span_make("line", 5),
                     .str_offsets = bytes_span(&offsets),
                     .addr = bytes_span(&addresses)},
    };
    const struct dwarf_unit unit = {.file = &file,
                                    .shape = {.version = 5, .address_size = 8, .offset_size = 4},
                                    .offset = 100,
                                    .end = 200,
                                    .str_offsets_base = 8};
    const struct bytes one = {.p = {1}, .n = 16}, two = {.p = {2}, .n = 16}, none = {.n = 16};
    assert_string_equal(read_bytes(&unit, DW_FORM_strx1, &one).text, "five");
    assert_string_equal(read_bytes(&unit, DW_FORM_strx, &none).text, "zero");
    assert_null(read_bytes(&unit, DW_FORM_strx2, &two).text); /* its offset is outside */
    assert_string_equal(read_bytes(&unit, DW_FORM_line_strp, &one).text, "ine");
    assert_string_equal(read_bytes(&unit, DW_FORM_GNU_strp_alt, &one).text, "lt");
    assert_int_equal(read_bytes(&unit, DW_FORM_addrx, &one).number, 0x2222);
    assert_int_equal(read_bytes(&unit, DW_FORM_addrx, &two).kind, DWARF_VALUE_NONE);
    assert_int_equal((int64_t)read_bytes(&unit, DW_FORM_implicit_const, &one).number, -7);
    assert_int_equal(read_bytes(&unit, DW_FORM_ref4, &two).number, 102);
    const struct bytes far = {.p = {100}, .n = 16};
    assert_int_equal(read_bytes(&unit, DW_FORM_ref4, &far).kind, DWARF_VALUE_NONE);
    assert_int_equal(read_bytes(&unit, DW_FORM_GNU_ref_alt, &two).kind, DWARF_VALUE_REFERENCE_ALT);
    const struct bytes indirect = {.p = {DW_FORM_data2, 0x34, 0x12}, .n = 16};
    assert_int_equal(read_bytes(&unit, DW_FORM_indirect, &indirect).number, 0x1234);
}

static void test_an_index_beyond_64_bits_is_outside(void **state)
{
    (void)state;
    struct bytes addresses = {0};
    put(&addresses, 1, 8);
    struct dwarf_file file = {.sections = {.addr = bytes_span(&addresses)}};
    const struct dwarf_unit unit = {.file = &file, .shape = shapes[1], .addr_base = 8};
    uint64_t address = 5;
    assert_false(dwarf_address_at(&unit, UINT64_MAX, &address));
    assert_false(dwarf_address_at(&unit, UINT64_MAX / 8, &address));
    assert_false(dwarf_address_at(&unit, 0, &address));
    assert_int_equal(address, 5);
}

static void test_indirect_does_not_lead_to_itself(void **state)
{
    (void)state;
    const uint8_t body[] = {DW_FORM_indirect, DW_FORM_indirect, DW_FORM_data1, 1};
    struct cursor c = cursor_over(span_make(body, sizeof body), CURSOR_LITTLE);
    dwarf_form_skip(&c, DW_FORM_indirect, shapes[1]);
    assert_true(cursor_failed(&c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_and_skip_agree),
        cmocka_unit_test(test_reference_to_another_unit_had_the_size_of_an_address),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_an_index_beyond_64_bits_is_outside),
        cmocka_unit_test(test_indirect_does_not_lead_to_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
