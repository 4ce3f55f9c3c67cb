/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of the profiling pages share. A request goes from bytes (request.c) to a page
 * (pages.c) and its source: a CPU profile (profile.c), names (symbols.c), the allocator; bodies are
 * gathered in body.c. connection.c moves the bytes, server.c has the thread that does it. */
#pragma once

#include "cprof/http.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- request.c: strangers' bytes; no system calls, no state ---------------------------------- */

/* Borrowed text. */
struct piece {
    const char *p;
    size_t n;
};

static inline struct piece piece_of(const char *p, size_t n)
{
    return (struct piece){p, n};
}

bool piece_is(struct piece piece, const char *text);
/* Without regard to case. */
bool piece_is_word(struct piece piece, const char *text);

enum {
    HTTP_HEAD_MOST = 16 << 10,
    HTTP_TARGET_MOST = 8 << 10,
    HTTP_BODY_MOST = 1 << 20,
    HTTP_SECONDS_USUAL = 30,
    HTTP_SECONDS_MOST = 86400,
};

struct http_request {
    struct piece method, target, host;
    bool has_host, wants_continue;
    size_t head_n, body_n; /* the body follows the head */
};

enum http_progress {
    HTTP_HEAD, /* the head is not complete */
    HTTP_BODY, /* the head is: all but the body is known */
    HTTP_DONE,
    HTTP_BAD, /* answer with the status, and close */
};

/* Looks at all that came on a connection so far. */
enum http_progress http_parse(const char *bytes, size_t n, struct http_request *out, int *status);

/* Whether the Host of a request is this machine by number, or by the name that is always its own. A
 * page that someone else's name led a browser to has another one. */
bool http_host_is_local(struct piece host);

/* The page's name and what follows the "?", of a target that has "/pprof/" in it. */
bool http_page(struct piece target, struct piece *name, struct piece *query);

/* seconds=N of a query. False: it is no number from 1 on. */
bool http_seconds(struct piece query, unsigned *seconds);

/* The next address of "0xA+0xB", from *rest on, which moves on; false: there is none. */
bool http_address(struct piece *rest, uint64_t *address);

/* ---- body.c: a growing text in pages of its own ---------------------------------------------- */

struct body {
    char *p;
    size_t n, room;
    bool is_full; /* memory ran out, or it became too large: it is no answer any more */
};

/* Room for so many more bytes at p + n; false: there is none. */
bool body_reserve(struct body *body, size_t n);
void body_add(struct body *body, const char *p, size_t n);
void body_print(struct body *body, const char *format, ...) __attribute__((format(printf, 2, 3)));
void body_free(struct body *body);
/* The body becomes the reply's. */
void body_reply(struct body *body, int status, const char *content_type,
                struct cprof_http_reply *reply);
void reply_say(struct cprof_http_reply *reply, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- profile.c ------------------------------------------------------------------------------- */

/* A CPU profile that is being taken. */
struct taking {
    int fd; /* memory that is a file */
};

/* False: the reply says why not. */
bool taking_begin(struct taking *taking, struct cprof_http_reply *reply);
void taking_end(struct taking *taking, struct cprof_http_reply *reply);
/* Nobody wants it any more. */
void taking_drop(struct taking *taking);

/* ---- symbols.c ------------------------------------------------------------------------------- */

void symbols_count(struct body *body);
void symbols_name(struct body *body, struct piece addresses);

/* ---- pages.c --------------------------------------------------------------------------------- */

struct ask {
    struct piece method, target, body;
};

enum answer {
    ANSWER_DONE,
    ANSWER_NO_PAGE, /* done as well, with a 404 */
    ANSWER_PROFILE, /* a CPU profile of so many seconds is to be taken; there is no reply yet */
};

enum answer pages_answer(const struct ask *ask, struct cprof_http_reply *reply, unsigned *seconds);
/* The methods that a target has, for a 405. */
const char *pages_methods(struct piece target);

/* ---- connection.c ---------------------------------------------------------------------------- */

enum state {
    CONNECTION_NONE,
    CONNECTION_READING,
    CONNECTION_PROFILING,
    CONNECTION_WRITING,
    CONNECTION_LINGERING,
};

struct connection {
    enum state state;
    int fd;
    bool is_local;                    /* only this machine can reach us */
    uint64_t deadline, last_deadline; /* milliseconds */
    struct body in;
    bool was_continued;
    struct taking taking;
    struct body head; /* of the answer */
    struct cprof_http_reply reply;
    bool is_head; /* the body stays here */
    size_t sent;
    size_t drained;
};

uint64_t http_now_ms(void);
void connection_begin(struct connection *c, int fd, bool is_local);
/* What to wait for, and until when: c->deadline. */
short connection_events(const struct connection *c);
void connection_go_on(struct connection *c, short events);
void connection_expire(struct connection *c); /* time is up */
void connection_end(struct connection *c);
