/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One question to a server and its answer, by libcurl, which is opened by name when the first one
 * is asked. The invariant: not a byte beyond the limit is kept, and an answer that is none of the
 * kind "here it is" never passes for one. */
#include "net/net.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/file.h"

#define CURL_FUNCTIONS(X)                                                                          \
    X(curl_easy_init)                                                                              \
    X(curl_easy_setopt)                                                                            \
    X(curl_easy_perform)                                                                           \
    X(curl_easy_getinfo)                                                                           \
    X(curl_easy_cleanup) X(curl_easy_strerror) X(curl_slist_append) X(curl_slist_free_all)

/* The header's macros check types; here the functions themselves are wanted. */
#undef curl_easy_setopt
#undef curl_easy_getinfo

struct curl {
#define CURL_MEMBER(name) __typeof__(name) *name;
    CURL_FUNCTIONS(CURL_MEMBER)
};

static bool load(struct curl *out, struct error *err)
{
    /* With either of its TLS libraries. */
    static const char *const names[] = {"libcurl-gnutls.so.4", "libcurl.so.4"};
    static const struct {
        const char *name;
        size_t at;
    } rows[] = {
#define CURL_ROW(name) {#name, offsetof(struct curl, name)},
        CURL_FUNCTIONS(CURL_ROW)};
    void *handle = NULL;
    for (size_t i = 0; i < COUNT_OF(names) && !handle; i++)
        handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    bool is_whole = handle != NULL;
    for (size_t i = 0; is_whole && i < COUNT_OF(rows); i++) {
        void *symbol = dlsym(handle, rows[i].name);
        is_whole = symbol != NULL;
        memcpy((char *)out + rows[i].at, &symbol, sizeof symbol);
    }
    if (!is_whole)
        (void)error_set(err, ERROR_MISSING, "servers need libcurl: %s", dlerror());
    return is_whole;
}

/* An answer on its way in. */
struct answer {
    const struct http_options *options;
    const struct curl *curl;
    CURL *handle;
    int fd;
    struct buf *body;
    struct buf page; /* what comes with a status that is no good one: for the message */
    uint64_t n;
    int sys; /* errno of a write that failed */
    bool is_over;
    struct timespec start;
};

static bool is_good(const struct answer *answer)
{
    long status = 0;
    (void)answer->curl->curl_easy_getinfo(answer->handle, CURLINFO_RESPONSE_CODE, &status);
    return status >= 200 && status < 300;
}

static bool put(struct answer *answer, struct span bytes)
{
    if (answer->fd < 0) {
        buf_add(answer->body, bytes);
        answer->is_over |= answer->body->is_full;
        return !answer->body->is_full;
    }
    if (fd_write(answer->fd, bytes))
        return true;
    answer->sys = errno;
    return false;
}

static size_t take(char *bytes, size_t size, size_t count, void *to)
{
    struct answer *answer = to;
    const size_t n = size * count;
    if (!is_good(answer)) {
        buf_add(&answer->page, span_make(bytes, n));
        return n;
    }
    answer->n += n;
    answer->is_over |= answer->n > answer->options->limit;
    return !answer->is_over && put(answer, span_make(bytes, n)) ? n : 0;
}

static double seconds_since(struct timespec start)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) / 1e9;
}

/* Several times a second, whether bytes come or not. */
static int step(void *to, curl_off_t n_in, curl_off_t in, curl_off_t n_out, curl_off_t out)
{
    const struct answer *answer = to;
    const struct http_options *options = answer->options;
    (void)n_out;
    (void)out;
    double share = n_in > 0 ? (double)in / (double)n_in : 0;
    if (in == 0 && options->expected) {
        share = seconds_since(answer->start) / (double)options->expected;
        share = share < 1 ? share : 1;
    }
    progress_step(options->progress, options->doing, share);
    return progress_is_stopped(options->progress);
}

