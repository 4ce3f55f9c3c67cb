/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Files that are kept: what is in them, whose they are, and names that none has. Who may have
 * written them, and how many there may be, is in object_cache_test.c. */
#include "base_unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/cache.h"

static const struct span key = {.p = "a key", .n = 5};

static void store(const char *name, const struct span *parts, size_t n)
{
    cache_store("kept", name, key, parts, n, (uint64_t)1 << 20);
}

static void parts_in_order(void **state)
{
    (void)state;
    char odd[1000];
    for (size_t i = 0; i < sizeof odd; i++)
        odd[i] = (char)(i * 7 + 1);
    for (size_t n = 0; n <= 200; n++) {
        const struct span parts[] = {span_make(odd, n), span_make(NULL, 0), span_make("xyz", 3)};
        const size_t second = (n + CACHE_ALIGN - 1) / CACHE_ALIGN * CACHE_ALIGN;
        struct cached found;
        store("parts", parts, 3);
        assert_true(cache_load("kept", "parts", key, &found));
        assert_int_equal(found.bytes.n, second + CACHE_ALIGN);
        assert_int_equal((uintptr_t)found.bytes.p % CACHE_ALIGN, 0);
        assert_memory_equal(found.bytes.p, odd, n);
        for (size_t i = n; i < second; i++)
            assert_int_equal(found.bytes.p[i], 0);
        assert_string_equal(found.bytes.p + second, "xyz");
        cache_unload(&found);
        assert_null(found.mapped);
    }
    cache_unload(&(struct cached){0});
    assert_int_equal(unlink("kept/parts" CACHE_ENDING), 0);
    assert_int_equal(rmdir("kept"), 0);
}

static void known_by_their_keys(void **state)
{
    (void)state;
    struct cached found;
    const struct span part = span_of("something"), keys[] = {span_of("a kez"), span_of("a ke"),
                                                             span_of("a key."), span_make(NULL, 0)};
    store("one", &part, 1);
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        assert_false(cache_load("kept", "one", keys[i], &found));
    assert_false(cache_load("kept", "two", key, &found));
    assert_false(cache_load(NULL, "one", key, &found));
    assert_false(cache_load("elsewhere", "one", key, &found));
    assert_true(cache_load("kept", "one", key, &found));
    cache_unload(&found);
    assert_int_equal(unlink("kept/one" CACHE_ENDING), 0);
    assert_int_equal(rmdir("kept"), 0);
}

static void names_that_none_has(void **state)
{
    (void)state;
    char longest[400];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    const char *const names[] = {"../out", "in/side", ".hidden", "", longest};
    const struct span part = span_of("something");
    struct cached found;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        store(names[i], &part, 1);
        assert_false(cache_load("kept", names[i], key, &found));
    }
    cache_store(NULL, "one", key, &part, 1, 1 << 20);
    cache_store("kept", "one", key, &part, 1, 100); /* it is larger */
    assert_int_equal(access("out" CACHE_ENDING, F_OK), -1);
    assert_int_equal(rmdir("kept"), -1); /* nothing was made */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_in_order),
        cmocka_unit_test(known_by_their_keys),
        cmocka_unit_test(names_that_none_has),
    };
    char folder[] = "/tmp/cprof-cache-XXXXXX";
    if (!mkdtemp(folder) || chdir(folder) != 0)
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return rmdir(folder) != 0 || failed;
}
