/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The table of live blocks: whatever the program does to blocks, the table has those that live,
 * with the size that was asked for and the stack that asked. */
#include "heapprof/internal.h"

#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "alloc/alloc.h"
#include "base/pages.h"
#include "gperftools/tcmalloc.h"
#include "unwind/unwind.h"

/* A function that calls the allocator stands in a section of its own, so that an address can be
 * told to be in one. */
#define CALLS __attribute__((noinline, section("calls")))
extern const char calls_begin[] __asm__("__start_calls"), calls_end[] __asm__("__stop_calls");
#define KEEP(p) __asm__ volatile("" : : "r"(p) : "memory") /* no tail call */

static bool finds(const void *p, struct object *out)
{
    return objects_find((uintptr_t)p, out);
}

/* ---- every way to a block */

enum { ALIGN = 64 };

CALLS static void *by_malloc(size_t n)
{
    void *p = malloc(n);
    KEEP(p);
    return p;
}

CALLS static void *by_calloc(size_t n)
{
    void *p = calloc(1, n);
    KEEP(p);
    return p;
}

CALLS static void *by_realloc(size_t n)
{
    void *p = realloc(NULL, n);
    KEEP(p);
    return p;
}

CALLS static void *by_reallocarray(size_t n)
{
    void *p = reallocarray(NULL, 1, n);
    KEEP(p);
    return p;
}

CALLS static void *by_memalign(size_t n)
{
    void *p = memalign(ALIGN, n);
    KEEP(p);
    return p;
}

CALLS static void *by_memalign_odd(size_t n)
{
    void *p = memalign(3 * ALIGN, n);
    KEEP(p);
    return p;
}

CALLS static void *by_aligned_alloc(size_t n)
{
    void *p = aligned_alloc(ALIGN, n);
    KEEP(p);
    return p;
}

CALLS static void *by_posix_memalign(size_t n)
{
    void *p = NULL;
    if (posix_memalign(&p, ALIGN, n) != 0)
        return NULL;
    KEEP(p);
    return p;
}

CALLS static void *by_valloc(size_t n)
{
    void *p = valloc(n);
    KEEP(p);
    return p;
}

CALLS static void *by_skip_new_handler(size_t n)
{
    void *p = tc_malloc_skip_new_handler(n);
    KEEP(p);
    return p;
}

void *tc_new(size_t);
void *tc_newarray(size_t);
void *tc_new_nothrow(size_t, const void *);
void *tc_new_aligned(size_t, size_t);
void *tc_new_aligned_nothrow(size_t, size_t, const void *);

CALLS static void *by_new(size_t n)
{
    void *p = tc_new(n);
    KEEP(p);
    return p;
}

CALLS static void *by_new_array(size_t n)
{
    void *p = tc_newarray(n);
    KEEP(p);
    return p;
}

CALLS static void *by_new_nothrow(size_t n)
{
    void *p = tc_new_nothrow(n, NULL);
    KEEP(p);
    return p;
}

CALLS static void *by_new_aligned(size_t n)
{
    void *p = tc_new_aligned(n, ALIGN);
    KEEP(p);
    return p;
}

CALLS static void *by_new_aligned_nothrow(size_t n)
{
    void *p = tc_new_aligned_nothrow(n, ALIGN, NULL);
    KEEP(p);
    return p;
}

static void *(*const ways[])(size_t) = {
    by_malloc,       by_calloc,        by_realloc,        by_reallocarray, by_memalign,
    by_memalign_odd, by_aligned_alloc, by_posix_memalign, by_valloc,       by_skip_new_handler,
    by_new,          by_new_array,     by_new_nothrow,    by_new_aligned,  by_new_aligned_nothrow,
};

static void check_stack(stack_ix stack)
{
    size_t n;
    const uintptr_t *pcs = stack_pcs(stack, &n);
    assert_non_null(pcs);
    assert_in_range(n, 3, STACK_DEEPEST);
    assert_true(pcs[0] > (uintptr_t)calls_begin && pcs[0] <= (uintptr_t)calls_end);
    assert_false(pcs[1] > (uintptr_t)calls_begin && pcs[1] <= (uintptr_t)calls_end);
}

