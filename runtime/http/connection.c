/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One connection, from its request to the end of its answer: states, in none of which anybody is
 * waited for. A CPU profile that is being taken is only a time at which to go on. Every state has
 * an end in time, and every connection one answer. */
#include "http/internal.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    REQUEST_MS = 10000,
    STALL_MS = 10000,   /* an answer of which nothing is taken */
    ANSWER_MS = 300000, /* all of an answer */
    LINGER_MS = 2000,   /* for what was still on its way when the answer was out */
    LINGER_MOST = 4 << 20,
};

uint64_t http_now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void connection_begin(struct connection *c, int fd, bool is_local)
{
    *c = (struct connection){
        .fd = fd,
        .is_local = is_local,
        .state = CONNECTION_READING,
        .deadline = http_now_ms() + REQUEST_MS,
    };
}

void connection_end(struct connection *c)
{
    if (c->state == CONNECTION_PROFILING)
        taking_drop(&c->taking);
    (void)close(c->fd);
    body_free(&c->in);
    body_free(&c->head);
    cprof_http_release(&c->reply);
    *c = (struct connection){0};
}

static const char *reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } reasons[] = {
        {200, "OK"},
        {400, "Bad Request"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {417, "Expectation Failed"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return "Unknown";
}

/* c->reply is there: it goes out from now on. */
static void begin_writing(struct connection *c, const char *methods)
{
    const struct cprof_http_reply *r = &c->reply;
    body_print(&c->head,
               "HTTP/1.1 %d %s\r\n"
               "Content-Type: %s\r\n"
               "Content-Length: %zu\r\n"
               "Cache-Control: no-store\r\n"
               "X-Content-Type-Options: nosniff\r\n",
               r->status, reason(r->status), r->content_type, r->len);
    if (r->status == 405)
        body_print(&c->head, "Allow: %s\r\n", methods);
    body_print(&c->head, "Connection: close\r\n\r\n");
    body_free(&c->in);
    c->sent = 0;
    c->state = CONNECTION_WRITING;
    c->last_deadline = http_now_ms() + ANSWER_MS;
    c->deadline = http_now_ms() + STALL_MS;
    if (c->head.is_full)
        connection_end(c);
}

static void refuse(struct connection *c, int status)
{
    reply_say(&c->reply, status, "%s\n", reason(status));
    begin_writing(c, "");
}

static void answer(struct connection *c, const struct http_request *request)
{
    const struct ask ask = {
        .method = request->method,
        .target = request->target,
        .body = piece_of(c->in.p + request->head_n, request->body_n),
    };
    unsigned seconds;
    c->is_head = piece_is(ask.method, "HEAD");
    if (c->is_local && request->has_host && !http_host_is_local(request->host)) {
        reply_say(
            &c->reply, 403,
            "this server is for its own machine only: ask for it as localhost or by number\n");
    } else if (pages_answer(&ask, &c->reply, &seconds) == ANSWER_PROFILE &&
               taking_begin(&c->taking, &c->reply)) {
        c->state = CONNECTION_PROFILING;
        c->deadline = http_now_ms() + (uint64_t)seconds * 1000;
        body_free(&c->in);
        return;
    }
    begin_writing(c, pages_methods(ask.target));
}

static void look_at_request(struct connection *c)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct http_request request;
    int status;
    switch (http_parse(c->in.p, c->in.n, &request, &status)) {
    case HTTP_HEAD:
        break;
    case HTTP_BODY:
        if (request.wants_continue && !c->was_continued) {
            c->was_continued = true; /* the socket is empty: it takes a few bytes */
            (void)send(c->fd, go_on, sizeof go_on - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        }
        break;
    case HTTP_DONE:
        answer(c, &request);
        break;
    case HTTP_BAD:
        refuse(c, status);
        break;
    }
}

/* What still belongs to the request, as far as one can tell. */
static size_t wanted(const struct connection *c)
{
    struct http_request request;
    int status;
    if (c->in.n > 0 && http_parse(c->in.p, c->in.n, &request, &status) == HTTP_BODY)
        return request.head_n + request.body_n - c->in.n;
    return HTTP_HEAD_MOST + 1 - c->in.n;
}

static void read_request(struct connection *c)
{
    const size_t n = wanted(c);
    if (!body_reserve(&c->in, n)) {
        connection_end(c);
        return;
    }
    const ssize_t done = recv(c->fd, c->in.p + c->in.n, n, MSG_DONTWAIT);
    if (done < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (done <= 0) { /* gone before the request was complete */
        connection_end(c);
        return;
    }
    c->in.n += (size_t)done;
    look_at_request(c);
}

static void finish_profile(struct connection *c)
{
    taking_end(&c->taking, &c->reply);
    begin_writing(c, "");
}

static void write_answer(struct connection *c)
{
    const size_t n_body = c->is_head ? 0 : c->reply.len, all = c->head.n + n_body;
    while (c->sent < all) {
        const bool in_head = c->sent < c->head.n;
        const char *from =
            in_head ? c->head.p + c->sent : (const char *)c->reply.body + (c->sent - c->head.n);
        const size_t n = in_head ? c->head.n - c->sent : all - c->sent;
        const ssize_t done =
            send(c->fd, from, n, MSG_NOSIGNAL | MSG_DONTWAIT | (in_head && n_body ? MSG_MORE : 0));
        if (done < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (done <= 0) {
            connection_end(c);
            return;
        }
        c->sent += (size_t)done;
        c->deadline = http_now_ms() + STALL_MS;
        if (c->deadline > c->last_deadline)
            c->deadline = c->last_deadline;
    }
    /* Closing now, with bytes of the request unread, would take the answer back. */
    (void)shutdown(c->fd, SHUT_WR);
    c->state = CONNECTION_LINGERING;
    c->deadline = http_now_ms() + LINGER_MS;
}

static void drain(struct connection *c)
{
    char bytes[4096];
    const ssize_t n = recv(c->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    c->drained += n > 0 ? (size_t)n : 0;
    if (n <= 0 || c->drained > LINGER_MOST)
        connection_end(c);
}

void connection_expire(struct connection *c)
{
    if (c->state == CONNECTION_PROFILING)
        finish_profile(c);
    else if (c->state == CONNECTION_READING)
        refuse(c, 408);
    else
        connection_end(c);
}

short connection_events(const struct connection *c)
{
    switch (c->state) {
    case CONNECTION_READING:
    case CONNECTION_LINGERING:
        return POLLIN;
    case CONNECTION_PROFILING:
        return POLLRDHUP;
    case CONNECTION_WRITING:
        return POLLOUT;
    case CONNECTION_NONE:
        break;
    }
    return 0;
}

void connection_go_on(struct connection *c, short events)
{
    switch (c->state) {
    case CONNECTION_READING:
        read_request(c);
        break;
    case CONNECTION_PROFILING:
        connection_end(c); /* who asked is gone */
        break;
    case CONNECTION_WRITING:
        if ((events & POLLOUT) != 0)
            write_answer(c);
        else
            connection_end(c);
        break;
    case CONNECTION_LINGERING:
        drain(c);
        break;
    case CONNECTION_NONE:
        break;
    }
}
