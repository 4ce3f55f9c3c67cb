/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The pages, in one table, and what each of them answers. */
#include "http/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/syscall.h"
#include "gperftools/malloc_extension_c.h"

#pragma weak MallocExtension_GetHeapSample
#pragma weak MallocExtension_GetHeapGrowthStacks

#define EXPORTED __attribute__((visibility("default")))

/* Of the heap profiler; the second is a text from malloc. */
extern int IsHeapProfilerRunning(void) __attribute__((weak));
extern char *GetHeapProfile(void) __attribute__((weak));

static const char plain_text[] = "text/plain; charset=utf-8";

struct page {
    const char *name, *help;
    bool has_post;
    void (*answer)(const struct page *page, const struct ask *ask, struct piece query,
                   struct cprof_http_reply *reply);
};

/* ---- heap ------------------------------------------------------------------------------------ */

static void add_text(void *to, const char *text, size_t n)
{
    body_add(to, text, n);
}

/* An allocator that cannot tell says so in plain words instead of a profile. */
static void reply_profile(struct body *body, struct cprof_http_reply *reply)
{
    static const char refusal[] = "This malloc implementation";
    const bool is_refusal =
        body->n >= strlen(refusal) && memcmp(body->p, refusal, strlen(refusal)) == 0;
    body_reply(body, is_refusal ? 501 : 200, plain_text, reply);
}

static void say_no_allocator(struct cprof_http_reply *reply)
{
    reply_say(reply, 501,
              "this program's malloc keeps no account: link it with -ltcmalloc, or preload "
              "libtcmalloc.so.4, and set TCMALLOC_SAMPLE_PARAMETER to a number of bytes, such as "
              "524288\n");
}

static void answer_heap(const struct page *page, const struct ask *ask, struct piece query,
                        struct cprof_http_reply *reply)
{
    struct body body = {0};
    (void)page, (void)ask, (void)query;
    if (IsHeapProfilerRunning && GetHeapProfile && IsHeapProfilerRunning()) {
        char *text = GetHeapProfile();
        if (text)
            body_add(&body, text, strlen(text));
        free(text);
    } else if (MallocExtension_GetHeapSample) {
        MallocExtension_GetHeapSample(add_text, &body);
    } else {
        say_no_allocator(reply);
        return;
    }
    reply_profile(&body, reply);
}

static void answer_growth(const struct page *page, const struct ask *ask, struct piece query,
                          struct cprof_http_reply *reply)
{
    struct body body = {0};
    (void)page, (void)ask, (void)query;
    if (!MallocExtension_GetHeapGrowthStacks) {
        say_no_allocator(reply);
        return;
    }
    MallocExtension_GetHeapGrowthStacks(add_text, &body);
    reply_profile(&body, reply);
}

/* ---- the program ----------------------------------------------------------------------------- */

static void answer_symbol(const struct page *page, const struct ask *ask, struct piece query,
                          struct cprof_http_reply *reply)
{
    struct body body = {0};
    (void)page;
    if (piece_is(ask->method, "POST")) {
        symbols_name(&body, ask->body);
    } else {
        symbols_count(&body);
        symbols_name(&body, query);
    }
    body_reply(&body, 200, plain_text, reply);
}

static void answer_cmdline(const struct page *page, const struct ask *ask, struct piece query,
                           struct cprof_http_reply *reply)
{
    enum { STEP = 4096 };
    struct body body = {0};
    (void)page, (void)ask, (void)query;
    const int fd = sys_open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC, 0);
    while (fd >= 0 && body_reserve(&body, STEP)) {
        const ssize_t n = sys_pread(fd, body.p + body.n, STEP, (off_t)body.n);
        if (n == -EINTR)
            continue;
        if (n <= 0)
            break;
        body.n += (size_t)n;
    }
    if (fd >= 0)
        (void)sys_close(fd);
    for (size_t i = 0; i < body.n; i++)
        if (body.p[i] == '\0')
            body.p[i] = '\n';
    body_reply(&body, 200, plain_text, reply);
}

