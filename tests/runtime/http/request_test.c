/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The request parser, byte for byte: what is taken, what is refused and how. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/internal.h"

static enum http_progress parse(const char *text, struct http_request *out, int *status)
{
    return http_parse(text, strlen(text), out, status);
}

static void assert_bad(const char *text, int wanted)
{
    struct http_request request;
    int status = 0;
    assert_int_equal(parse(text, &request, &status), HTTP_BAD);
    assert_int_equal(status, wanted);
}

#define assert_piece(piece, text)                                                                  \
    do {                                                                                           \
        assert_int_equal((piece).n, strlen(text));                                                 \
        assert_memory_equal((piece).p, text, (piece).n);                                           \
    } while (0)

static void plain(void **state)
{
    struct http_request r;
    int status;
    (void)state;
    assert_int_equal(
        parse("GET /pprof/heap?a=b HTTP/1.1\r\nHost: localhost:80\r\n\r\n", &r, &status),
        HTTP_DONE);
    assert_piece(r.method, "GET");
    assert_piece(r.target, "/pprof/heap?a=b");
    assert_true(r.has_host);
    assert_piece(r.host, "localhost:80");
    assert_int_equal(r.body_n, 0);
    /* bare line ends, no header, an empty line in front */
    assert_int_equal(parse("\r\nGET / HTTP/1.0\n\n", &r, &status), HTTP_DONE);
    assert_int_equal(r.head_n, 18);
    assert_false(r.has_host);
    /* as to a proxy */
    assert_int_equal(parse("GET http://h:1/x/pprof/heap HTTP/1.1\r\n\r\n", &r, &status), HTTP_DONE);
    assert_piece(r.target, "/x/pprof/heap");
}

static void bodies(void **state)
{
    static const char text[] =
        "POST /pprof/symbol HTTP/1.1\r\ncontent-LENGTH:  5 \r\nExpect: 100-Continue\r\n\r\n0x1+2";
    struct http_request r;
    int status;
    (void)state;
    const size_t n = strlen(text);
    for (size_t i = 0; i < n; i++) {
        const enum http_progress p = http_parse(text, i, &r, &status);
        assert_int_equal(p, i < n - 5 ? HTTP_HEAD : HTTP_BODY);
    }
    assert_int_equal(http_parse(text, n, &r, &status), HTTP_DONE);
    assert_true(r.wants_continue);
    assert_int_equal(r.body_n, 5);
    assert_memory_equal(text + r.head_n, "0x1+2", 5);
    assert_int_equal(parse("POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n12345",
                           &r, &status),
                     HTTP_DONE);
}

