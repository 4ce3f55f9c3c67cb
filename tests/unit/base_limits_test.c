/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Limits: what zero means, what can be counted at most, and that the system holds memory to them.
 */
#include "base_unit.h"

#include <sys/resource.h>

#include "base/limits.h"

static void zero_is_what_can_be_counted(void **state)
{
    (void)state;
    const struct limits limits = limits_of(0, 0, 0);
    assert_true(limits.max_bytes > UINT64_MAX / 2);
    assert_int_equal(limits.max_stacks, UINT32_MAX - 2);
    assert_int_equal(limits.max_depth, 1 << 24);
}

static void more_than_can_be_counted_is_as_much(void **state)
{
    (void)state;
    const struct limits none = limits_of(0, 0, 0);
    const struct limits most = limits_of(UINT64_MAX, UINT64_MAX, UINT64_MAX);
    assert_int_equal(most.max_bytes, none.max_bytes);
    assert_int_equal(most.max_stacks, none.max_stacks);
    assert_int_equal(most.max_depth, none.max_depth);
}

static void a_file_leaves_room_for_what_is_made_of_it(void **state)
{
    (void)state;
    const struct limits limits = limits_of(100, 7, 9);
    assert_int_equal(limits.max_bytes, 75 << 20);
    assert_int_equal(limits.max_stacks, 7);
    assert_int_equal(limits.max_depth, 9);
    assert_int_equal(limits_default().max_bytes, 768 << 20);
}

/* Each in a child: no limit of ours is for the tests behind this one. */

static void use(uint64_t megabytes, size_t wanted)
{
    if (!limits_hold_memory(megabytes, NULL))
        _exit(3);
    char *p = base_alloc(wanted, 1);
    const char last = p[wanted - 1];
    base_free(p);
    if (last)
        _exit(4);
}

static void use_less(void)
{
    use(200, (size_t)100 << 20);
}

static void use_without_limit(void)
{
    use(0, (size_t)300 << 20);
}

static void use_more(void)
{
    use(200, (size_t)300 << 20);
}

static void memory_ends_where_it_was_said(void **state)
{
    (void)state;
    char said[200];
    assert_int_equal(child_status(use_less, said, sizeof said), 0);
    assert_string_equal(said, "");
    assert_int_equal(child_status(use_without_limit, said, sizeof said), 0);
    const int status = child_status(use_more, said, sizeof said);
    assert_int_equal(status, LIMITS_ARE_HELD ? 1 : 0);
    assert_string_equal(
        said,
        LIMITS_ARE_HELD ? "cprof: out of memory: this takes more than --max-memory allows\n" : "");
}

static void limit_twice(void)
{
    const struct rlimit low = {.rlim_cur = 50 << 20, .rlim_max = RLIM_INFINITY};
    struct rlimit now;
    if (setrlimit(RLIMIT_DATA, &low) != 0 || !limits_hold_memory(200, NULL) ||
        getrlimit(RLIMIT_DATA, &now) != 0 || now.rlim_cur != low.rlim_cur)
        _exit(1);
}

static void a_lower_limit_stays(void **state)
{
    (void)state;
    char said[200];
    assert_int_equal(child_status(limit_twice, said, sizeof said), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_is_what_can_be_counted),
        cmocka_unit_test(more_than_can_be_counted_is_as_much),
        cmocka_unit_test(a_file_leaves_room_for_what_is_made_of_it),
        cmocka_unit_test(memory_ends_where_it_was_said),
        cmocka_unit_test(a_lower_limit_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
