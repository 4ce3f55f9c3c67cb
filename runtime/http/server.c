/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One thread that serves the pages: a loop over a few connections, none of which it ever waits for.
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
#include "base/knob.h"
#include "base/lock.h"
#include "base/message.h"

#define EXPORTED __attribute__((visibility("default")))

enum {
    CONNECTIONS = 16, /* more wait their turn, in the kernel */
    FULL_MS = 200,    /* no descriptor is free: until the next try */
    ADDRESS_SIZE = 64,
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

/* ---- the loop -------------------------------------------------------------------------------- */

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
        connection_begin(c, fd, server.is_local);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
        server.paused_until = http_now_ms() + FULL_MS;
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
            wait_for(waits, c->fd, connection_events(c), c);
    }
    if (free_connection() && now >= server.paused_until)
        wait_for(waits, server.listener, POLLIN, NULL);
}

static void expire_all(void)
{
    const uint64_t now = http_now_ms();
    for (int i = 0; i < CONNECTIONS; i++) {
        struct connection *c = &server.connections[i];
        if (c->state != CONNECTION_NONE && now >= c->deadline)
            connection_expire(c);
    }
}

/* False: the thread is to end. */
static bool turn(void)
{
    struct waits waits = {.n = 0};
    const uint64_t now = http_now_ms();
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
            connection_go_on(c, events);
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
            connection_end(&server.connections[i]);
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
    static const struct knob knob = {"CPROF_HTTP", "", "serve the pages here: [ADDRESS:]PORT"};
    knobs_show("the HTTP server", &knob, 1);
    const char *text = env_get(knob.name);
    if (!text || !*text || env_is_untrusted())
        return;
    const int port = start_from(text);
    if (port < 0)
        message_say(MESSAGE_ERROR, "cprof_http: CPROF_HTTP=%s: cannot listen: %s", text,
                    strerrordesc_np(-port));
    else
        message_say(MESSAGE_NOTICE, "cprof_http: profiles are at port %d, /pprof/", port);
}
