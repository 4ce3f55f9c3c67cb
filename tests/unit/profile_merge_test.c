/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Adding and subtracting profiles: stacks meet by place in image, values by column, names by
 * address. */
#include "reader_unit.h"

#define HEADER "heap profile: 1: 1 [ 1: 1] @ heapprofile\n"

struct merging {
    struct strings *strings;
    struct profile in[4], out;
    uint32_t n;
};

static void add_text(struct merging *m, const char *text)
{
    if (!m->strings)
        m->strings = strings_new();
    const struct read_job job = {.strings = m->strings, .limits = limits_default(), .name = "x"};
    assert_true(reader_read(span_of(text), NULL, &job, &m->in[m->n++], NULL));
}

/* The last one is subtracted where has_base says so. */
static void merge(struct merging *m, bool has_base, bool drop_negative)
{
    const struct profile *in[4];
    int sign[4];
    for (uint32_t i = 0; i < m->n; i++) {
        in[i] = &m->in[i];
        sign[i] = has_base && i == m->n - 1 ? -1 : 1;
    }
    assert_true(profile_merge(in, sign, m->n, drop_negative, &m->out, NULL));
}

static void merging_free(struct merging *m)
{
    for (uint32_t i = 0; i < m->n; i++)
        profile_free(&m->in[i]);
    profile_free(&m->out);
    strings_free(m->strings);
}

static void adds_and_subtracts(void **state)
{
    (void)state;
    static const char a[] = HEADER " 1: 1048576 [ 2: 2097152] @ 0x2000 0x1001\n"
                                   " 1: 3 [ 1: 3] @ 0x3000 0x1001\n";
    static const char b[] = HEADER " 2: 2097152 [ 2: 2097152] @ 0x2000 0x1001\n"
                                   " 1: 7 [ 1: 7] @ 0x4000 0x1001\n";
    struct merging sum = {0}, difference = {0}, dropped = {0}, one = {0};
    add_text(&sum, a);
    add_text(&sum, b);
    merge(&sum, false, true);
    assert_samples(&sum.out, "3 3.14573e+06 4 4.1943e+06 @ 2000 1000\n1 3 1 3 @ 3000 1000\n"
                             "1 7 1 7 @ 4000 1000\n");
    assert_int_equal(sum.out.n_records, 4);
    merging_free(&sum);

    add_text(&difference, a);
    add_text(&difference, b);
    merge(&difference, true, false);
    assert_samples(&difference.out, "-1 -1.04858e+06 0 0 @ 2000 1000\n1 3 1 3 @ 3000 1000\n"
                                    "-1 -7 -1 -7 @ 4000 1000\n");
    assert_int_equal(difference.out.n_records, 2);
    merging_free(&difference);

    add_text(&dropped, a);
    add_text(&dropped, b);
    merge(&dropped, true, true);
    assert_samples(&dropped.out, "0 0 0 0 @ 2000 1000\n1 3 1 3 @ 3000 1000\n");
    assert_int_equal(dropped.out.n_stacks, 2);
    merging_free(&dropped);

    add_text(&one, a);
    merge(&one, false, false);
    assert_samples(&one.out, "1 1.04858e+06 2 2.09715e+06 @ 2000 1000\n1 3 1 3 @ 3000 1000\n");
    merging_free(&one);
}

#define RUN_1                                                                                      \
    HEADER " 1: 1 [ 1: 1] @ 0x1100 0x5100\nMAPPED_LIBRARIES:\n"                                    \
           "1000-2000 r-xp 1000 08:01 1 /p\n5000-6000 r-xp 0 08:01 1 /a.so\n"
#define RUN_2                                                                                      \
    HEADER " 1: 1 [ 1: 1] @ 0xa100 0xf100\n 1: 1 [ 1: 1] @ 0xc100 0x9\nMAPPED_LIBRARIES:\n"        \
           "a000-b000 r-xp 1000 08:01 1 /p\nf000-10000 r-xp 0 08:01 1 /a.so\n"                     \
           "c000-d000 r-xp 0 08:01 1 /b.so\n"

static void runs_meet_at_other_addresses(void **state)
{
    (void)state;
    struct merging m = {0};
    add_text(&m, RUN_1);
    add_text(&m, RUN_2);
    merge(&m, false, false);
    assert_samples(&m.out, "2 2 2 2 @ 1100/0 50ff/1\n1 1 1 1 @ c100/2 8\n");
    assert_maps(&m.out,
                "1000-2000 1000 /p\n5000-6000 0 /a.so library\nc000-d000 0 /b.so library\n");
    merging_free(&m);
}

