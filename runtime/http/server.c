/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One thread that serves the pages: a loop over a few connections, none of which it ever waits for.
 * A CPU profile that is being taken is only a time at which to go on. Every state of a connection
 * has an end in time, and every connection one answer.
 *
 * Starting, stopping and forking take the lock; the thread never does, and owns all connections
 * while it runs. */
#include "http/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/env.h"
#include "base/lock.h"
#include "base/message.h"

#define EXPORTED __attribute__((visibility("default")))

enum {
    CONNECTIONS = 16, /* more wait their turn, in the kernel */
    REQUEST_MS = 10000,
    STALL_MS = 10000,   /* an answer of which nothing is taken */
    ANSWER_MS = 300000, /* all of an answer */
    LINGER_MS = 2000,   /* for what was still on its way when the answer was out */
    LINGER_MOST = 4 << 20,
    FULL_MS = 200, /* no descriptor is free: until the next try */
    ADDRESS_SIZE = 64,
};

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

static struct {
    struct lock lock;
    bool runs, is_registered;
    pthread_t thread;
    int listener, wake;
    bool is_local; /* only this machine can reach it */
    uint64_t paused_until;
    struct connection connections[CONNECTIONS];
} server;

static uint64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- a connection's states ------------------------------------------------------------------- */

static void end(struct connection *c)
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
    c->last_deadline = now_ms() + ANSWER_MS;
    c->deadline = now_ms() + STALL_MS;
    if (c->head.is_full)
        end(c);
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
    if (server.is_local && request->has_host && !http_host_is_local(request->host)) {
        reply_say(
            &c->reply, 403,
            "this server is for its own machine only: ask for it as localhost or by number\n");
    } else if (pages_answer(&ask, &c->reply, &seconds) == ANSWER_PROFILE &&
               taking_begin(&c->taking, &c->reply)) {
        c->state = CONNECTION_PROFILING;
        c->deadline = now_ms() + (uint64_t)seconds * 1000;
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
        end(c);
        return;
    }
    const ssize_t done = recv(c->fd, c->in.p + c->in.n, n, MSG_DONTWAIT);
    if (done < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (done <= 0) { /* gone before the request was complete */
        end(c);
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
            end(c);
            return;
        }
        c->sent += (size_t)done;
        c->deadline = now_ms() + STALL_MS;
        if (c->deadline > c->last_deadline)
            c->deadline = c->last_deadline;
    }
    /* Closing now, with bytes of the request unread, would take the answer back. */
    (void)shutdown(c->fd, SHUT_WR);
    c->state = CONNECTION_LINGERING;
    c->deadline = now_ms() + LINGER_MS;
}

