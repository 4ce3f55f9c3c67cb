/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Requests to the profiling pages, as a connection brings them: in two parts, cut anywhere. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "http/internal.h"

static void check(bool is_so)
{
    if (!is_so)
        abort();
}

static void check_inside(struct piece piece, const char *bytes, size_t n)
{
    check(piece.n == 0 || (piece.p >= bytes && piece.p + piece.n <= bytes + n));
}

static void look_at_target(struct piece target)
{
    struct piece name, query;
    unsigned seconds;
    if (!http_page(target, &name, &query))
        return;
    check_inside(name, target.p, target.n);
    if (http_seconds(query, &seconds))
        check(seconds >= 1 && seconds <= HTTP_SECONDS_MOST);
    uint64_t address;
    while (http_address(&query, &address))
        ;
}

static enum http_progress look(const char *bytes, size_t n)
{
    struct http_request r;
    int status = 0;
    const enum http_progress progress = http_parse(bytes, n, &r, &status);
    check((progress == HTTP_BAD) == (status >= 400) || progress == HTTP_HEAD);
    if (progress != HTTP_BODY && progress != HTTP_DONE)
        return progress;
    check(r.head_n <= HTTP_HEAD_MOST && r.body_n <= HTTP_BODY_MOST && r.head_n <= n);
    check((progress == HTTP_DONE) == (n - r.head_n >= r.body_n));
    check_inside(r.method, bytes, r.head_n);
    check_inside(r.target, bytes, r.head_n);
    check_inside(r.host, bytes, r.head_n);
    check(r.method.n > 0 && r.target.n > 0 && r.target.n <= HTTP_TARGET_MOST);
    (void)http_host_is_local(r.host);
    look_at_target(r.target);
    struct piece body = piece_of(bytes + r.head_n, progress == HTTP_DONE ? r.body_n : 0);
    uint64_t address;
    while (http_address(&body, &address))
        check_inside(body, bytes, n);
    return progress;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    const enum http_progress whole = look(bytes, size);
    /* A beginning never is more complete than the whole, and what is bad in it stays so. */
    char *part = malloc(size / 2 + 1);
    check(part != NULL);
    memcpy(part, bytes, size / 2);
    const enum http_progress half = look(part, size / 2);
    check(half != HTTP_BAD || whole == HTTP_BAD);
    check(half != HTTP_DONE || whole == HTTP_DONE);
    free(part);
    return 0;
}
