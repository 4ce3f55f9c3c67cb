/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How profiles on servers are spelled. Apart from HTTP because most of it is about telling such a
 * name from that of a file. */
#include "net/net.h"

#include <string.h>

static const struct service {
    const char *path;
    bool takes_seconds;
} services[] = {
    {"/pprof/profile", true},
    {"/pprof/pmuprofile", true},
    {"/pprof/heap", false},
    {"/pprof/growth", false},
    {"/pprof/contention", false},
    {"/pprof/wall", false},
    {"/pprof/filteredprofile", false},
    {"/pprof/censusprofile", false},
    /* Of servers written in Go, which say /debug before. */
    {"/pprof/allocs", false},
    {"/pprof/block", false},
    {"/pprof/goroutine", false},
    {"/pprof/mutex", false},
    {"/pprof/threadcreate", false},
};

static const struct service *find_service(struct span name)
{
    for (size_t i = 0; i < COUNT_OF(services); i++) {
        if (span_ends(name, services[i].path))
            return &services[i];
    }
    return NULL;
}

/* Bytes of "http://" or "https://" at the front, 0: none. */
static size_t scheme_length(struct span name)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < COUNT_OF(schemes); i++) {
        if (span_starts(name, schemes[i]))
            return strlen(schemes[i]);
    }
    return 0;
}

/* ":" and a number, which ends the name or is followed by "/". */
static bool has_port(struct span name)
{
    const size_t colon = span_find(name, ':');
    struct span rest = colon == SIZE_MAX ? span_make("", 0) : span_skip(name, colon + 1);
    uint64_t port;
    return colon > 0 && span_take_u64(&rest, &port) && (rest.n == 0 || rest.p[0] == '/');
}

/* Where "@N" begins and what follows it. */
static bool find_count(struct span name, size_t *at, struct span *after, uint64_t *count)
{
    *at = span_find(name, '@');
    if (*at == SIZE_MAX || *at == 0)
        return false;
    *after = span_skip(name, *at + 1);
    return span_take_u64(after, count) && (after->n == 0 || after->p[0] == '/');
}

bool remote_is(struct span name)
{
    size_t at;
    struct span after;
    uint64_t count;
    const size_t scheme = span_find_text(name, "://");
    if (scheme != SIZE_MAX && scheme > 0 && span_find(name, '/') == scheme + 1)
        return true;
    return has_port(name) || find_count(name, &at, &after, &count) ||
           find_service(span_first(name, span_find(name, '?')));
}

bool remote_count(struct span name, uint32_t *n)
{
    enum { MOST = 1000 };
    size_t at;
    struct span after;
    uint64_t count;
    *n = 0;
    if (span_find_text(name, "://") != SIZE_MAX || !find_count(name, &at, &after, &count))
        return true;
    *n = count <= MOST ? (uint32_t)count : 0;
    return *n > 0;
}

const char *remote_member(struct arena *arena, struct span name, uint32_t i)
{
    size_t at;
    struct span after;
    uint64_t count;
    if (!find_count(name, &at, &after, &count))
        return arena_text(arena, name);
    return arena_printf(arena, "%u.%.*s%.*s", i, (int)at, name.p, (int)after.n, after.p);
}

/* The value of "seconds=" in a query. */
static bool find_seconds(struct span query, uint64_t *seconds)
{
    while (query.n) {
        const size_t end = span_find(query, '&');
        struct span part = span_first(query, end);
        if (span_take(&part, "seconds="))
            return span_u64(part, seconds);
        query = end == SIZE_MAX ? span_make("", 0) : span_skip(query, end + 1);
    }
    return false;
}

bool remote_parse(struct arena *arena, struct span name, struct remote *out, struct error *err)
{
    const size_t n_scheme = scheme_length(name);
    const struct span scheme = n_scheme ? span_first(name, n_scheme) : span_of("http://");
    struct span rest = span_skip(name, n_scheme);
    for (size_t i = 0; i < name.n; i++) {
        if ((unsigned char)name.p[i] <= ' ' || name.p[i] == 0x7f)
            return error_set(err, ERROR_USAGE, "%.*s: no name of a server: byte %zu is a space",
                             (int)name.n, name.p, i);
    }
    if (!n_scheme && span_find_text(name, "://") != SIZE_MAX)
        return error_set(err, ERROR_USAGE, "%.*s: only http and https are spoken", (int)name.n,
                         name.p);
    const size_t slash = span_find(rest, '/');
    const struct span host = span_first(rest, slash);
    if (host.n == 0)
        return error_set(err, ERROR_USAGE, "%.*s: no server is named", (int)name.n, name.p);
    rest = slash == SIZE_MAX ? span_make("", 0) : span_skip(rest, slash);

    const size_t mark = span_find(rest, '?');
    struct span path = span_first(rest, mark);
    const struct span query = mark == SIZE_MAX ? span_make("", 0) : span_skip(rest, mark + 1);
    const struct service *service = find_service(path);
    if (!service && path.n && path.p[path.n - 1] == '/')
        path.n--;
    const struct span prefix = service ? span_first(path, path.n - strlen(service->path)) : path;
    if (!service)
        service = &services[0];
    *out = (struct remote){
        .base = arena_printf(arena, "%.*s%.*s%.*s", (int)scheme.n, scheme.p, (int)host.n, host.p,
                             (int)prefix.n, prefix.p),
        .service = arena_printf(arena, "%s%s%.*s", service->path, query.n ? "?" : "", (int)query.n,
                                query.p),
        .host = arena_text(arena, host),
        .path = service->path,
        .takes_seconds = service->takes_seconds,
    };
    out->has_seconds = find_seconds(query, &out->seconds);
    return true;
}
