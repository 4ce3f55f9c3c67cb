/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The allocator from inside: this program's malloc is ours, and its tables can be looked at. */
#include "alloc/internal.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/pages.h"
#include "base/text.h"
#include "gperftools/malloc_extension_c.h"
#include "gperftools/malloc_hook_c.h"
#include "gperftools/nallocx.h"
#include "gperftools/tcmalloc.h"

/* A small generator, the same in every run. */
static uint32_t draw(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)*seed * below) >> 32);
}

static void classes_are_those_of_the_table(void **state)
{
    (void)state;
    static const uint32_t some[] = {8,    16,   32,   48,   64,    128,   144,    1024,
                                    1152, 1792, 2048, 3328, 13312, 16384, 253952, 262144};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        assert_int_equal(nallocx(some[i], 0), some[i]);
    size_t last = 0, count = 0;
    for (size_t n = 1; n <= SMALL_MAX; n++) {
        const size_t usable = nallocx(n, 0);
        assert_true(usable >= n);
        count += usable != last;
        last = usable;
    }
    assert_int_equal(count, 85);
    assert_int_equal(nallocx(SMALL_MAX + 1, 0), 270336);
    assert_int_equal(nallocx(100, MALLOCX_LG_ALIGN(6)), 128);
    assert_int_equal(nallocx(0, 0), 8);
    classes_check();
}

static void blocks_are_aligned_and_apart(void **state)
{
    (void)state;
    for (size_t align = 8; align <= 1 << 16; align *= 2)
        for (size_t size = 0; size < 40000; size = size * 3 / 2 + 1) {
            char *p = memalign(align, size), *q = memalign(align, size);
            assert_int_equal((uintptr_t)p % align, 0);
            assert_int_equal((uintptr_t)q % align, 0);
            assert_true(malloc_usable_size(p) >= size);
            memset(p, 1, size);
            memset(q, 2, size);
            for (size_t i = 0; i < size; i += 97)
                assert_int_equal(p[i], 1);
            free(p);
            free(q);
        }
    for (size_t size = 9; size < 5000; size++) {
        void *p = malloc(size);
        assert_int_equal((uintptr_t)p % 16, 0);
        free(p);
    }
    alloc_check();
}

static size_t any_size(uint32_t *seed)
{
    static const uint32_t limits[] = {64, 64, 512, 512, 4096, 40000, 300000, 3000000};
    return draw(seed, limits[draw(seed, 8)]);
}

/* Blocks of all sizes come, grow and go; each keeps its bytes. */
static void random_calls_keep_every_invariant(void **state)
{
    (void)state;
    enum { SLOTS = 400, STEPS = 60000 };
    static struct {
        unsigned char *p;
        size_t size;
        unsigned char mark;
    } slot[SLOTS];
    uint32_t seed = 1;
    for (int step = 0; step < STEPS; step++) {
        const uint32_t i = draw(&seed, SLOTS);
        const size_t size = any_size(&seed);
        if (slot[i].p && size > 0) {
            assert_int_equal(slot[i].p[0], slot[i].mark);
            assert_int_equal(slot[i].p[slot[i].size - 1], slot[i].mark);
        }
        switch (draw(&seed, 4)) {
        case 0:
            free(slot[i].p);
            slot[i].p = NULL;
            break;
        case 1: {
            const size_t kept = slot[i].p ? slot[i].size : 0;
            slot[i].p = realloc(slot[i].p, size + 1);
            slot[i].size = size + 1;
            if (kept > 0)
                assert_int_equal(slot[i].p[0], slot[i].mark);
            if (kept > 0 && kept <= size)
                assert_int_equal(slot[i].p[kept - 1], slot[i].mark);
            break;
        }
        case 2:
            free(slot[i].p);
            slot[i].p = calloc(1, size + 1);
            slot[i].size = size + 1;
            for (size_t k = 0; k <= size; k += 1 + size / 64)
                assert_int_equal(slot[i].p[k], 0);
            assert_int_equal(slot[i].p[size], 0);
            break;
        default:
            free(slot[i].p);
            slot[i].p = malloc(size + 1);
            slot[i].size = size + 1;
        }
        if (slot[i].p) {
            slot[i].mark = (unsigned char)step;
            slot[i].p[0] = slot[i].p[slot[i].size - 1] = slot[i].mark;
        }
        if (step % 5000 == 0)
            alloc_check();
        if (step % 20000 == 10000)
            MallocExtension_ReleaseFreeMemory();
    }
    for (int i = 0; i < SLOTS; i++) {
        free(slot[i].p);
        slot[i].p = NULL;
    }
    MallocExtension_ReleaseFreeMemory();
    alloc_check();
}

