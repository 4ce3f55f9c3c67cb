/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Ranges: every kind of entry of both kinds of lists, code that the linker threw away, and what
 * wins where intervals overlap. */
#include "object_dwarf_unit.h"

static struct dwarf_value at_offset(uint64_t offset)
{
    return (struct dwarf_value){.kind = DWARF_VALUE_NUMBER, .number = offset};
}

/* Reads the list at `offset` and holds it against pairs of low and high that end with a low of 0.
 */
static void expect(const struct dwarf_unit *unit, struct dwarf_value list, const uint64_t *pairs)
{
    struct dwarf_intervals intervals = {.budget = 100};
    assert_true(dwarf_intervals_read(&intervals, unit, &list, 7, 3));
    uint32_t n = 0;
    for (; pairs[2 * n]; n++) {
        assert_true(n < intervals.n);
        assert_int_equal(intervals.list[n].low, pairs[2 * n]);
        assert_int_equal(intervals.list[n].high, pairs[2 * n + 1]);
        assert_int_equal(intervals.list[n].what, 7);
        assert_int_equal(intervals.list[n].depth, 3);
    }
    assert_int_equal(intervals.n, n);
    base_free(intervals.list);
}
#define EXPECT(unit, list, ...) expect(unit, list, (const uint64_t[]){__VA_ARGS__, 0, 0})

static void test_pairs(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        const uint8_t size = i & 1 ? 8 : 4;
        struct bytes b = {.order = i & 2 ? CURSOR_BIG : CURSOR_LITTLE};
        const uint64_t largest = size == 8 ? UINT64_MAX : UINT32_MAX;
        const uint64_t words[] = {0xbad,   0xbad,  0x10, 0x20,    0x30,        0x30, largest,
                                  0x50000, 0x1,    0x2,  largest, largest - 1, 0x1,  0x2,
                                  largest, 0x6000, 0x0,  0x8,     0,           0};
        for (size_t k = 0; k < COUNT_OF(words); k++)
            put(&b, words[k], size);
        struct dwarf_file file = {.sections = {.ranges = bytes_span(&b), .order = b.order}};
        const struct dwarf_unit unit = {
            .file = &file, .shape = {4, size, 4}, .low = 0x1000, .ranges_base = 2u * size};
        EXPECT(&unit, at_offset(0), 0x1010, 0x1020, 0x50001, 0x50002, 0x6000, 0x6008);
    }
}

static void test_entries(void **state)
{
    (void)state;
    struct bytes addresses = {0}, b = {0};
    put(&addresses, 0x9000, 8);
    put(&addresses, 0x9100, 8);
    put(&addresses, 0, 8); /* thrown away */
    put(&b, 0, 4);         /* before the base */
    put(&b, 8, 4);         /* list 0 */
    put(&b, 9999, 4);      /* list 1 */
    const size_t list = b.n;
    put(&b, DW_RLE_offset_pair, 1);
    put_uleb(&b, 0x10);
    put_uleb(&b, 0x200);
    put(&b, DW_RLE_base_addressx, 1);
    put_uleb(&b, 1);
    put(&b, DW_RLE_offset_pair, 1);
    put_uleb(&b, 0);
    put_uleb(&b, 4);
    put(&b, DW_RLE_startx_endx, 1);
    put_uleb(&b, 0);
    put_uleb(&b, 1);
    put(&b, DW_RLE_startx_length, 1);
    put_uleb(&b, 0);
    put_uleb(&b, 5);
    put(&b, DW_RLE_startx_length, 1);
    put_uleb(&b, 2);
    put_uleb(&b, 5);
    put(&b, DW_RLE_startx_length, 1);
    put_uleb(&b, 55); /* no such address */
    put_uleb(&b, 5);
    put(&b, DW_RLE_base_address, 1);
    put(&b, 0x7000, 8);
    put(&b, DW_RLE_offset_pair, 1);
    put_uleb(&b, 1);
    put_uleb(&b, 2);
    put(&b, DW_RLE_start_end, 1);
    put(&b, 0x4000, 8);
    put(&b, 0x4001, 8);
    put(&b, DW_RLE_start_length, 1);
    put(&b, 0x3000, 8);
    put_uleb(&b, 300);
    put(&b, DW_RLE_start_length, 1);
    put(&b, UINT64_MAX, 8);
    put_uleb(&b, 300);
    put(&b, DW_RLE_end_of_list, 1);
    const size_t end = b.n;
    put(&b, 0x55, 1);
    struct dwarf_file file = {
        .sections = {.rnglists = bytes_span(&b), .addr = bytes_span(&addresses)}};
    const struct dwarf_unit unit = {
        .file = &file, .shape = {5, 8, 4}, .low = 0x1000, .rnglists_base = 4};
    const struct dwarf_value by_index = {.kind = DWARF_VALUE_RANGES_INDEX};
    EXPECT(&unit, by_index, 0x1010, 0x1200, 0x9100, 0x9104, 0x9000, 0x9100, 0x9000, 0x9005, 0x7001,
           0x7002, 0x4000, 0x4001, 0x3000, 0x312c);
    EXPECT(&unit, at_offset(list), 0x1010, 0x1200, 0x9100, 0x9104, 0x9000, 0x9100, 0x9000, 0x9005,
           0x7001, 0x7002, 0x4000, 0x4001, 0x3000, 0x312c);
    EXPECT(&unit, at_offset(end - 1), 0);

    struct dwarf_intervals intervals = {.budget = 100};
    const struct dwarf_value outside = {.kind = DWARF_VALUE_RANGES_INDEX, .number = 1};
    const struct dwarf_value unknown = at_offset(end), behind = at_offset(b.n + 1), none = {0};
    assert_false(dwarf_intervals_read(&intervals, &unit, &outside, 0, 0));
    assert_false(dwarf_intervals_read(&intervals, &unit, &unknown, 0, 0));
    assert_false(dwarf_intervals_read(&intervals, &unit, &behind, 0, 0));
    assert_false(dwarf_intervals_read(&intervals, &unit, &none, 0, 0));
    intervals.budget = 5;
    const struct dwarf_value long_list = at_offset(list);
    assert_false(dwarf_intervals_read(&intervals, &unit, &long_list, 0, 0));
    base_free(intervals.list);
}