static void each_call_makes_an_object_with_its_stack(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 8, 100, 5000, 256 << 10, (256 << 10) + 1, 3000000};
    objects_track(TRACKER_CHECK, true);
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            char *p = ways[w](sizes[s]);
            assert_non_null(p);
            struct object object, inside;
            assert_true(finds(p, &object));
            assert_int_equal(object.start, (uintptr_t)p);
            assert_int_equal(object.size, sizes[s]);
            assert_int_equal(object.flags, 0);
            check_stack(object.stack);
            const size_t room = malloc_usable_size(p);
            for (size_t at = 0; at < room; at += room < 1000 ? 1 : 999) {
                assert_true(finds(p + at, &inside));
                assert_ptr_equal(inside.word, object.word);
                assert_int_equal(inside.start, (uintptr_t)p);
            }
            assert_true(finds(p + room - 1, &inside));
            assert_int_equal(inside.start, (uintptr_t)p);
            uintptr_t low, high;
            objects_range(&low, &high);
            assert_true(low <= (uintptr_t)p && (uintptr_t)p + room <= high);
            free(p);
            assert_false(finds(p, &object));
        }
    }
    objects_track(TRACKER_CHECK, false);
    alloc_check();
}

CALLS static void *again(void *p, size_t n)
{
    p = realloc(p, n);
    KEEP(p);
    return p;
}

static void realloc_is_a_new_object(void **state)
{
    (void)state;
    static const size_t steps[] = {100,    90,      70,      4000,    3000, 300000,
                                   600000, 2000000, 1500000, 1000000, 50,   1};
    objects_track(TRACKER_CHECK, true);
    char *p = by_malloc(104);
    struct object object;
    assert_true(finds(p, &object));
    stack_ix before = object.stack;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        char *old = p;
        p = again(p, steps[i]);
        assert_true(finds(p, &object));
        assert_int_equal(object.start, (uintptr_t)p);
        assert_int_equal(object.size, steps[i]);
        check_stack(object.stack);
        assert_int_equal(object.stack == before, i > 0);
        before = object.stack;
        if (old != p)
            assert_false(finds(old, &object));
        assert_true(finds(p + steps[i] - 1, &object));
    }
    free(p);
    objects_track(TRACKER_CHECK, false);
    alloc_check();
}

/* ---- who tracks */

static void count(void *to, const struct object *object)
{
    assert_true(object->start != 0);
    ++*(size_t *)to;
}

static size_t objects_all(void)
{
    size_t n = 0;
    objects_freeze();
    objects_each(count, &n);
    objects_thaw();
    return n;
}

static void only_what_is_made_while_tracked_is_an_object(void **state)
{
    (void)state;
    struct object object;
    void *early = by_malloc(100), *early_large = by_malloc(1 << 20);
    assert_false(finds(early, &object));
    assert_false(objects_are_tracked(TRACKER_CHECK));
    objects_track(TRACKER_CHECK, true);
    objects_track(TRACKER_CHECK, true);
    assert_true(objects_are_tracked(TRACKER_CHECK));
    assert_false(objects_are_tracked(TRACKER_PROFILE));
    assert_false(finds(early, &object));
    assert_false(finds(early_large, &object));
    void *first = by_malloc(100);
    objects_track(TRACKER_PROFILE, true);
    void *second = by_malloc(100);
    assert_true(finds(first, &object));
    assert_int_equal(object.flags, 0);
    assert_true(finds(second, &object));
    assert_int_equal(object.flags, OBJECT_PROFILED);
    objects_track(TRACKER_PROFILE, false);
    assert_true(finds(second, &object));
    assert_int_equal(object.flags, 0);
    free(early);
    free(early_large);
    objects_track(TRACKER_CHECK, false);
    assert_false(finds(first, &object));
    assert_false(finds(second, &object));
    objects_track(TRACKER_CHECK, true);
    assert_int_equal(objects_all(), 0);
    free(first);
    free(second);
    objects_track(TRACKER_CHECK, false);
    assert_false(objects_find(0, &object));
    assert_false(objects_find(UINTPTR_MAX, &object));
    assert_false(objects_find((uintptr_t)&object, &object));
    alloc_check();
}

