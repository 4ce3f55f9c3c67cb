/* SPDX-License-Identifier: BSD-3-Clause
 *
 * base/radix.h: order, and the order of equal keys, for few and many items. */
#include "base_unit.h"

#include "base/idmap.h"
#include "base/radix.h"

static void check(const uint64_t *keys, uint32_t n)
{
    struct radix_item *items = base_alloc(n, sizeof *items);
    for (uint32_t i = 0; i < n; i++)
        items[i] = (struct radix_item){.key = keys[i], .value = i};
    radix_sort(items, n);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        assert_true(items[i].key == keys[items[i].value]);
        sum += items[i].value;
        if (i) {
            assert_true(items[i - 1].key <= items[i].key);
            if (items[i - 1].key == items[i].key)
                assert_true(items[i - 1].value < items[i].value);
        }
    }
    assert_true(sum == (uint64_t)n * (n ? n - 1 : 0) / 2);
    base_free(items);
}

static void all_sizes(void **state)
{
    (void)state;
    static const uint64_t masks[] = {0, 1, 0xff, 0xff00ff, 0xf00000000000000f, UINT64_MAX};
    uint64_t keys[600];
    for (size_t m = 0; m < COUNT_OF(masks); m++) {
        for (uint32_t n = 0; n < COUNT_OF(keys); n += n < 70 ? 1 : 97) {
            for (uint32_t i = 0; i < n; i++)
                keys[i] = hash_mix(i, m + 1) & masks[m];
            check(keys, n);
        }
    }
}

static void sorted_already(void **state)
{
    (void)state;
    uint64_t keys[300];
    for (uint32_t i = 0; i < COUNT_OF(keys); i++)
        keys[i] = (uint64_t)i / 3 << 20;
    check(keys, COUNT_OF(keys));
    for (uint32_t i = 0; i < COUNT_OF(keys); i++)
        keys[i] = (uint64_t)(COUNT_OF(keys) - i) << 50;
    check(keys, COUNT_OF(keys));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_sizes),
        cmocka_unit_test(sorted_already),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