static void addresses_find_their_blocks(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 100, 5000, 100000, 300000, 5000000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *p = malloc(sizes[i]);
        const void *start;
        size_t size;
        assert_true(alloc_find(p, &start, &size));
        assert_ptr_equal(start, p);
        assert_true(alloc_find(p + sizes[i] - 1, &start, &size));
        assert_ptr_equal(start, p);
        assert_int_equal(size, malloc_usable_size(p));
        assert_int_equal(MallocExtension_GetOwnership(p + sizes[i] / 2), MallocExtension_kOwned);
        free(p);
    }
    assert_int_equal(MallocExtension_GetOwnership(&sizes), MallocExtension_kNotOwned);
    assert_int_equal(MallocExtension_GetOwnership((void *)-8), MallocExtension_kNotOwned);
}

static void sizes_that_cannot_be_fail(void **state)
{
    (void)state;
    void *volatile p;
    errno = 0;
    p = malloc(SIZE_MAX - 10);
    assert_null(p);
    assert_int_equal(errno, ENOMEM);
    volatile size_t half = SIZE_MAX / 2 + 1;
    errno = 0;
    p = calloc(half, 2);
    assert_null(p);
    assert_int_equal(errno, ENOMEM);
    p = reallocarray(NULL, half, 2);
    assert_null(p);
    p = memalign(half, 10);
    assert_null(p);
    void *q = &q;
    assert_int_equal(posix_memalign(&q, 3, 10), EINVAL);
    assert_int_equal(posix_memalign(&q, 64, SIZE_MAX - 100), ENOMEM);
    assert_ptr_equal(q, &q);
}

static void success_leaves_errno_alone(void **state)
{
    (void)state;
    for (size_t size = 1; size < 50 << 20; size = size * 2 + 1) {
        errno = 77;
        void *p = malloc(size);
        free(p);
        p = calloc(1, size);
        free(p);
        assert_int_equal(errno, 77);
    }
}

/* ---- out of memory, at every request there is */

static void *keep[4000];

/* Takes memory of every kind until it fails or all is there, and gives it back. */
static bool take_much(void)
{
    bool all = true;
    size_t n = 0;
    uint32_t seed = 5;
    for (; n < 4000 && all; n++) {
        const size_t size = any_size(&seed);
        keep[n] = n % 5 == 0 ? memalign(1 << draw(&seed, 16), size) : malloc(size);
        all = keep[n] != NULL;
        if (all && n % 7 == 0) {
            void *p = realloc(keep[n], size * 2 + 1);
            if (p)
                keep[n] = p;
            else
                all = false;
        }
    }
    while (n-- > 0) {
        free(keep[n]);
        keep[n] = NULL;
    }
    return all;
}

