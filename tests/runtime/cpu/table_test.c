/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cpuprof/table.c: counting stacks from many threads at once; cpuprof/writer.c: what stands in the
 * file in between; and what base/ makes of texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/env.h"
#include "base/message.h"
#include "base/pages.h"
#include "cpuprof/internal.h"

enum { THREADS = 4, ADDITIONS = 200000, STACKS = 1000 };

static struct table table;

static size_t make_stack(uintptr_t *pcs, unsigned number)
{
    const size_t n = 1 + number % 30;
    for (size_t i = 0; i < n; i++)
        pcs[i] = 0x1000 + number * 31 + i;
    return n;
}

static void *add_many(void *given)
{
    unsigned seed = (unsigned)(uintptr_t)given;
    uintptr_t pcs[SAMPLE_MAX];
    for (unsigned i = 0; i < ADDITIONS; i++) {
        seed = seed * 1664525 + 1013904223;
        const size_t n = make_stack(pcs, (seed >> 8) % STACKS);
        if (!table_add(&table, pcs, n, 1 + (i & 1)).count)
            abort();
    }
    return NULL;
}

static void counted_by_many(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    assert_true(table_open(&table));
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, (void *)(i + 1)), 0);
    for (unsigned i = 0; i < 100; i++)
        assert_true(table_weight(&table) <= (uint64_t)THREADS * ADDITIONS * 3 / 2);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    table_check(&table);
    assert_int_equal(table_weight(&table), (uint64_t)THREADS * ADDITIONS * 3 / 2);
    size_t at = 0, n = 0;
    while (table_next(&table, &at))
        n++;
    assert_int_equal(n, STACKS);
    table_clear(&table);
    assert_int_equal(table_weight(&table), 0);
    table_close(&table);
}

static void counted_again(void **state)
{
    (void)state;
    static struct table other;
    const uintptr_t pcs[] = {1, 2, 3};
    assert_true(table_open(&table) && table_open(&other));
    const struct mark mark = table_add(&table, pcs, 3, 1);
    assert_true(table_add_to(&table, mark, 4));
    assert_int_equal(table_weight(&table), 5);
    assert_false(table_add_to(&other, mark, 4));
    assert_false(table_add_to(&table, (struct mark){0}, 4));
    table_clear(&table); /* and other records come */
    assert_non_null(table_add(&table, pcs, 2, 1).count);
    assert_false(table_add_to(&table, mark, 4));
    assert_int_equal(table_weight(&table), 1);
    assert_int_equal(table_weight(&other), 0);
    table_close(&table);
    table_close(&other);
}

static void full(void **state)
{
    (void)state;
    uintptr_t pcs[SAMPLE_MAX];
    uint64_t added = 0;
    assert_true(table_open(&table));
    for (unsigned i = 0; i < SAMPLE_MAX; i++)
        pcs[i] = i + 1;
    while (pcs[0]++ < 1000000 && table_add(&table, pcs, SAMPLE_MAX, 1).count)
        added++;
    assert_in_range(added, 1000, 999999);
    assert_int_equal(table_weight(&table), added);
    table_check(&table);
    pcs[0]--; /* one that is in it still counts */
    assert_non_null(table_add(&table, pcs, SAMPLE_MAX, 5).count);
    assert_int_equal(table_weight(&table), added + 5);
    table_close(&table);
}

/* Locked memory, of which the system takes nothing back: it has to be wiped. */
static void cleared_where_it_is_locked(void **state)
{
    (void)state;
    uintptr_t pcs[SAMPLE_MAX];
    assert_true(table_open(&table));
    assert_int_equal(mlock(table.words, 4096), 0);
    assert_int_equal(mlock(table.index, table.n_index / 64), 0);
    for (unsigned i = 0; i < 30; i++)
        assert_non_null(table_add(&table, pcs, make_stack(pcs, i), 7).count);
    table_clear(&table);
    for (unsigned i = 30; i > 0; i--)
        assert_non_null(table_add(&table, pcs, make_stack(pcs, i), 1).count);
    table_check(&table);
    assert_int_equal(table_weight(&table), 30);
    table_close(&table);
}