static void refused(void **state)
{
    (void)state;
    assert_bad("GET /\r\n\r\n", 400);
    assert_bad("GET  / HTTP/1.1\r\n\r\n", 400);
    assert_bad("GET / HTTP/1.1 x\r\n\r\n", 400);
    assert_bad("GET / ICAP/1.0\r\n\r\n", 400);
    assert_bad("GET pprof HTTP/1.1\r\n\r\n", 400);
    assert_bad("GET http://host HTTP/1.1\r\n\r\n", 400);
    assert_bad("GET /\x01 HTTP/1.1\r\n\r\n", 400);
    assert_bad("G(T / HTTP/1.1\r\n\r\n", 400);
    assert_bad("GET / HTTP/1.1\r\nno colon\r\n\r\n", 400);
    assert_bad("GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400);
    assert_bad("GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", 400);
    assert_bad("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400);
    assert_bad("GET / HTTP/1.1\r\nA: \x02\r\n\r\n", 400);
    assert_bad("PRI * HTTP/2.0\r\n\r\n", 505);
    assert_bad("GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400);
    assert_bad("GET / HTTP/1.1\r\nContent-Length: \r\n\r\n", 400);
    assert_bad("GET / HTTP/1.1\r\nContent-Length: 1, 2\r\n\r\n", 400);
    assert_bad("GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400);
    assert_bad("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", 413);
    assert_bad("POST / HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n", 413);
    assert_bad("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411);
    assert_bad("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400);
    assert_bad("POST / HTTP/1.1\r\n\r\n", 411);
    assert_bad("GET / HTTP/1.1\r\nExpect: more\r\n\r\n", 417);
}

static void nul_bytes(void **state)
{
    static const char text[] = "GET /pprof/\0heap HTTP/1.1\r\n\r\n";
    struct http_request r;
    int status;
    (void)state;
    assert_int_equal(http_parse(text, sizeof text - 1, &r, &status), HTTP_BAD);
    assert_int_equal(status, 400);
}

static void too_long(void **state)
{
    enum { SIZE = HTTP_HEAD_MOST + 100 };
    struct http_request r;
    int status;
    (void)state;
    char *text = malloc(SIZE);
    assert_non_null(text);
    memset(text, 'a', SIZE);
    assert_int_equal(http_parse(text, HTTP_HEAD_MOST, &r, &status), HTTP_HEAD);
    assert_int_equal(http_parse(text, HTTP_HEAD_MOST + 1, &r, &status), HTTP_BAD);
    assert_int_equal(status, 431);
    memcpy(text, "GET /", 5);
    memcpy(text + 5 + HTTP_TARGET_MOST, " HTTP/1.1\r\n\r\n", 13);
    assert_int_equal(http_parse(text, SIZE, &r, &status), HTTP_BAD);
    assert_int_equal(status, 414);
    memcpy(text + 4 + HTTP_TARGET_MOST, " HTTP/1.1\r\n\r\n", 13);
    assert_int_equal(http_parse(text, 4 + HTTP_TARGET_MOST + 13, &r, &status), HTTP_DONE);
    free(text);
}

static void pages(void **state)
{
    struct piece name, query;
    (void)state;
    assert_true(http_page(piece_of("/debug/pprof/heap?x=1#y", 23), &name, &query));
    assert_piece(name, "heap");
    assert_piece(query, "x=1");
    assert_true(http_page(piece_of("/pprof/", 7), &name, &query));
    assert_piece(name, "");
    assert_true(http_page(piece_of("/pprof/heap#?x", 14), &name, &query));
    assert_piece(name, "heap");
    assert_piece(query, "");
    assert_false(http_page(piece_of("/pprof", 6), &name, &query));
    assert_false(http_page(piece_of("/heap", 5), &name, &query));
    assert_false(http_page(piece_of("/xpprof/heap", 12), &name, &query));
    assert_false(http_page(piece_of("/pprof/heap/", 12), &name, &query));
    assert_false(http_page(piece_of("/a?/pprof/heap", 14), &name, &query));
    assert_false(http_page(piece_of("", 0), &name, &query));
}

static bool seconds(const char *query, unsigned *n)
{
    return http_seconds(piece_of(query, strlen(query)), n);
}

static void numbers(void **state)
{
    unsigned n;
    (void)state;
    assert_true(seconds("", &n));
    assert_int_equal(n, 30);
    assert_true(seconds("a=1&seconds=7&b", &n));
    assert_int_equal(n, 7);
    assert_true(seconds("seconds=86400", &n));
    assert_int_equal(n, 86400);
    const char *const bad[] = {"seconds=",   "seconds=0",     "seconds=-1",
                               "seconds=1s", "seconds=86401", "seconds=99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(seconds(bad[i], &n));
}

static void addresses(void **state)
{
    static const char text[] = "0x1F+00000abc+zz++0x+0xffffffffffffffff+0x10000000000000000\r\n0X2";
    const uint64_t wanted[] = {0x1f, 0xabc, UINT64_MAX, 2};
    struct piece rest = piece_of(text, strlen(text));
    uint64_t address;
    (void)state;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        assert_true(http_address(&rest, &address));
        assert_true(address == wanted[i]);
    }
    assert_false(http_address(&rest, &address));
}

static void hosts(void **state)
{
    const char *const fine[] = {"localhost", "LocalHost:8080", "127.0.0.1", "10.0.0.1:80",
                                "[::1]:80"};
    const char *const others[] = {"", "example.com", "localhost.example.com",
                                  "127.0.0.1.example.com"};
    (void)state;
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
        assert_true(http_host_is_local(piece_of(fine[i], strlen(fine[i]))));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(http_host_is_local(piece_of(others[i], strlen(others[i]))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain),     cmocka_unit_test(bodies),    cmocka_unit_test(refused),
        cmocka_unit_test(nul_bytes), cmocka_unit_test(too_long),  cmocka_unit_test(pages),
        cmocka_unit_test(numbers),   cmocka_unit_test(addresses), cmocka_unit_test(hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