/* In a child, so that each one begins with the same heap. */
static void any_request_may_be_refused(void **state)
{
    (void)state;
    bool done = false;
    long n = 0;
    for (; !done; n++) {
        const pid_t child = fork();
        if (child == 0) {
            pages_refuse_after(n);
            const bool all = take_much();
            alloc_check();
            pages_refuse_after(-1);
            const bool again = take_much(); /* and then it works */
            alloc_check();
            _exit(again ? all : 2);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_true(WEXITSTATUS(status) <= 1);
        done = WEXITSTATUS(status) == 1;
    }
    assert_true(n > 20);
}

static void *thread_in_need(void *arg)
{
    (void)arg;
    void *p = malloc(100);
    free(p);
    return NULL;
}

static void a_thread_without_memory_for_lists(void **state)
{
    (void)state;
    const pid_t child = fork();
    if (child == 0) {
        pthread_t thread;
        pages_refuse_after(0);
        for (int i = 0; i < 2000; i++)
            if (pthread_create(&thread, NULL, thread_in_need, NULL) == 0)
                pthread_join(thread, NULL);
        while (arena_take(1 << 12))
            ;
        if (pthread_create(&thread, NULL, thread_in_need, NULL) == 0)
            pthread_join(thread, NULL);
        alloc_check();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* ---- limits, statistics, hooks */

static size_t number(const char *name)
{
    size_t value = 0;
    assert_int_equal(MallocExtension_GetNumericProperty(name, &value), 1);
    return value;
}

static void memory_goes_back(void **state)
{
    (void)state;
    MallocExtension_ReleaseFreeMemory();
    char *p = malloc(64 << 20);
    memset(p, 1, 64 << 20);
    free(p);
    const size_t before = number("tcmalloc.pageheap_unmapped_bytes");
    assert_true(number("tcmalloc.pageheap_free_bytes") >= 64 << 20);
    MallocExtension_ReleaseToSystem(10 << 20);
    assert_true(number("tcmalloc.pageheap_unmapped_bytes") >= before + (10 << 20));
    MallocExtension_ReleaseFreeMemory();
    assert_int_equal(number("tcmalloc.pageheap_free_bytes"), 0);
    p = calloc(1, 64 << 20); /* what came back is zero again */
    for (size_t i = 0; i < 64 << 20; i += 4096)
        assert_int_equal(p[i], 0);
    free(p);
    alloc_check();
}

static void a_small_block_that_changes_its_size(void **state)
{
    (void)state;
    long moves = 0;
    char *p = NULL;
    for (size_t size = 16; size <= SMALL_MAX; size += 16) {
        char *const before = p;
        p = realloc(p, size);
        moves += p != before;
        p[size - 16] = (char)(size >> 4);
    }
    /* By a quarter or more each time: 16 * 1.25^44 is what it came to. */
    assert_in_range(moves, 1, 44);
    for (size_t size = 16; size <= SMALL_MAX; size += 16)
        assert_int_equal(p[size - 16], (char)(size >> 4));
    assert_ptr_equal(realloc(p, SMALL_MAX / 2), p);
    assert_int_equal(malloc_usable_size(p), SMALL_MAX);
    p = realloc(p, SMALL_MAX / 2 - 1);
    assert_int_equal(malloc_usable_size(p), SMALL_MAX / 2);
    assert_int_equal(p[SMALL_MAX / 4], (char)((SMALL_MAX / 4 + 16) >> 4));
    p = realloc(p, SMALL_MAX / 2 + 1);
    assert_non_null(p);
    p = realloc(p, 1);
    assert_int_equal(malloc_usable_size(p), 8);
    free(p);
    alloc_check();
}

static void what_is_cut_off_goes_back_at_once(void **state)
{
    (void)state;
    MallocExtension_ReleaseFreeMemory();
    MallocExtension_SetNumericProperty("tcmalloc.aggressive_memory_decommit", 1);
    char *p = malloc(64 << 20);
    memset(p, 1, 64 << 20);
    assert_ptr_equal(realloc(p, 1 << 20), p);
    assert_true(number("tcmalloc.pageheap_free_bytes") < 1 << 20);
    alloc_check();
    free(p);
    MallocExtension_SetNumericProperty("tcmalloc.aggressive_memory_decommit", 0);
}

static void what_is_idle_goes_back_by_itself(void **state)
{
    (void)state;
    char *p = malloc(64 << 20);
    memset(p, 1, 64 << 20);
    free(p);
    for (int i = 0; i < 60; i++)
        pageheap_tick();
    assert_true(number("tcmalloc.pageheap_free_bytes") < 4 << 20);
    /* What is taken between two ticks stays. */
    p = malloc(8 << 20);
    memset(p, 1, 8 << 20);
    for (int i = 0; i < 60; i++) {
        free(p);
        p = malloc(8 << 20);
        pageheap_tick();
    }
    assert_int_equal(number("tcmalloc.pageheap_free_bytes") < 8 << 20, 1);
    free(p);
    assert_true(number("tcmalloc.pageheap_free_bytes") >= 8 << 20);
    alloc_check();
}

static void a_limit_holds(void **state)
{
    (void)state;
    MallocExtension_ReleaseFreeMemory();
    const size_t used = number("tcmalloc.pageheap_committed_bytes") >> 20;
    assert_int_equal(MallocExtension_SetNumericProperty("tcmalloc.heap_limit_mb", used + 50), 1);
    static void *block[200];
    size_t n = 0;
    while (n < 200 && (block[n] = malloc(1 << 20)))
        n++;
    assert_in_range(n, 30, 50);
    assert_int_equal(errno, ENOMEM);
    for (size_t i = 0; i < n; i++)
        free(block[i]);
    void *p = malloc(25 << 20); /* what is free counts again, in one piece */
    assert_non_null(p);
    free(p);
    MallocExtension_SetNumericProperty("tcmalloc.heap_limit_mb", 0);
    alloc_check();
}

static void numbers_add_up(void **state)
{
    (void)state;
    const size_t before = number("generic.current_allocated_bytes");
    void *p = malloc(10 << 20);
    assert_int_equal(number("generic.current_allocated_bytes") - before, 10 << 20);
    free(p);
    assert_int_equal(number("generic.current_allocated_bytes"), before);
    MallocExtension_ReleaseFreeMemory();
    const size_t committed = number("tcmalloc.pageheap_total_commit_bytes"),
                 held = number("tcmalloc.pageheap_committed_bytes");
    p = realloc(malloc(1 << 20), 20 << 20); /* in place or not, what is held was committed */
    assert_true(number("tcmalloc.pageheap_total_commit_bytes") - committed >=
                number("tcmalloc.pageheap_committed_bytes") - held);
    free(p);
    assert_int_equal(MallocExtension_GetNumericProperty("no.such", &(size_t){0}), 0);
    assert_int_equal(MallocExtension_SetNumericProperty("generic.heap_size", 1), 0);
    const struct mallinfo2 m = mallinfo2();
    assert_int_equal(m.arena, m.uordblks + m.fordblks + m.fsmblks);
    static char text[20000];
    MallocExtension_GetStats(text, sizeof text);
    assert_non_null(strstr(text, " Bytes in use by application\n"));
    assert_non_null(strstr(text, "PageHeap: "));
    assert_non_null(strstr(text, ">128   large * "));
    MallocExtension_GetStats(text, 9000);
    assert_null(strstr(text, "PageHeap: "));
    MallocExtension_GetStats(text, 10);
    assert_int_equal(strlen(text), 9);
}

/* volatile: the compiler knows that malloc calls nobody here. */
static volatile size_t heard_new, heard_deleted, heard_bytes;

static void hear_new(const void *p, size_t size)
{
    heard_new += p != NULL;
    heard_bytes += size;
}

static void hear_delete(const void *p)
{
    heard_deleted += p != NULL;
}

static void hooks_hear_of_every_call(void **state)
{
    (void)state;
    void *warm = malloc(100);
    free(warm);
    assert_int_equal(MallocHook_AddNewHook(NULL), 0);
    assert_int_equal(MallocHook_AddNewHook(hear_new), 1);
    assert_int_equal(MallocHook_AddDeleteHook(hear_delete), 1);
    static void *p[1000];
    heard_new = heard_deleted = heard_bytes = 0;
    for (int i = 0; i < 1000; i++)
        p[i] = malloc(100);
    assert_int_equal(heard_new, 1000);
    assert_int_equal(heard_bytes, 100000);
    for (int i = 0; i < 1000; i++)
        p[i] = realloc(p[i], 101); /* in place, and told all the same */
    assert_int_equal(heard_new, 2000);
    assert_int_equal(heard_deleted, 1000);
    for (int i = 0; i < 1000; i++)
        free(p[i]);
    assert_int_equal(heard_deleted, 2000);
    assert_int_equal(MallocHook_RemoveNewHook(hear_new), 1);
    assert_int_equal(MallocHook_RemoveNewHook(hear_new), 0);
    assert_int_equal(MallocHook_RemoveDeleteHook(hear_delete), 1);
    free(malloc(100));
    assert_int_equal(heard_deleted, 2000);
    assert_null(MallocHook_SetNewHook(hear_new));
    assert_ptr_equal(MallocHook_SetNewHook(NULL), hear_new);
    int added = 0;
    while (MallocHook_AddNewHook(hear_new))
        added++;
    assert_int_equal(added, 7);
    while (MallocHook_RemoveNewHook(hear_new))
        added--;
    assert_int_equal(added, 0);
    alloc_check();
}

static void *stack[20];
static volatile int depth;

static void hear_stack(const void *p, size_t size)
{
    (void)p;
    (void)size;
    depth = MallocHook_GetCallerStackTrace(stack, 20, 0);
}

__attribute__((noinline)) static void *allocates(void)
{
    void *p = malloc(100);
    __asm__ volatile("" : : "r"(p) : "memory"); /* no tail call */
    return p;
}

static void hooks_see_who_called(void **state)
{
    (void)state;
    MallocHook_AddNewHook(hear_stack);
    void *p = allocates();
    p = realloc(p, 1000);
    MallocHook_RemoveNewHook(hear_stack);
    free(p);
    assert_true(depth > 1); /* realloc's */
    const uintptr_t here = (uintptr_t)hooks_see_who_called;
    assert_in_range((uintptr_t)stack[0], here, here + 300);
    MallocHook_AddNewHook(hear_stack);
    p = allocates();
    MallocHook_RemoveNewHook(hear_stack);
    free(p);
    assert_in_range((uintptr_t)stack[0], (uintptr_t)allocates, (uintptr_t)allocates + 100);
    assert_in_range((uintptr_t)stack[1], here, here + 300);
}

/* Every door, so that none lets hooks see a frame of the allocator. */
__attribute__((noinline)) static void *by_door(int door)
{
    void *p = NULL;
    switch (door) {
    case 0:
        p = malloc(100);
        break;
    case 1:
        p = calloc(10, 10);
        break;
    case 2:
        p = realloc(NULL, 100);
        break;
    case 3:
        p = reallocarray(NULL, 10, 10);
        break;
    case 4:
        p = memalign(64, 100);
        break;
    case 5:
        p = memalign(48, 100);
        break;
    case 6:
        p = aligned_alloc(64, 100);
        break;
    case 7:
        (void)!posix_memalign(&p, 64, 100);
        break;
    case 8:
        p = valloc(100);
        break;
    case 9:
        p = pvalloc(100);
        break;
    case 10:
        p = tc_malloc_skip_new_handler(100);
        break;
    case 11:
        p = malloc(1000000);
        break;
    default:
        break;
    }
    __asm__ volatile("" : : "r"(p) : "memory"); /* no tail call */
    return p;
}

static void hooks_see_who_called_by_any_door(void **state)
{
    (void)state;
    for (int door = 0; door < 12; door++) {
        depth = 0;
        MallocHook_AddNewHook(hear_stack);
        void *p = by_door(door);
        MallocHook_RemoveNewHook(hear_stack);
        free(p);
        assert_true(depth > 1);
        assert_in_range((uintptr_t)stack[0], (uintptr_t)by_door, (uintptr_t)by_door + 1000);
        assert_in_range((uintptr_t)stack[1], (uintptr_t)hooks_see_who_called_by_any_door,
                        (uintptr_t)hooks_see_who_called_by_any_door + 300);
    }
}

/* ---- text */

static void numbers_as_text(void **state)
{
    (void)state;
    char buffer[40];
    struct text text = text_over(buffer, sizeof buffer);
    text_unsigned(&text, 0, 3);
    text_add(&text, "|");
    text_unsigned(&text, UINT64_MAX, 0);
    text_add(&text, "|");
    text_hex(&text, 0xbeef);
    assert_string_equal(buffer, "  0|18446744073709551615|0xbeef");
    text = text_over(buffer, sizeof buffer);
    text_ratio(&text, 1048576 * 3 / 2, 1048576, 1, 7);
    text_ratio(&text, 999999, 1000000, 1, 5);
    text_ratio(&text, 1, 3, 3, 0);
    assert_string_equal(buffer, "    1.5  1.00.333");
    text = text_over(buffer, 5);
    text_add(&text, "too long");
    text_add(&text, "!");
    assert_string_equal(buffer, "too ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_are_those_of_the_table),
        cmocka_unit_test(blocks_are_aligned_and_apart),
        cmocka_unit_test(random_calls_keep_every_invariant),
        cmocka_unit_test(addresses_find_their_blocks),
        cmocka_unit_test(sizes_that_cannot_be_fail),
        cmocka_unit_test(success_leaves_errno_alone),
        cmocka_unit_test(any_request_may_be_refused),
        cmocka_unit_test(a_thread_without_memory_for_lists),
        cmocka_unit_test(memory_goes_back),
        cmocka_unit_test(a_small_block_that_changes_its_size),
        cmocka_unit_test(what_is_cut_off_goes_back_at_once),
        cmocka_unit_test(what_is_idle_goes_back_by_itself),
        cmocka_unit_test(a_limit_holds),
        cmocka_unit_test(numbers_add_up),
        cmocka_unit_test(hooks_hear_of_every_call),
        cmocka_unit_test(hooks_see_who_called),
        cmocka_unit_test(hooks_see_who_called_by_any_door),
        cmocka_unit_test(numbers_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