/* A process may be killed right after its table was full: nothing but records is in the file. */
static void kept_behind_a_checkpoint(void **state)
{
    (void)state;
    struct writer writer = {.name.text = "/tmp/cpuprof_test_XXXXXX", .period_us = 10000};
    const int fd = mkstemp(writer.name.text);
    const uintptr_t one[] = {1, 2}, two[] = {3, 4};
    struct stat about;
    assert_true(fd >= 0);
    assert_int_equal(writer_open(&writer), 0);
    assert_true(table_open(&table));
    assert_non_null(table_add(&table, one, 2, 1).count);
    writer_checkpoint(&writer, &table);
    assert_int_equal(fstat(fd, &about), 0);
    assert_true((uint64_t)about.st_size > writer.bytes); /* the map */
    assert_non_null(table_add(&table, two, 2, 1).count);
    writer_keep(&writer, &table);
    assert_int_equal(fstat(fd, &about), 0);
    assert_int_equal(about.st_size, (5 + 2 * 4) * 8);
    assert_int_equal(writer.evictions, 2);
    table_close(&table);
    writer_close(&writer);
    close(fd);
    unlink(writer.name.text);
}

/* Whichever request for memory is refused, a profile begins or does not, and the next one does. */
static void started_without_memory(void **state)
{
    (void)state;
    char name[] = "/tmp/cpuprof_test_XXXXXX";
    const int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(setenv("CPUPROFILE_QUIET", "1", 1), 0);
    bool is_started = false;
    for (long n = 0; !is_started; n++) {
        assert_in_range(n, 0, 20);
        pages_refuse_after(n);
        errno = 0;
        is_started = ProfilerStart(name);
        pages_refuse_after(-1);
        assert_int_equal(is_started ? 0 : ENOMEM, errno);
        assert_int_equal(ProfilingIsEnabledForAllThreads(), is_started);
        timers_check();
        ProfilerStop();
        timers_check();
        assert_false(ProfilingIsEnabledForAllThreads());
        assert_true(n > 0 || !is_started);
        assert_true(ProfilerStart(name));
        ProfilerStop();
    }
    close(fd);
    unlink(name);
}

static void numbers(void **state)
{
    (void)state;
    const char *rest;
    assert_int_equal(env_number(" -12x", &rest), -12);
    assert_string_equal(rest, "x");
    assert_int_equal(env_number("", &rest), 0);
    assert_int_equal(env_number("99999999999999999999", NULL), INT64_MAX);
    assert_int_equal(env_number("-99999999999999999999", NULL), INT64_MIN);
}

static void variables(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        bool is_true;
    } rows[] = {{"1", true}, {"t", true}, {"Yes", true}, {"", true}, {"0", false}, {"no", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        setenv("RUNTIME_TEST", rows[i].value, 1);
        assert_int_equal(env_bool("RUNTIME_TEST", !rows[i].is_true), rows[i].is_true);
    }
    unsetenv("RUNTIME_TEST");
    assert_true(env_bool("RUNTIME_TEST", true));
    assert_true(env_put("RUNTIME_TEST=5"));
    assert_int_equal(env_int("RUNTIME_TEST", 0), 5);
    assert_string_equal(getenv("RUNTIME_TEST"), "5");
    assert_true(env_drop("RUNTIME_TEST"));
    assert_null(getenv("RUNTIME_TEST"));
    assert_non_null(getenv("PATH"));
}

static void formats(void **state)
{
    (void)state;
    char text[100];
    assert_int_equal(
        text_print(text, sizeof text, "%d|%5d|%-5d|%05d|%s|%c|%%", -7, 42, 42, -42, "abc", 'x'),
        28);
    assert_string_equal(text, "-7|   42|42   |-0042|abc|x|%");
    (void)text_print(text, sizeof text, "%lx %08lx %zu %p %.*s", 0xabcUL, 0xabcUL, (size_t)9,
                     (void *)0x10, 2, "abc");
    assert_string_equal(text, "abc 00000abc 9 0x10 ab");
    assert_int_equal(text_print(text, 4, "%s", "abcdef"), 3);
    assert_string_equal(text, "abc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counted_by_many),
        cmocka_unit_test(counted_again),
        cmocka_unit_test(full),
        cmocka_unit_test(cleared_where_it_is_locked),
        cmocka_unit_test(kept_behind_a_checkpoint),
        cmocka_unit_test(started_without_memory),
        cmocka_unit_test(numbers),
        cmocka_unit_test(variables),
        cmocka_unit_test(formats),
    };
    return cmocka_run_group_tests_name("cpuprof_table", tests, NULL, NULL);
}