static void drain(struct connection *c)
{
    char bytes[4096];
    const ssize_t n = recv(c->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    c->drained += n > 0 ? (size_t)n : 0;
    if (n <= 0 || c->drained > LINGER_MOST)
        end(c);
}

/* Time is up. */
static void expire(struct connection *c)
{
    if (c->state == CONNECTION_PROFILING)
        finish_profile(c);
    else if (c->state == CONNECTION_READING)
        refuse(c, 408);
    else
        end(c);
}

/* ---- the loop -------------------------------------------------------------------------------- */

static short events_of(const struct connection *c)
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

static void go_on(struct connection *c, short events)
{
    switch (c->state) {
    case CONNECTION_READING:
        read_request(c);
        break;
    case CONNECTION_PROFILING:
        end(c); /* who asked is gone */
        break;
    case CONNECTION_WRITING:
        if ((events & POLLOUT) != 0)
            write_answer(c);
        else
            end(c);
        break;
    case CONNECTION_LINGERING:
        drain(c);
        break;
    case CONNECTION_NONE:
        break;
    }
}

static struct connection *free_connection(void)
{
    for (int i = 0; i < CONNECTIONS; i++)
        if (server.connections[i].state == CONNECTION_NONE)
            return &server.connections[i];
    return NULL;
}

static void accept_one(struct connection *c)
{
    const int fd = accept4(server.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
        c->fd = fd;
        c->state = CONNECTION_READING;
        c->deadline = now_ms() + REQUEST_MS;
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
        server.paused_until = now_ms() + FULL_MS;
    }
}

/* Milliseconds until something is due, -1: nothing is. */
static int patience(uint64_t now)
{
    uint64_t first = UINT64_MAX;
    for (int i = 0; i < CONNECTIONS; i++) {
        const struct connection *c = &server.connections[i];
        if (c->state != CONNECTION_NONE && c->deadline < first)
            first = c->deadline;
    }
    if (server.paused_until > now && server.paused_until < first)
        first = server.paused_until;
    if (first == UINT64_MAX)
        return -1;
    return first > now ? (int)(first - now) : 0; /* a day at the most */
}

/* Only what there is to wait for: no more than the process may have descriptors. */
struct waits {
    struct pollfd fds[2 + CONNECTIONS];
    struct connection *of[2 + CONNECTIONS];
    nfds_t n;
};

static void wait_for(struct waits *waits, int fd, short events, struct connection *c)
{
    waits->fds[waits->n] = (struct pollfd){.fd = fd, .events = events};
    waits->of[waits->n++] = c;
}

static void wait_for_all(struct waits *waits, uint64_t now)
{
    wait_for(waits, server.wake, POLLIN, NULL);
    for (int i = 0; i < CONNECTIONS; i++) {
        struct connection *c = &server.connections[i];
        if (c->state != CONNECTION_NONE)
            wait_for(waits, c->fd, events_of(c), c);
    }
    if (free_connection() && now >= server.paused_until)
        wait_for(waits, server.listener, POLLIN, NULL);
}

static void expire_all(void)
{
    const uint64_t now = now_ms();
    for (int i = 0; i < CONNECTIONS; i++) {
        struct connection *c = &server.connections[i];
        if (c->state != CONNECTION_NONE && now >= c->deadline)
            expire(c);
    }
}

/* False: the thread is to end. */
static bool turn(void)
{
    struct waits waits = {.n = 0};
    const uint64_t now = now_ms();
    wait_for_all(&waits, now);
    if (poll(waits.fds, waits.n, patience(now)) < 0) {
        const struct timespec a_while = {.tv_nsec = FULL_MS * 1000000L};
        (void)nanosleep(&a_while, NULL); /* the kernel has no memory: the best is to wait */
        return true;
    }
    for (nfds_t i = 0; i < waits.n; i++) {
        const short events = waits.fds[i].revents;
        struct connection *c = waits.of[i];
        if (events == 0)
            continue;
        if (c)
            go_on(c, events);
        else if (waits.fds[i].fd == server.wake)
            return false;
        else if ((c = free_connection()) != NULL)
            accept_one(c);
    }
    expire_all();
    return true;
}

static void *serve(void *arg)
{
    sigset_t all;
    (void)arg;
    /* No handler of the program's runs here, and no tick: whoever started us may have let some in.
     */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, NULL);
    (void)pthread_setname_np(pthread_self(), "cprof-http");
    while (turn())
        ;
    for (int i = 0; i < CONNECTIONS; i++)
        if (server.connections[i].state != CONNECTION_NONE)
            end(&server.connections[i]);
    return NULL;
}

/* ---- start and end --------------------------------------------------------------------------- */

/* A negative errno, or 0. */
static int open_listener(const char *address, int port)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at = {0};
    socklen_t n;
    if (port < 0 || port > 65535)
        return -EINVAL;
    if (inet_pton(AF_INET, address, &at.v4.sin_addr) == 1) {
        at.v4.sin_family = AF_INET;
        at.v4.sin_port = htons((uint16_t)port);
        n = sizeof at.v4;
        server.is_local = ntohl(at.v4.sin_addr.s_addr) >> 24 == 127;
    } else if (inet_pton(AF_INET6, address, &at.v6.sin6_addr) == 1) {
        at.v6.sin6_family = AF_INET6;
        at.v6.sin6_port = htons((uint16_t)port);
        n = sizeof at.v6;
        server.is_local = IN6_IS_ADDR_LOOPBACK(&at.v6.sin6_addr);
    } else {
        return -EINVAL;
    }
    const int fd = socket(at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    if (fd < 0)
        return -errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, &at.any, n) != 0 || listen(fd, CONNECTIONS) != 0) {
        const int why = errno;
        (void)close(fd);
        return -why;
    }
    server.listener = fd;
    return 0;
}