static void flags_are_changed_one_by_one(void **state)
{
    (void)state;
    struct object object;
    objects_track(TRACKER_CHECK, true);
    objects_flags_for_new(OBJECT_DISABLED | OBJECT_MARKED);
    assert_int_equal(objects_flags_now(), OBJECT_DISABLED | OBJECT_MARKED);
    void *p = by_malloc(77);
    objects_flags_for_new(0);
    void *q = by_malloc(78);
    assert_true(finds(p, &object));
    assert_int_equal(object.flags, OBJECT_DISABLED | OBJECT_MARKED);
    objects_change_flags(&object, OBJECT_BASE << 3, OBJECT_MARKED);
    assert_true(finds(p, &object));
    assert_int_equal(object.flags, OBJECT_DISABLED | OBJECT_BASE << 3);
    assert_int_equal(object.size, 77);
    assert_true(finds(q, &object));
    assert_int_equal(object.flags, 0);
    objects_freeze();
    objects_clear_flags(0xff & ~OBJECT_DISABLED);
    objects_thaw();
    assert_true(finds(p, &object));
    assert_int_equal(object.flags, OBJECT_DISABLED);
    const struct object gone = object;
    free(p);
    free(q);
    objects_change_flags(&gone, OBJECT_MARKED, 0);
    assert_int_equal(objects_all(), 0);
    objects_track(TRACKER_CHECK, false);
}

static void a_block_without_a_word_is_lost_and_counted(void **state)
{
    (void)state;
    objects_track(TRACKER_CHECK, true);
    const size_t before = objects_lost();
    void *blocks[40];
    size_t n = 0, found = 0;
    pages_refuse_after(0);
    for (size_t size = 8; n < 40; size += size / 2) {
        blocks[n] = malloc(size);
        if (!blocks[n])
            break;
        struct object object;
        found += finds(blocks[n++], &object);
    }
    pages_refuse_after(-1);
    assert_true(n < 40);
    assert_int_equal(objects_lost() - before, n - found);
    while (n > 0)
        free(blocks[--n]);
    objects_track(TRACKER_CHECK, false);
    alloc_check();
}

/* ---- threads */

enum { THREADS = 4, SLOTS = 300, ROUNDS = 20000 };

static struct worker {
    pthread_t thread;
    uint32_t seed;
    void *block[SLOTS];
    uint32_t size[SLOTS];
    _Atomic unsigned steps;
} workers[THREADS];
static _Atomic bool is_over;

static uint32_t draw(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)*seed * below) >> 32);
}

/* Blocks come, change and go; also those of the thread beside. */
static void step(struct worker *w)
{
    const uint32_t i = draw(&w->seed, SLOTS);
    const uint32_t size = draw(&w->seed, draw(&w->seed, 50) ? 2000 : 600000);
    w->size[i] = size ? size : 1;
    if (draw(&w->seed, 3) == 0) {
        w->block[i] = realloc(w->block[i], w->size[i]);
    } else {
        free(w->block[i]);
        w->block[i] = malloc(w->size[i]);
    }
    if (!w->block[i])
        abort();
    w->steps++;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    for (int i = 0; i < ROUNDS; i++)
        step(w);
    return NULL;
}

static void *work_on(void *arg)
{
    while (!is_over)
        step(arg);
    return NULL;
}

static void start_workers(void *(*routine)(void *))
{
    for (uint32_t t = 0; t < THREADS; t++) {
        workers[t].seed = t + 1;
        assert_int_equal(pthread_create(&workers[t].thread, NULL, routine, &workers[t]), 0);
    }
}

static void join_workers(void)
{
    for (uint32_t t = 0; t < THREADS; t++)
        assert_int_equal(pthread_join(workers[t].thread, NULL), 0);
}