/* ---- the table ------------------------------------------------------------------------------- */

static void answer_list(const struct page *page, const struct ask *ask, struct piece query,
                        struct cprof_http_reply *reply);

static const struct page pages[] = {
    {"", "this list", false, answer_list},
    {"profile", "CPU profile of the next seconds: ?seconds=30", false, NULL},
    {"heap", "what holds the memory", false, answer_heap},
    {"growth", "where the heap grew", false, answer_growth},
    {"symbol", "names of functions: POST 0xA+0xB", true, answer_symbol},
    {"cmdline", "the command line", false, answer_cmdline},
};

enum { N_PAGES = sizeof pages / sizeof *pages };

static void answer_list(const struct page *page, const struct ask *ask, struct piece query,
                        struct cprof_http_reply *reply)
{
    struct body body = {0};
    (void)page, (void)ask, (void)query;
    for (int i = 0; i < N_PAGES; i++)
        body_print(&body, "/pprof/%-10s %s\n", pages[i].name, pages[i].help);
    body_reply(&body, 200, plain_text, reply);
}

static const struct page *find_page(struct piece target, struct piece *query)
{
    struct piece name;
    if (!http_page(target, &name, query))
        return NULL;
    for (int i = 0; i < N_PAGES; i++)
        if (piece_is(name, pages[i].name))
            return &pages[i];
    return NULL;
}

const char *pages_methods(struct piece target)
{
    struct piece query;
    const struct page *page = find_page(target, &query);
    return page && page->has_post ? "GET, HEAD, POST" : "GET, HEAD";
}

enum answer pages_answer(const struct ask *ask, struct cprof_http_reply *reply, unsigned *seconds)
{
    struct piece query;
    const struct page *page = find_page(ask->target, &query);
    const bool is_head = piece_is(ask->method, "HEAD");
    if (!page) {
        reply_say(reply, 404, "there is no such page here; /pprof/ lists those that are\n");
        return ANSWER_NO_PAGE;
    }
    if (!is_head && !piece_is(ask->method, "GET") &&
        !(page->has_post && piece_is(ask->method, "POST"))) {
        reply_say(reply, 405, "/pprof/%s knows %s\n", page->name, pages_methods(ask->target));
        return ANSWER_DONE;
    }
    if (page->answer) {
        page->answer(page, ask, query, reply);
        return ANSWER_DONE;
    }
    if (!http_seconds(query, seconds)) {
        reply_say(reply, 400, "seconds wants a whole number from 1 to %d\n", HTTP_SECONDS_MOST);
        return ANSWER_DONE;
    }
    if (is_head) {
        reply_say(reply, 200, "%s", "");
        return ANSWER_DONE;
    }
    return ANSWER_PROFILE;
}

/* ---- the program's door ---------------------------------------------------------------------- */

static void wait_seconds(unsigned seconds)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += seconds;
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        ; /* ticks come here as well */
}

EXPORTED int cprof_http_handle(const char *method, const char *target, const void *body,
                               size_t body_len, struct cprof_http_reply *reply)
{
    const struct ask ask = {
        .method = piece_of(method, strlen(method)),
        .target = piece_of(target, strlen(target)),
        .body = piece_of(body, body_len),
    };
    unsigned seconds;
    const enum answer answer = pages_answer(&ask, reply, &seconds);
    struct taking taking;
    if (answer == ANSWER_PROFILE && taking_begin(&taking, reply)) {
        wait_seconds(seconds);
        taking_end(&taking, reply);
    }
    return answer != ANSWER_NO_PAGE;
}

EXPORTED void cprof_http_release(struct cprof_http_reply *reply)
{
    if (reply->release)
        reply->release(reply->body);
    *reply = (struct cprof_http_reply){0};
}
