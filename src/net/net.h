/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Profiles on servers: how they are named, and bytes over HTTP. A name is
 * [SCHEME://]HOST[:PORT][PREFIX][/SERVICE], as gperftools' pprof spelled it: SERVICE is one of a
 * few known paths that end it ("/pprof/heap"), PREFIX is what stands before it (docs/formats.md).
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"

/* ---- names (name.c) -----------------------------------------------------------------------------
 */

/* A name taken apart; texts are the arena's. */
struct remote {
    const char *base;    /* "http://host:80/prefix": the other services are asked of it too */
    const char *service; /* "/pprof/heap", with a query if there was one */
    const char *host;    /* "host" or "host:port", for names of files */
    const char *path;    /* the service without its query */
    bool takes_seconds;  /* it gathers, for as long as it is told, and then answers */
    bool has_seconds;    /* the query says how long */
    uint64_t seconds;    /* if so */
};

/* Whether a name is spelled as only a server's can be: with a scheme, a port, a count ("NAME@N"),
 * or a known service at its end. A file of that name goes before; asking is the caller's. */
bool remote_is(struct span name);
/* "NAME@N" and "NAME@N/PATH" stand for "0.NAME/PATH" up to the one before "N.NAME/PATH". False: it
 * is one of these, but N is none of 1 to 1000. n == 0: it is no such name. */
bool remote_count(struct span name, uint32_t *n) CHECKED;
const char *remote_member(struct arena *arena, struct span name, uint32_t i);
bool remote_parse(struct arena *arena, struct span name, struct remote *out,
                  struct error *err) CHECKED;

/* ---- HTTP (http.c) ------------------------------------------------------------------------------
 */

struct http_options {
    uint64_t timeout;    /* seconds for one answer; 0: none */
    uint64_t patience;   /* seconds in which at least 100 KB of it must come; 0: none */
    uint64_t limit;      /* bytes of an answer */
    const char *ca_file; /* certificates to trust instead of the system's; NULL: none */
    bool is_insecure;    /* whoever answers is believed */
    const char *doing;   /* for `progress` */
    uint64_t expected;   /* seconds the answer takes to begin; 0: unknown */
    const struct progress *progress;
};

/* The answer to GET or, with `form`, to POST, written to `fd` or, if that is -1, to `body`;
 * redirects are followed to http and https. Anything but a good answer is an error, "URL: reason",
 * with what the server said of it (status and the first line of its page); it is ERROR_ABSENT where
 * that is that there is no such thing. libcurl is loaded for the first one. */
bool http_ask(const char *url, const struct span *form, const struct http_options *options, int fd,
              struct buf *body, struct error *err) CHECKED;