static void clear_workers(void)
{
    for (uint32_t t = 0; t < THREADS; t++)
        for (uint32_t i = 0; i < SLOTS; i++) {
            free(workers[t].block[i]);
            workers[t].block[i] = NULL;
        }
}

struct order {
    uintptr_t end;
    size_t n, bytes;
};

static void check_order(void *to, const struct object *object)
{
    struct order *order = to;
    assert_true(object->start >= order->end);
    assert_int_equal(object->flags, 0);
    order->end = object->start + object->size;
    order->n++;
    order->bytes += object->size;
}

static void after_a_storm_the_table_has_what_lives(void **state)
{
    (void)state;
    objects_track(TRACKER_CHECK, true);
    start_workers(work);
    join_workers();
    size_t n = 0, bytes = 0;
    for (uint32_t t = 0; t < THREADS; t++)
        for (uint32_t i = 0; i < SLOTS; i++) {
            struct object object;
            if (!workers[t].block[i])
                continue;
            assert_true(finds(workers[t].block[i], &object));
            assert_int_equal(object.size, workers[t].size[i]);
            n++;
            bytes += object.size;
        }
    struct order order = {0};
    objects_freeze();
    objects_each(check_order, &order);
    objects_thaw();
    /* Threads of the C library may have left blocks of their own. */
    assert_in_range(order.n, n, n + 3 * THREADS);
    assert_true(order.bytes >= bytes);
    clear_workers();
    alloc_check();
    objects_track(TRACKER_CHECK, false);
}

static void nothing_moves_while_the_table_is_frozen(void **state)
{
    (void)state;
    objects_track(TRACKER_CHECK, true);
    is_over = false;
    start_workers(work_on);
    for (int round = 0; round < 100; round++) {
        struct order first = {0}, second = {0};
        objects_freeze();
        objects_each(check_order, &first);
        for (int i = 0; i < 3; i++)
            (void)sched_yield();
        objects_each(check_order, &second);
        objects_thaw();
        assert_memory_equal(&first, &second, sizeof first);
        const unsigned before = workers[0].steps;
        while (workers[0].steps == before) /* they go on */
            (void)sched_yield();
    }
    is_over = true;
    join_workers();
    clear_workers();
    objects_track(TRACKER_CHECK, false);
    alloc_check();
}

static void tracking_begins_and_ends_under_threads(void **state)
{
    (void)state;
    is_over = false;
    start_workers(work_on);
    for (int round = 0; round < 30; round++) {
        objects_track(TRACKER_PROFILE, true);
        const unsigned before = workers[1].steps;
        while (workers[1].steps < before + 100)
            (void)sched_yield();
        assert_true(objects_all() > 0);
        objects_track(TRACKER_PROFILE, false);
    }
    is_over = true;
    join_workers();
    objects_track(TRACKER_CHECK, true);
    assert_int_equal(objects_all(), 0);
    clear_workers();
    objects_track(TRACKER_CHECK, false);
    alloc_check();
}