static int port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at;
    socklen_t n = sizeof at;
    if (getsockname(fd, &at.any, &n) != 0)
        return -errno;
    return ntohs(at.any.sa_family == AF_INET ? at.v4.sin_port : at.v6.sin6_port);
}

static int start_thread(void)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    const int why = pthread_create(&server.thread, NULL, serve, NULL);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return why;
}

static void close_sockets(void)
{
    (void)close(server.listener);
    (void)close(server.wake);
}

static void before_fork(void)
{
    lock_take(&server.lock);
}

static void after_fork(void)
{
    lock_drop(&server.lock);
}

/* The thread is not there, and what it had open is its parent's. */
static void after_fork_in_child(void)
{
    if (server.runs) {
        for (int i = 0; i < CONNECTIONS; i++)
            if (server.connections[i].state != CONNECTION_NONE)
                (void)close(server.connections[i].fd);
        memset(server.connections, 0, sizeof server.connections);
        close_sockets();
        server.runs = false;
    }
    lock_drop(&server.lock);
}

/* Under the lock. */
static int start(const char *address, int port)
{
    if (server.runs)
        return -EALREADY;
    const int why = open_listener(address, port);
    if (why != 0)
        return why;
    const int real_port = port_of(server.listener);
    server.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    server.paused_until = 0;
    int failed = server.wake < 0 ? errno : 0;
    if (failed == 0)
        failed = start_thread();
    if (failed != 0) {
        close_sockets();
        return -failed;
    }
    server.runs = true;
    return real_port;
}

EXPORTED int cprof_http_start(const char *bind_addr, int port)
{
    lock_take(&server.lock);
    const bool is_registered = server.is_registered;
    server.is_registered = true;
    lock_drop(&server.lock);
    if (!is_registered)
        (void)pthread_atfork(before_fork, after_fork, after_fork_in_child);
    lock_take(&server.lock);
    const int result = start(bind_addr ? bind_addr : "127.0.0.1", port);
    lock_drop(&server.lock);
    return result;
}

EXPORTED void cprof_http_stop(void)
{
    const uint64_t one = 1;
    lock_take(&server.lock);
    if (server.runs) {
        while (write(server.wake, &one, sizeof one) < 0 && errno == EINTR)
            ;
        (void)pthread_join(server.thread, NULL);
        close_sockets();
        server.runs = false;
    }
    lock_drop(&server.lock);
}

/* ---- by the environment ---------------------------------------------------------------------- */

/* "PORT", "ADDRESS:PORT" or "[ADDRESS]:PORT" */
static int start_from(const char *text)
{
    char address[ADDRESS_SIZE] = "127.0.0.1";
    const char *colon = strrchr(text, ':'), *rest;
    const char *figures = colon ? colon + 1 : text;
    const int64_t port = env_number(figures, &rest);
    if (colon) {
        size_t n = (size_t)(colon - text);
        if (n > 2 && *text == '[' && text[n - 1] == ']') {
            text++;
            n -= 2;
        }
        if (n >= sizeof address)
            return -EINVAL;
        memcpy(address, text, n);
        address[n] = '\0';
    }
    if (rest == figures || *rest || port < 0 || port > 65535)
        return -EINVAL;
    return cprof_http_start(address, (int)port);
}

/* Programs that were not made for it serve their pages when they are told to, but not those that
 * have rights which whoever tells them has not. */
__attribute__((constructor)) static void start_if_told(void)
{
    const char *text = env_get("CPROF_HTTP");
    if (!text || !*text || env_is_untrusted())
        return;
    const int port = start_from(text);
    if (port < 0)
        message_say(MESSAGE_ERROR, "cprof_http: CPROF_HTTP=%s: cannot listen: %s", text,
                    strerrordesc_np(-port));
    else
        message_say(MESSAGE_NOTICE, "cprof_http: profiles are at port %d, /pprof/", port);
}
