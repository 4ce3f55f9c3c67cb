/* SPDX-License-Identifier: BSD-3-Clause
 *
 * libcprof_http: the pages of a server from which cprof and pprof fetch profiles. For C and C++.
 *
 *     if (cprof_http_start(NULL, 8080) < 0)
 *         complain();
 *     ...
 *     cprof --text --seconds=10 http://localhost:8080/pprof/profile
 *
 * Or, in a server that has its own HTTP, hand it the requests for these pages:
 *
 *     struct cprof_http_reply reply;
 *     if (cprof_http_handle("GET", "/pprof/heap", NULL, 0, &reply)) {
 *         send(reply.status, reply.content_type, reply.body, reply.len);
 *         cprof_http_release(&reply);
 *     }
 *
 * The pages, behind any prefix (/debug/pprof/heap is /pprof/heap):
 *
 *     /pprof/profile?seconds=N   CPU profile of the next N seconds (30); needs libprofiler
 *     /pprof/heap                what holds the memory; needs a libtcmalloc that samples
 *     /pprof/growth              where the heap grew; likewise
 *     /pprof/symbol              names of functions: GET says how many, POST asks for "0xA+0xB"
 *     /pprof/cmdline             the command line, a word a line
 *     /pprof/                    this list
 *
 * Profiler and allocator are found in the process, linked or preloaded; a page whose source is not
 * there says so. */
#ifndef CPROF_HTTP_H
#define CPROF_HTTP_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cprof_http_reply {
    int status;               /* 200, 400, 404, 405, 409, 500, 501 */
    const char *content_type; /* lives as long as the program */
    void *body;
    size_t len;
    void (*release)(void *body); /* NULL: there is nothing to release */
};

/* Answers a request. target: as it stands in the request, with what follows the "?". 0: the target
 * is none of our pages, and the reply is a 404. May be called by any number of threads at once.
 * "profile" keeps the caller for as many seconds as are asked for; all others return at once. */
int cprof_http_handle(const char *method, const char *target, const void *body, size_t body_len,
                      struct cprof_http_reply *reply);

/* Calls reply->release. */
void cprof_http_release(struct cprof_http_reply *reply);

/* Starts one thread that serves the pages and nothing else. bind_addr: an IPv4 or IPv6 address in
 * figures; NULL: 127.0.0.1, which only this machine can reach. Nobody is asked who he is: think
 * before others can reach it. port 0: any free one. Returns the port; or a negative errno:
 * -EALREADY if it is running, -EINVAL for what is no address, or what socket, bind, listen and
 * pthread_create say. A child of fork does not serve. */
int cprof_http_start(const char *bind_addr, int port);

/* Ends the thread, and a CPU profile that it is taking. */
void cprof_http_stop(void);

#ifdef __cplusplus
}
#endif

#endif