static void a_child_has_a_whole_table(void **state)
{
    (void)state;
    objects_track(TRACKER_CHECK, true);
    is_over = false;
    start_workers(work_on);
    for (int round = 0; round < 20; round++) {
        const pid_t child = fork();
        if (child == 0) {
            struct object object;
            void *p = by_malloc((size_t)round + 1);
            bool is_well = finds(p, &object) && object.size == (size_t)round + 1;
            is_well &= objects_all() > 0;
            alloc_check();
            _exit(is_well ? 0 : 1);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    is_over = true;
    join_workers();
    clear_workers();
    objects_track(TRACKER_CHECK, false);
}

/* ---- stacks */

static void *intern(void *arg)
{
    stack_ix *numbers = arg;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        const uintptr_t pcs[] = {1000 + i, 2000, i % 7};
        numbers[i] = stack_intern(pcs, 2 + i % 2);
    }
    return NULL;
}

static void a_stack_is_kept_once(void **state)
{
    (void)state;
    static stack_ix numbers[THREADS][ROUNDS];
    for (uint32_t t = 0; t < THREADS; t++)
        assert_int_equal(pthread_create(&workers[t].thread, NULL, intern, numbers[t]), 0);
    join_workers();
    for (uint32_t i = 0; i < ROUNDS; i++) {
        size_t n;
        assert_true(numbers[0][i] != 0);
        const uintptr_t *pcs = stack_pcs(numbers[0][i], &n);
        assert_int_equal(n, 2 + i % 2);
        assert_int_equal(pcs[0], 1000 + i);
        for (uint32_t t = 1; t < THREADS; t++)
            assert_int_equal(numbers[t][i], numbers[0][i]);
    }
    size_t n = 1;
    assert_null(stack_pcs(0, &n));
    assert_int_equal(n, 0);
    assert_null(stack_pcs(UINT32_MAX, &n));
}

/* Some way down from here a block is made, by functions with frames of all kinds: what the table
 * says must be what a walk finds in the same moment, whatever was found there before. */
static void go_down(uint32_t *seed, unsigned depth);

CALLS static void make_and_compare(void)
{
    uintptr_t here[STACK_DEEPEST];
    const size_t n = unwind(here, STACK_DEEPEST, 0, NULL);
    void *p = malloc(10);
    struct object object;
    size_t found_n;
    assert_true(finds(p, &object));
    const uintptr_t *found = stack_pcs(object.stack, &found_n);
    assert_int_equal(found_n, n);
    assert_memory_equal(found + 1, here + 1, (n - 1) * sizeof *here);
    free(p);
}

__attribute__((noinline)) static void with_small_frame(uint32_t *seed, unsigned depth)
{
    volatile char room[24];
    room[0] = 1;
    go_down(seed, depth);
    room[1] = room[0];
}

__attribute__((noinline)) static void with_large_frame(uint32_t *seed, unsigned depth)
{
    volatile char room[3000];
    room[2999] = 1;
    go_down(seed, depth);
    room[0] = room[2999];
}

__attribute__((noinline)) static void with_frame_of_any_size(uint32_t *seed, unsigned depth)
{
    volatile char *room = __builtin_alloca(draw(seed, 5) * 16 + 16);
    room[0] = 1;
    go_down(seed, depth);
    room[1] = room[0];
}

__attribute__((noinline)) static void with_aligned_frame(uint32_t *seed, unsigned depth)
{
    volatile char room[64] __attribute__((aligned(64)));
    room[0] = (char)(uintptr_t)room;
    go_down(seed, depth);
    room[1] = room[0];
}

static void go_down(uint32_t *seed, unsigned depth)
{
    static void (*const frames[])(uint32_t *, unsigned) = {
        with_small_frame, with_large_frame, with_frame_of_any_size, with_aligned_frame};
    if (depth == 0)
        make_and_compare();
    else
        frames[draw(seed, 4)](seed, depth - 1);
    KEEP(seed);
}

static void a_stack_that_is_known_is_the_one_that_is_there(void **state)
{
    (void)state;
    uint32_t seed = 1;
    objects_track(TRACKER_CHECK, true);
    for (int i = 0; i < 100000; i++)
        go_down(&seed, draw(&seed, 8));
    for (int i = 0; i < 1000; i++)
        go_down(&seed, draw(&seed, 60));
    unwind_forget();
    for (int i = 0; i < 1000; i++)
        go_down(&seed, draw(&seed, 8));
    objects_track(TRACKER_CHECK, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_makes_an_object_with_its_stack),
        cmocka_unit_test(realloc_is_a_new_object),
        cmocka_unit_test(only_what_is_made_while_tracked_is_an_object),
        cmocka_unit_test(flags_are_changed_one_by_one),
        cmocka_unit_test(a_block_without_a_word_is_lost_and_counted),
        cmocka_unit_test(after_a_storm_the_table_has_what_lives),
        cmocka_unit_test(nothing_moves_while_the_table_is_frozen),
        cmocka_unit_test(tracking_begins_and_ends_under_threads),
        cmocka_unit_test(a_child_has_a_whole_table),
        cmocka_unit_test(a_stack_is_kept_once),
        cmocka_unit_test(a_stack_that_is_known_is_the_one_that_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
