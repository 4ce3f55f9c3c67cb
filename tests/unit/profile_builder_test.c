/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Building and sealing: distinct stacks, labels, columns, callers, mappings of addresses. */
#include "profile_unit.h"

#include <math.h>

static struct strings *strings;

static int set_up(void **state)
{
    (void)state;
    strings = strings_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    strings_free(strings);
    return 0;
}

static struct builder *new_builder(void)
{
    const struct limits limits = limits_default();
    struct builder *builder = builder_new(strings, &limits);
    builder_column(builder, "samples", "count");
    return builder;
}

static void add(struct builder *builder, double value, const char *label, uint32_t depth,
                const uint64_t *pcs)
{
    builder_add(builder, builder_stack(builder, pcs, depth), strings_add_text(strings, label),
                &value);
}

#define ADD(builder, value, label, ...)                                                            \
    add(builder, value, label, sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t),               \
        (uint64_t[]){__VA_ARGS__})

static void joins_equal_stacks_by_label(void **state)
{
    (void)state;
    struct builder *builder = new_builder();
    ADD(builder, 1, "", 0x10, 0x20);
    ADD(builder, 2, "t1", 0x10, 0x20);
    ADD(builder, 4, "", 0x20);
    ADD(builder, 8, "t1", 0x10, 0x20);
    ADD(builder, 16, "", 0x10, 0x20);
    add(builder, 32, "", 0, NULL);
    add(builder, 64, "", 0, NULL);
    struct profile profile;
    assert_true(builder_seal(builder, CALLERS_AS_GIVEN, &profile, NULL));
    assert_samples(&profile, "17 @ 10 20\n10 @ 10 20 (t1)\n4 @ 20\n96 @\n");
    assert_int_equal(profile.n_stacks, 3);
    assert_int_equal(profile.n_addrs, 2);
    profile_free(&profile);

    /* The builder is empty now. */
    builder_column(builder, "x", "y");
    ADD(builder, 1, "", 0x30);
    assert_true(builder_seal(builder, CALLERS_AS_GIVEN, &profile, NULL));
    assert_samples(&profile, "1 @ 30\n");
    profile_free(&profile);
    builder_free(builder);
}

static void seals_nothing_at_all(void **state)
{
    (void)state;
    const struct limits limits = limits_default();
    struct builder *builder = builder_new(strings, &limits);
    struct profile profile;
    assert_true(builder_seal(builder, CALLERS_LESS_ONE, &profile, NULL));
    assert_samples(&profile, "");
    assert_int_equal(profile.stack_at[0], 0);
    profile_free(&profile);
    builder_free(builder);
    builder_free(NULL);
}

static void turns_rows_into_columns(void **state)
{
    (void)state;
    struct builder *builder = new_builder();
    builder_default_column(builder, builder_column(builder, "time", "nanoseconds"));
    const uint64_t pcs[] = {1, 2, 3};
    for (uint32_t i = 0; i < 6; i++)
        builder_add(builder, builder_stack(builder, pcs, i % 3), 0, (const double[]){i, 10 * i});
    struct profile profile;
    assert_true(builder_seal(builder, CALLERS_AS_GIVEN, &profile, NULL));
    assert_samples(&profile, "3 30 @\n5 50 @ 1\n7 70 @ 1 2\n");
    assert_true(profile.sample_value[3] == 30);
    assert_int_equal(profile.default_column, 1);
    profile_free(&profile);
    builder_free(builder);
}

/* Every stack of a big table is found again, in batches and one by one. */
static void finds_many_stacks_again(void **state)
{
    (void)state;
    struct builder *builder = new_builder();
    enum { STACKS = 20000, DEPTH = 40 };
    uint64_t pcs[DEPTH];
    for (int round = 0; round < 3; round++) {
        struct raw_sample batch[50];
        uint64_t words[50][DEPTH];
        for (uint32_t i = 0; i < STACKS; i += 50) {
            for (uint32_t k = 0; k < 50; k++) {
                const uint32_t depth = 1 + (i + k) % DEPTH;
                for (uint32_t d = 0; d < depth; d++)
                    words[k][d] = d == depth - 1 ? i + k : d;
                batch[k] = (struct raw_sample){.pcs = words[k], .depth = depth, .value = 1};
                if (round == 1) {
                    memcpy(pcs, words[k], sizeof pcs);
                    assert_int_equal(builder_stack(builder, pcs, depth), i + k);
                }
            }
            if (round != 1)
                builder_add_raw(builder, batch, 50);
        }
    }
    struct profile profile;
    assert_true(builder_seal(builder, CALLERS_AS_GIVEN, &profile, NULL));
    assert_int_equal(profile.n_stacks, STACKS);
    assert_int_equal(profile.n_samples, STACKS);
    for (uint32_t i = 0; i < STACKS; i++) {
        assert_true(profile.sample_value[i] == 2);
        assert_int_equal(profile.addr_pc[profile.stack_addr[profile.stack_at[i + 1] - 1]], i);
    }
    profile_free(&profile);
    builder_free(builder);
}

