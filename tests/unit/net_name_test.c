/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Names of profiles on servers: which are such, and how they are taken apart. */
#include "net/net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void told_from_files(void **state)
{
    static const struct {
        const char *name;
        bool is_remote;
    } rows[] = {
        {"host:80", true},
        {"host:80/", true},
        {"host:80/pprof/heap", true},
        {"http://host", true},
        {"ftp://host/x", true},
        {"host/pprof/profile", true},
        {"host/pprof/profile?seconds=3", true},
        {"host/debug/pprof/heap", true},
        {"host@3", true},
        {"host@3/pprof/heap", true},
        {"host:80@3/pprof/heap", true},
        {"", false},
        {"prog", false},
        {":80", false},
        {"host:", false},
        {"host:80x", false},
        {"./a:b", false},
        {"@3", false},
        {"x@", false},
        {"x@3y", false},
        {"dir/://x", false},
        {"host/pprof/heaps", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (remote_is(span_of(rows[i].name)) != rows[i].is_remote)
            fail_msg("%s", rows[i].name);
    }
}

static void taken_apart(void **state)
{
    static const struct {
        const char *name, *base, *service, *host;
        bool takes_seconds;
        uint64_t seconds; /* in the name; 0: none */
    } rows[] = {
        {"host:80", "http://host:80", "/pprof/profile", "host:80", true, 0},
        {"host:80/", "http://host:80", "/pprof/profile", "host:80", true, 0},
        {"https://h/a/b/", "https://h/a/b", "/pprof/profile", "h", true, 0},
        {"h/pprof/heap", "http://h", "/pprof/heap", "h", false, 0},
        {"h/debug/pprof/heap?gc=1", "http://h/debug", "/pprof/heap?gc=1", "h", false, 0},
        {"h:1/pprof/profile?seconds=7", "http://h:1", "/pprof/profile?seconds=7", "h:1", true, 7},
        {"h/pprof/pmuprofile?event=x&seconds=9", "http://h", "/pprof/pmuprofile?event=x&seconds=9",
         "h", true, 9},
        {"h/pprof/profile?xseconds=7", "http://h", "/pprof/profile?xseconds=7", "h", true, 0},
    };
    struct arena *arena = arena_new();
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct error err = {0};
        struct remote remote;
        assert_true(remote_parse(arena, span_of(rows[i].name), &remote, &err));
        assert_string_equal(remote.base, rows[i].base);
        assert_string_equal(remote.service, rows[i].service);
        assert_string_equal(remote.host, rows[i].host);
        assert_int_equal(remote.takes_seconds, rows[i].takes_seconds);
        assert_int_equal(remote.has_seconds, rows[i].seconds != 0);
        if (rows[i].seconds)
            assert_int_equal(remote.seconds, rows[i].seconds);
    }
    arena_free(arena);
}

static void refused(void **state)
{
    static const char *const names[] = {"http://", "http:///pprof/heap", "ftp://h/pprof/heap",
                                        "http://a b", "http://a\nb"};
    struct arena *arena = arena_new();
    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct error err = {0};
        struct remote remote;
        if (remote_parse(arena, span_of(names[i]), &remote, &err))
            fail_msg("%s", names[i]);
        assert_int_equal(err.kind, ERROR_USAGE);
    }
    arena_free(arena);
}

static void counted(void **state)
{
    struct arena *arena = arena_new();
    uint32_t n;
    (void)state;
    assert_true(remote_count(span_of("h:80@3/pprof/heap"), &n));
    assert_int_equal(n, 3);
    assert_string_equal(remote_member(arena, span_of("h:80@3/pprof/heap"), 0), "0.h:80/pprof/heap");
    assert_string_equal(remote_member(arena, span_of("h@3"), 2), "2.h");
    assert_true(remote_count(span_of("h:80/pprof/heap"), &n));
    assert_int_equal(n, 0);
    assert_true(remote_count(span_of("http://u@3/"), &n)); /* a user */
    assert_int_equal(n, 0);
    assert_false(remote_count(span_of("h@0"), &n));
    assert_false(remote_count(span_of("h@1001"), &n));
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(told_from_files),
        cmocka_unit_test(taken_apart),
        cmocka_unit_test(refused),
        cmocka_unit_test(counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