static void set_up(const struct curl *curl, CURL *handle, const char *url, const struct span *form,
                   struct answer *answer)
{
    const struct http_options *options = answer->options;
    enum { CONNECT_SECONDS = 30, REDIRECTS = 10, PATIENCE_BYTES = 100 << 10 };
    (void)curl->curl_easy_setopt(handle, CURLOPT_URL, url);
    (void)curl->curl_easy_setopt(handle, CURLOPT_USERAGENT, "cprof/" CPROF_VERSION);
    (void)curl->curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl->curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    (void)curl->curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
    (void)curl->curl_easy_setopt(handle, CURLOPT_MAXREDIRS, (long)REDIRECTS);
    (void)curl->curl_easy_setopt(handle, CURLOPT_POSTREDIR, (long)CURL_REDIR_POST_ALL);
    (void)curl->curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    (void)curl->curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    (void)curl->curl_easy_setopt(handle, CURLOPT_TIMEOUT, (long)options->timeout);
    if (options->patience) {
        const uint64_t speed = PATIENCE_BYTES / options->patience;
        (void)curl->curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, (long)options->patience);
        (void)curl->curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, (long)(speed ? speed : 1));
    }
    (void)curl->curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take);
    (void)curl->curl_easy_setopt(handle, CURLOPT_WRITEDATA, answer);
    (void)curl->curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    (void)curl->curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, step);
    (void)curl->curl_easy_setopt(handle, CURLOPT_XFERINFODATA, answer);
    if (options->ca_file)
        (void)curl->curl_easy_setopt(handle, CURLOPT_CAINFO, options->ca_file);
    if (options->is_insecure) {
        (void)curl->curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 0L);
        (void)curl->curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (form) {
        (void)curl->curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)form->n);
        (void)curl->curl_easy_setopt(handle, CURLOPT_POSTFIELDS, form->n ? form->p : "");
    }
}

static bool refuse(const struct answer *answer, const char *url, CURLcode code, const char *detail,
                   struct error *err)
{
    if (answer->sys)
        return error_system(err, answer->sys, "%s: writing what it sent", url);
    if (answer->is_over)
        return error_set(err, ERROR_LIMIT, "%s: the answer is longer than %llu bytes", url,
                         (unsigned long long)answer->options->limit);
    if (progress_is_stopped(answer->options->progress))
        return error_set(err, ERROR_STOPPED, "%s: stopped", url);
    if (code != CURLE_OK)
        return error_set(err, ERROR_MISSING, "%s: %s", url,
                         *detail ? detail : answer->curl->curl_easy_strerror(code));
    long status = 0;
    (void)answer->curl->curl_easy_getinfo(answer->handle, CURLINFO_RESPONSE_CODE, &status);
    struct span rest = buf_span(&answer->page), line = span_make("", 0);
    while (line.n == 0 && span_line(&rest, &line))
        line = span_trim(line);
    const bool is_absent = status == 404 || status == 410;
    return error_set(err, is_absent ? ERROR_ABSENT : ERROR_MISSING,
                     "%s: the server answered with status %ld%s%.*s", url, status,
                     line.n ? ": " : "", (int)(line.n < 200 ? line.n : 200), line.n ? line.p : "");
}

bool http_ask(const char *url, const struct span *form, const struct http_options *options, int fd,
              struct buf *body, struct error *err)
{
    struct curl curl = {0};
    if (!load(&curl, err))
        return false;
    CURL *handle = curl.curl_easy_init();
    if (!handle)
        return error_set(err, ERROR_MISSING, "%s: libcurl did not start", url);
    struct answer answer = {
        .options = options,
        .curl = &curl,
        .handle = handle,
        .fd = fd,
        .body = body,
        .page = BUF_MAX(4096),
    };
    (void)clock_gettime(CLOCK_MONOTONIC, &answer.start);
    char detail[CURL_ERROR_SIZE] = "";
    set_up(&curl, handle, url, form, &answer);
    (void)curl.curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, detail);
    /* A server that waits to be told to go on, as curl would have it for long forms, is rare. */
    struct curl_slist *headers = curl.curl_slist_append(NULL, "Expect:");
    (void)curl.curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    const CURLcode code = curl.curl_easy_perform(handle);
    progress_step(options->progress, NULL, 1);
    const bool is_fine = code == CURLE_OK && is_good(&answer);
    if (!is_fine)
        (void)refuse(&answer, url, code, detail, err);
    curl.curl_slist_free_all(headers);
    curl.curl_easy_cleanup(handle);
    buf_free(&answer.page);
    return is_fine;
}
