/* SPDX-License-Identifier: BSD-3-Clause
 *
 * base/base.h and base/arena.h: memory that is never NULL, products that never wrap. */
#include "base_unit.h"

#include "base/arena.h"

/* Let the address sanitizer's allocator say no as the real one does. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static volatile size_t huge = SIZE_MAX; /* volatile: the compiler would warn of what we want */

static void *volatile kept; /* or nothing would be asked for */

static void alloc_wrapping(void)
{
    kept = base_alloc(huge / 2, 4);
}

static void alloc_too_much(void)
{
    kept = base_alloc(huge / 4, 1);
}

static void grow_beyond_ids(void)
{
    uint32_t cap = 0;
    kept = base_grow(NULL, &cap, (size_t)UINT32_MAX + 1, 1);
}

static void grow_wrapping(void)
{
    uint32_t cap = 0;
    kept = base_grow(NULL, &cap, UINT32_MAX, huge / 2);
}

static void arena_wrapping(void)
{
    struct arena *arena = arena_new();
    (void)!arena_alloc(arena, huge / 2, 4);
}

static void arena_too_much(void)
{
    struct arena *arena = arena_new();
    (void)!arena_alloc(arena, huge, 1);
}

static void arena_text_too_long(void)
{
    struct arena *arena = arena_new();
    (void)!arena_text(arena, span_make("x", huge));
}

static void memory_running_out_ends_the_program(void **state)
{
    (void)state;
    assert_dies_of_memory(base_oom);
    assert_dies_of_memory(alloc_wrapping);
    assert_dies_of_memory(alloc_too_much);
    assert_dies_of_memory(grow_beyond_ids);
    assert_dies_of_memory(grow_wrapping);
    assert_dies_of_memory(arena_wrapping);
    assert_dies_of_memory(arena_too_much);
    assert_dies_of_memory(arena_text_too_long);
}

static void alloc_gives_zeroed_memory(void **state)
{
    (void)state;
    uint64_t *p = base_alloc(1000, sizeof *p);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(p[i], 0);
    base_free(p);
    p = base_alloc(0, 8);
    assert_non_null(p);
    base_free(p);
    p = base_alloc(8, 0);
    assert_non_null(p);
    base_free(p);
    base_free(NULL);
}

static void grow_doubles_and_keeps(void **state)
{
    (void)state;
    uint32_t cap = 0;
    uint32_t *p = base_grow(NULL, &cap, 0, sizeof *p);
    assert_non_null(p);
    for (uint32_t i = 0; i < 10000; i++) {
        const uint32_t before = cap;
        p = base_grow(p, &cap, (size_t)i + 1, sizeof *p);
        assert_true(cap > i);
        assert_true(cap == before || cap == before * 2);
        p[i] = i;
    }
    for (uint32_t i = 0; i < 10000; i++)
        assert_int_equal(p[i], i);
    p = base_grow(p, &cap, 100000, sizeof *p);
    assert_true(cap >= 100000);
    assert_int_equal(p[9999], 9999);
    base_free(p);
}

static void arena_pieces_are_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    unsigned char *pieces[3000];
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        const size_t n = i % 700;
        pieces[i] = arena_alloc(arena, n, 1);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        for (size_t k = 0; k < n; k++)
            assert_int_equal(pieces[i][k], 0);
        memset(pieces[i], (int)(i & 0xff), n);
        if (i % 5 == 0) /* text between them must not spoil the alignment */
            assert_string_equal(arena_text(arena, span_make("abcdef", i % 6)),
                                &"\0a\0ab\0abc\0abcd\0abcde"[(i % 6) * (i % 6 + 1) / 2]);
    }
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        for (size_t k = 0; k < i % 700; k++)
            assert_int_equal(pieces[i][k], i & 0xff);
    }
    assert_ptr_not_equal(arena_alloc(arena, 0, 0), arena_alloc(arena, 0, 0));
    arena_free(arena);
}

static void arena_large_pieces_leave_the_block_in_use(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    char *small = arena_alloc(arena, 1, 16);
    unsigned char *large = arena_alloc(arena, 3, 1 << 20);
    char *next = arena_alloc(arena, 1, 16);
    assert_ptr_equal(next, small + 16);
    assert_int_equal((uintptr_t)large % 16, 0);
    assert_int_equal(large[(3 << 20) - 1], 0);
    large[(3 << 20) - 1] = 1;
    assert_true(arena_size(arena) >= (3 << 20) + 32);
    arena_free(arena);

    arena = arena_new(); /* a large one first */
    large = arena_alloc(arena, 1, 10 << 20);
    large[(10 << 20) - 1] = 1;
    small = arena_alloc(arena, 1, 1);
    *small = 1;
    arena_free(arena);
    arena_free(NULL);
}

static void arena_size_grows_by_blocks(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const size_t start = arena_size(arena);
    (void)!arena_alloc(arena, 1, 16);
    const size_t one = arena_size(arena);
    assert_true(one >= start + 16);
    (void)!arena_alloc(arena, 1, 16);
    assert_int_equal(arena_size(arena), one);
    arena_free(arena);
}

static void arena_text_and_printf_copy(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    assert_string_equal(arena_text(arena, span_make(NULL, 0)), "");
    assert_string_equal(arena_text(arena, span_make("hello world", 5)), "hello");
    assert_string_equal(arena_printf(arena, "%s-%d", "a", 7), "a-7");
    assert_string_equal(arena_printf(arena, "%s", ""), "");
    for (int n = 510; n < 515; n++) { /* around the size that is formatted at once */
        const char *text = arena_printf(arena, "%0*d", n, 7);
        assert_int_equal(strlen(text), n);
        assert_int_equal(text[n - 1], '7');
    }
    const char *text = arena_printf(arena, "%0*d", 200000, 7);
    assert_int_equal(strlen(text), 200000);
    arena_free(arena);
}

/* Beyond the size where blocks get pages of their own. */
static void big_blocks_are_zeroed_and_kept(void **state)
{
    enum { MORE = 5 << 20 };
    (void)state;
    char *dirty = base_alloc(MORE, 1);
    memset(dirty, 'x', MORE);
    base_free(dirty);
    char *p = base_alloc(MORE, 1);
    for (size_t i = 0; i < MORE; i++)
        assert_int_equal(p[i], 0);
    base_free(p);

    uint32_t cap = 0, *numbers = NULL;
    for (uint32_t i = 0; i < MORE / 4; i++) {
        numbers = base_grow(numbers, &cap, (size_t)i + 1, sizeof *numbers);
        numbers[i] = i;
    }
    for (uint32_t i = 0; i < MORE / 4; i++)
        assert_int_equal(numbers[i], i);
    base_free(numbers);
}

static void copies(void **state)
{
    (void)state;
    assert_null(base_copy(NULL));
    char *copy = base_copy("text");
    assert_string_equal(copy, "text");
    base_free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_running_out_ends_the_program),
        cmocka_unit_test(alloc_gives_zeroed_memory),
        cmocka_unit_test(grow_doubles_and_keeps),
        cmocka_unit_test(big_blocks_are_zeroed_and_kept),
        cmocka_unit_test(copies),
        cmocka_unit_test(arena_pieces_are_zeroed_aligned_and_apart),
        cmocka_unit_test(arena_large_pieces_leave_the_block_in_use),
        cmocka_unit_test(arena_size_grows_by_blocks),
        cmocka_unit_test(arena_text_and_printf_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
