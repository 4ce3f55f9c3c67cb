/* SPDX-License-Identifier: BSD-3-Clause
 *
 * jemalloc's heap profiles: totals and shares of threads, undone sampling, what is skipped. */
#include "reader/reader.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static bool read_text(const char *text, struct strings *strings, struct profile *out,
                      struct error *err)
{
    const struct read_job job = {.strings = strings, .limits = limits_default(), .name = "je.heap"};
    return reader_read(span_of(text), NULL, &job, out, err);
}

static double value_of(const struct profile *p, uint32_t sample, column_ix column)
{
    return p->sample_value[(size_t)column * p->n_samples + sample];
}

static void test_shares_are_labelled(void **state)
{
    (void)state;
    static const char text[] = "heap_v2/16384\n"
                               "  t*: 3: 300 [4: 400]\n"
                               "  t7: 3: 300 [4: 400]\n"
                               "@ 0x1000 0x2001\n"
                               "  t*: 2: 2048 [0: 0]\n"
                               "  t7: 2: 2048 [0: 0]\n"
                               "@ 0x3000\n"
                               "  t*: 1: 1048576 [1: 1048576]\n"
                               "  t12: 1: 1048576 [1: 1048576] name of it\n"
                               "\n"
                               "MAPPED_LIBRARIES:\n"
                               "00001000-00004000 r-xp 00000000 08:01 1 /bin/prog\n";
    struct strings *strings = strings_new();
    struct profile p;
    struct error err;
    assert_true(read_text(text, strings, &p, &err));
    assert_int_equal(p.kind, PROFILE_HEAP);
    assert_true(p.allocator_is_innermost);
    assert_int_equal(p.n_stacks, 2);
    assert_int_equal(p.n_samples, 4);
    assert_int_equal(p.n_records, 2);
    assert_int_equal(p.n_maps, 1);
    assert_string_equal(strings_text(strings, p.sample_label[0]), "");
    assert_string_equal(strings_text(strings, p.sample_label[1]), "t7");
    assert_string_equal(strings_text(strings, p.sample_label[3]), "t12");
    const double scale = 1 / (1 - exp(-(2048.0 / 2) / 16384));
    assert_true(fabs(value_of(&p, 0, 0) - 2 * scale) < 1e-9);
    assert_true(fabs(value_of(&p, 1, 1) - 2048 * scale) < 1e-9);
    assert_int_equal(p.addr_pc[p.stack_addr[1]], 0x2000);
    profile_free(&p);
    strings_free(strings);
}

static void test_a_rate_is_needed(void **state)
{
    (void)state;
    struct strings *strings = strings_new();
    struct profile p;
    struct error err;
    assert_false(read_text("heap_v2/fast\n@ 0x1\n t*: 1: 1 [0: 0]\n", strings, &p, &err));
    assert_non_null(strstr(err.text, "je.heap: not a profile"));
    strings_free(strings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares_are_labelled),
        cmocka_unit_test(test_a_rate_is_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