struct want {
    uint64_t address;
    uint32_t what;
};

static void check(const struct dwarf_interval *list, uint32_t n, const struct want *wants,
                  uint32_t n_wants)
{
    struct dwarf_scratch *scratch = base_alloc(1, sizeof *scratch);
    scratch->intervals.list = base_grow(NULL, &scratch->intervals.cap, n, sizeof *list);
    memcpy(scratch->intervals.list, list, n * sizeof *list);
    scratch->intervals.n = n;
    dwarf_segments_make(scratch);
    for (uint32_t i = 0; i < n_wants; i++)
        assert_int_equal(dwarf_segments_find(&scratch->segments, wants[i].address), wants[i].what);
    const struct dwarf_segments *made = &scratch->segments;
    for (uint32_t i = 1; i < made->n; i++) {
        assert_true(made->starts[i - 1] < made->starts[i]);
        assert_int_not_equal(made->whats[i - 1], made->whats[i]);
    }
    dwarf_scratch_free(scratch);
}

static void test_the_deepest_wins_then_the_smallest_then_the_last(void **state)
{
    (void)state;
    const struct dwarf_interval list[] = {
        {10, 100, 0, 0}, {20, 40, 1, 1},   {30, 40, 2, 2},   {35, 60, 3, 1},   {90, 120, 4, 0},
        {95, 98, 5, 0},  {200, 210, 6, 0}, {200, 210, 7, 0}, {204, 205, 8, 1}, {204, 205, 9, 1},
    };
    const struct want wants[] = {
        {0, DWARF_NONE},   {9, DWARF_NONE},
        {10, 0},           {20, 1},
        {29, 1},           {30, 2},
        {39, 2},           {40, 3},
        {59, 3},           {60, 0},
        {90, 4},           {95, 5},
        {98, 4},           {99, 4},
        {119, 4},          {120, DWARF_NONE},
        {199, DWARF_NONE}, {200, 7},
        {204, 8},          {209, 7},
        {210, DWARF_NONE}, {UINT64_MAX, DWARF_NONE},
    };
    check(list, COUNT_OF(list), wants, COUNT_OF(wants));
    check(list, 0, wants, 1);
}

/* The same as asking each interval, for many intervals in no order. */
static void test_many_intervals(void **state)
{
    (void)state;
    enum { N = 400, SPACE = 3000 };
    static struct dwarf_interval list[N];
    static struct want wants[SPACE];
    uint64_t seed = 42;
    for (uint32_t i = 0; i < N; i++) {
        seed = hash_mix(seed, i);
        const uint64_t low = 1 + seed % (SPACE - 200);
        list[i] = (struct dwarf_interval){low, low + 1 + (seed >> 20) % 150, i,
                                          (uint32_t)(seed >> 40) % 4};
    }
    for (uint64_t address = 0; address < SPACE; address++) {
        const struct dwarf_interval *best = NULL;
        for (uint32_t i = 0; i < N; i++) {
            const struct dwarf_interval *x = &list[i];
            if (address < x->low || address >= x->high)
                continue;
            const uint64_t size = x->high - x->low, best_size = best ? best->high - best->low : 0;
            if (!best || x->depth > best->depth ||
                (x->depth == best->depth &&
                 (size < best_size || (size == best_size && x->depth == 0))))
                best = x;
        }
        wants[address] = (struct want){address, best ? best->what : DWARF_NONE};
    }
    check(list, N, wants, SPACE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_the_deepest_wins_then_the_smallest_then_the_last),
        cmocka_unit_test(test_many_intervals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