static void limits_hold_in_batches(void **state)
{
    (void)state;
    struct limits limits = limits_default();
    limits.max_stacks = 5;
    struct builder *builder = builder_new(strings, &limits);
    builder_column(builder, "samples", "count");
    uint64_t pcs[8];
    struct raw_sample batch[8];
    for (uint64_t i = 0; i < 8; i++) {
        pcs[i] = i % 5;
        batch[i] = (struct raw_sample){.pcs = &pcs[i], .depth = 1, .value = 1};
    }
    builder_add_raw(builder, batch, 8);
    builder_add_raw(builder, batch, 8);
    pcs[7] = 99;
    struct error err = {0};
    struct profile profile;
    builder_add_raw(builder, batch + 7, 1);
    assert_false(builder_seal(builder, CALLERS_AS_GIVEN, &profile, &err));
    assert_int_equal(err.kind, ERROR_LIMIT);
    assert_string_equal(err.text, "more than 5 distinct stacks");
    builder_free(builder);
}

static void moves_callers_but_not_leaves(void **state)
{
    (void)state;
    struct builder *builder = new_builder();
    ADD(builder, 1, "", 0x10, 0x10, 0, 0x21);
    struct profile profile;
    assert_true(builder_seal(builder, CALLERS_LESS_ONE, &profile, NULL));
    assert_samples(&profile, "1 @ 10 f ffffffffffffffff 20\n");
    char text[20];
    assert_string_equal(profile_address_text(&profile, 1, text), "000000000000000f");
    profile_free(&profile);
    builder_digits(builder, 8);
    builder_column(builder, "samples", "count");
    ADD(builder, 1, "", 0x10, 0);
    assert_true(builder_seal(builder, CALLERS_LESS_ONE, &profile, NULL));
    assert_string_equal(profile_address_text(&profile, 1, text), "ffffffff");
    profile_free(&profile);
    builder_free(builder);
}

static void puts_addresses_into_mappings(void **state)
{
    (void)state;
    struct builder *builder = new_builder();
    builder_maps(builder, span_of("3000-4000 r-xp 0 08:01 1 /c\n"
                                  "1000-2000 r-xp 0 08:01 1 /a\n"
                                  "2000-2800 r-xp 0 08:01 1 /b\n"
                                  "2000-2800 r-xp 0 08:01 1 /b\n"));
    ADD(builder, 1, "", 0xfff, 0x1000, 0x1fff, 0x2000, 0x2800, 0x2801, 0x3000, 0x4000, 0x4001);
    struct profile profile;
    assert_true(builder_seal(builder, CALLERS_AS_GIVEN, &profile, NULL));
    assert_maps(&profile, "1000-2000 0 /a\n2000-2800 0 /b\n3000-4000 0 /c\n");
    assert_samples(&profile, "1 @ fff 1000/0 1fff/0 2000/1 2800/1 2801 3000/2 4000/2 4001\n");
    profile_free(&profile);
    builder_free(builder);
}

static void sorts_carried_names(void **state)
{
    (void)state;
    struct builder *builder = new_builder();
    const struct carried_frame a = {.name = strings_add_text(strings, "a")};
    const struct carried_frame bc[] = {{.name = strings_add_text(strings, "b")},
                                       {.name = strings_add_text(strings, "c")}};
    builder_carried(builder, 0x20, &a, 1);
    builder_carried(builder, 0x10, bc, 2);
    builder_carried(builder, 0x20, bc, 2);
    builder_carried(builder, 0x30, &a, 1);
    struct profile profile;
    assert_true(builder_seal(builder, CALLERS_LESS_ONE, &profile, NULL));
    assert_carried(&profile, "10 [b] [c]\n20 [b] [c]\n30 [a]\n");
    assert_true(profile.is_symbolized);
    profile_free(&profile);
    builder_free(builder);
}

static void values_that_are_none_are_refused(void **state)
{
    (void)state;
    static const double values[] = {INFINITY, -INFINITY, NAN, 1e120, -1e300};
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        struct error err;
        struct profile profile;
        struct builder *builder = new_builder();
        ADD(builder, 1, "", 0x10);
        ADD(builder, values[i], "", 0x20);
        assert_false(builder_seal(builder, CALLERS_AS_GIVEN, &profile, &err));
        assert_string_equal(err.text, "a value is too large to be one");
        builder_free(builder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joins_equal_stacks_by_label),
        cmocka_unit_test(seals_nothing_at_all),
        cmocka_unit_test(turns_rows_into_columns),
        cmocka_unit_test(finds_many_stacks_again),
        cmocka_unit_test(limits_hold_in_batches),
        cmocka_unit_test(values_that_are_none_are_refused),
        cmocka_unit_test(moves_callers_but_not_leaves),
        cmocka_unit_test(puts_addresses_into_mappings),
        cmocka_unit_test(sorts_carried_names),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