static void the_program_is_one_image_under_all_names(void **state)
{
    (void)state;
    struct merging m = {0};
    add_text(&m, RUN_1);
    add_text(&m, HEADER " 1: 1 [ 1: 1] @ 0xa100\n 1: 1 [ 1: 1] @ 0x1100\nMAPPED_LIBRARIES:\n"
                        "a000-b000 r-xp 1000 08:01 1 /q\n");
    m.in[0].maps[0].is_program = true;
    m.in[1].maps[0].is_program = true;
    merge(&m, false, false);
    assert_samples(&m.out, "1 1 1 1 @ 1100/0 50ff/1\n1 1 1 1 @ 1100/0\n1 1 1 1 @ 1100\n");
    assert_int_equal(m.out.n_maps, 2);
    assert_int_equal(m.out.n_addrs, 3);
    merging_free(&m);
}

/* A place that the first profile had not mapped is shown as if it had. */
static void shows_places_by_the_first_mapping(void **state)
{
    (void)state;
    struct merging m = {0};
    add_text(&m, HEADER " 1: 1 [ 1: 1] @ 0x1100\nMAPPED_LIBRARIES:\n"
                        "1000-2000 r-xp 1000 08:01 1 /p\n8000-9000 r-xp 5000 08:01 1 /p\n");
    add_text(&m, HEADER " 1: 1 [ 1: 1] @ 0xa100\n 1: 1 [ 1: 1] @ 0xa900\n 1: 1 [ 1: 1] @ 0x4010\n"
                        " 1: 1 [ 1: 1] @ 0xb010\nMAPPED_LIBRARIES:\n"
                        "a000-b000 r-xp 1000 08:01 1 /p\n4000-5000 r-xp 0 08:01 1 /p\n"
                        "b000-c000 r-xp 5000 08:01 1 /p\n");
    merge(&m, false, false);
    assert_samples(&m.out, "2 2 2 2 @ 1100/0\n1 1 1 1 @ 1900/0\n1 1 1 1 @ 10/0\n"
                           "1 1 1 1 @ 8010/1\n");
    merging_free(&m);
}

static void columns_meet_by_name(void **state)
{
    (void)state;
    struct merging m = {0};
    add_text(&m, "--- contention\ncycles/second=1000000000\n 10 2 @ 0x10\n");
    add_text(&m, HEADER " 5: 77 [ 1: 1] @ 0x10\n");
    merge(&m, false, false);
    assert_samples(&m.out, "79 87 82 @ 10\n");
    assert_int_equal(m.out.kind, PROFILE_HEAP);
    assert_int_equal(m.out.default_column, 1);
    merging_free(&m);
}

static void symbol_sections_are_united(void **state)
{
    (void)state;
    struct merging m = {0};
    add_text(&m, "--- symbol\nbinary=/a\n0x1000 main\n0x2000 foo--bar\n---\n" HEADER
                 " 1: 1 [ 1: 1] @ 0x2000 0x1000\nMAPPED_LIBRARIES:\n1000-3000 r-xp 0 0:0 1 /p\n");
    add_text(&m, "--- symbol\nbinary=/b\n0x1000 start\n0x500 x\n---\n" HEADER
                 " 1: 1 [ 1: 1] @ 0x2000 0x1000\n");
    add_text(&m, HEADER " 1: 1 [ 1: 1] @ 0x2000 0x1001\n");
    merge(&m, false, false);
    assert_carried(&m.out, "500 [x]\n1000 [start]\n2000 [bar] [foo]\n");
    assert_samples(&m.out, "3 3 3 3 @ 2000/0 1000/0\n");
    assert_true(m.out.is_symbolized);
    assert_string_equal(strings_text(m.strings, m.out.program), "/b");
    merging_free(&m);
}

static void adds_profiles_without_anything(void **state)
{
    (void)state;
    struct merging m = {0};
    add_text(&m, HEADER);
    add_text(&m, HEADER);
    merge(&m, true, false);
    assert_samples(&m.out, "");
    merging_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adds_and_subtracts),
        cmocka_unit_test(runs_meet_at_other_addresses),
        cmocka_unit_test(the_program_is_one_image_under_all_names),
        cmocka_unit_test(shows_places_by_the_first_mapping),
        cmocka_unit_test(columns_meet_by_name),
        cmocka_unit_test(symbol_sections_are_united),
        cmocka_unit_test(adds_profiles_without_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
