/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Profiles of servers: fetched, kept where the door says, and, where no program is given, with the
 * names that the server has for their addresses. The invariant: a profile whose names were asked
 * for becomes a symbolized one as it would stand in a file (docs/formats.md), so that nothing
 * behind the reader knows where it came from. */
#include "analysis/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/save.h"
#include "net/net.h"

/* What names of addresses may take. */
#define NAMES_LIMIT ((uint64_t)256 << 20)

static struct http_options http_options(const struct analysis *a, const char *doing)
{
    const struct settings *s = &a->settings;
    enum { USUAL_TIMEOUT = 60 };
    return (struct http_options){
        .timeout = s->timeout > 0 ? (uint64_t)s->timeout : USUAL_TIMEOUT,
        .limit = NAMES_LIMIT,
        .ca_file = s->cacert && *s->cacert ? s->cacert : NULL,
        .is_insecure = s->insecure,
        .doing = doing,
        .progress = &a->progress,
    };
}

static bool ask(const struct analysis *a, const char *base, const char *service,
                const struct span *form, struct buf *answer, struct error *err)
{
    const struct http_options options = http_options(a, "asking for names");
    *answer = BUF_MAX((size_t)NAMES_LIMIT);
    const char *url = arena_printf(a->arena, "%s%s", base, service);
    return http_ask(url, form, &options, -1, answer, err);
}

/* ---- the server's program -----------------------------------------------------------------------
 */

static bool check_symbols(const struct analysis *a, const char *base, struct error *err)
{
    struct buf answer;
    const bool is_fine = ask(a, base, "/pprof/symbol", NULL, &answer, err) &&
                         answer_has_symbols(buf_span(&answer), base, err);
    buf_free(&answer);
    return is_fine;
}

static const char *ask_program(const struct analysis *a, const char *base, struct error *err)
{
    struct buf answer;
    const char *program = NULL;
    if (ask(a, base, "/pprof/cmdline", NULL, &answer, err)) {
        const struct span name = answer_program(buf_span(&answer));
        if (name.n)
            program = arena_text(a->arena, name);
        else
            (void)error_set(err, ERROR_FORMAT, "Failed to get program name from %s/pprof/cmdline",
                            base);
    }
    buf_free(&answer);
    return program;
}

/* ---- the file -----------------------------------------------------------------------------------
 */

static void add_plain(struct buf *name, const char *text)
{
    for (; *text; text++) {
        const char c = *text;
        const bool is_plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                              (c >= 'a' && c <= 'z') || c == '-' || c == '_' || c == '.';
        buf_byte(name, is_plain ? c : '.');
    }
}

/* PROGRAM.TIME.HOST, for a CPU profile; else the service is said as well. */
static char *choose_file(const struct analysis *a, const struct remote *remote)
{
    const char *program = a->program           ? a->program
                          : a->servers.program ? a->servers.program
                                               : "unknown";
    struct buf name = BUF_MAX(4096);
    buf_printf(&name, "%s/", a->servers.folder);
    add_plain(&name, span_file_name(span_of(program)).p);
    buf_printf(&name, ".%lld.", (long long)a->servers.start);
    add_plain(&name, remote->host);
    if (!remote->takes_seconds)
        add_plain(&name, remote->path);
    const size_t n = name.n;
    for (unsigned i = 2; file_exists(buf_c(&name)) && i < 1000; i++) {
        name.n = n;
        buf_printf(&name, ".%u", i);
    }
    char *path = base_copy(buf_c(&name));
    buf_free(&name);
    return path;
}

bool remote_make_folder(struct analysis *a, struct error *err)
{
    if (a->servers.start == 0)
        a->servers.start = time(NULL);
    if (!a->servers.folder || mkdir(a->servers.folder, 0777) == 0 || errno == EEXIST)
        return true;
    return error_system(err, errno, "Unable to create profile directory %s", a->servers.folder);
}

static const char *profile_url(struct analysis *a, const struct remote *remote, uint64_t *seconds)
{
    *seconds = remote->has_seconds ? remote->seconds : (uint64_t)a->settings.seconds;
    if (!remote->takes_seconds || remote->has_seconds)
        return arena_printf(a->arena, "%s%s", remote->base, remote->service);
    return arena_printf(a->arena, "%s%s%cseconds=%llu", remote->base, remote->service,
                        strchr(remote->service, '?') ? '&' : '?', (unsigned long long)*seconds);
}

static void tell_start(struct analysis *a, const struct remote *remote, const char *url,
                       uint64_t seconds, const char *path)
{
    const char *to = path ? " to" : "";
    if (remote->takes_seconds)
        notes_add(&a->notes, "Gathering CPU profile from %s for %llu seconds%s", url,
                  (unsigned long long)seconds, to);
    else
        notes_add(&a->notes, "Fetching %s profile from %s%s", remote->path, url, to);
    if (path)
        notes_add(&a->notes, "  %s", path);
    if (remote->takes_seconds)
        notes_add(&a->notes, "Be patient...");
}

static bool fetch_to_file(struct analysis *a, const char *url, const struct http_options *options,
                          const char *path, struct file *file, struct error *err)
{
    struct save save;
    if (!save_open(&save, path, err))
        return false;
    if (!http_ask(url, NULL, options, save.fd, NULL, err)) {
        save_drop(&save);
        return false;
    }
    if (!save_keep(&save, err))
        return false;
    notes_add(&a->notes, "Wrote profile to %s", path);
    texts_add(&a->servers.fetched, span_of(path));
    return file_open(file, path, settings_limits(&a->settings).max_bytes, err);
}

/* Where nobody said where to, memory has it. */
static bool fetch_to_memory(const char *url, const struct http_options *options, struct file *file,
                            struct error *err)
{
    struct buf body = BUF_MAX(SIZE_MAX / 2);
    if (!http_ask(url, NULL, options, -1, &body, err)) {
        buf_free(&body);
        return false;
    }
    *file = (struct file){
        .bytes = buf_span(&body), .name = base_copy(url), .mapped = body.p, .mapped_size = body.n};
    return true;
}

static bool fetch(struct analysis *a, const struct remote *remote, struct file *file,
                  struct error *err)
{
    uint64_t seconds;
    const char *url = profile_url(a, remote, &seconds);
    struct http_options options = http_options(a, "waiting for the server");
    options.limit = settings_limits(&a->settings).max_bytes;
    if (remote->takes_seconds) {
        options.doing = "the server is taking a profile";
        options.expected = seconds;
        if (a->settings.timeout <= 0) /* as long as it is to take, and a minute */
            options.timeout = seconds + seconds / 100 + 60;
    }
    if (!remote_make_folder(a, err))
        return false;
    char *path = a->servers.folder ? choose_file(a, remote) : NULL;
    tell_start(a, remote, url, seconds, path);
    struct error why = {0};
    const bool is_there = path ? fetch_to_file(a, url, &options, path, file, &why)
                               : fetch_to_memory(url, &options, file, &why);
    base_free(path);
    return is_there || error_set(err, why.kind, "Failed to get profile: %s", why.text);
}

/* ---- names --------------------------------------------------------------------------------------
 */

static int compare_pcs(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* "0xA+0xB+...", sorted. */
static void list_addresses(const struct profile *profile, struct buf *form)
{
    const uint32_t n = profile->n_addrs;
    uint64_t *pcs = base_alloc(n, sizeof *pcs);
    memcpy(pcs, profile->addr_pc, n * sizeof *pcs);
    if (n)
        qsort(pcs, n, sizeof *pcs, compare_pcs);
    for (uint32_t i = 0; i < n; i++) {
        if (i == 0 || pcs[i] != pcs[i - 1])
            buf_printf(form, "%s0x%016llx", i ? "+" : "", (unsigned long long)pcs[i]);
    }
    base_free(pcs);
}

/* Asks for the names of all addresses and puts them in front of the profile. */
static bool compose(struct analysis *a, const struct profile *profile, struct span bytes,
                    struct buf *out, struct error *err)
{
    struct buf form = BUF_MAX((size_t)NAMES_LIMIT), answer;
    list_addresses(profile, &form);
    const struct span asked = buf_span(&form);
    const bool is_there = ask(a, a->servers.base, "/pprof/symbol", &asked, &answer, err);
    buf_free(&form);
    if (is_there)
        answer_compose(buf_span(&answer), a->servers.program, profile->kind, bytes, a->strings,
                       out);
    buf_free(&answer);
    if (is_there && out->is_full)
        return error_set(err, ERROR_LIMIT, "%s: names and profile are too large", a->servers.base);
    return is_there;
}

bool remote_add_names(struct analysis *a, struct file *file, const char *name, struct error *err)
{
    const struct read_job job = {
        .strings = a->strings, .limits = settings_limits(&a->settings), .name = name, .file = file};
    struct profile profile = {0};
    if (!a->servers.program || reader_is_symbolized(file->bytes))
        return true;
    if (!reader_read(file->bytes, NULL, &job, &profile, err))
        return false;
    const bool is_named = profile.is_symbolized || profile.n_carried || profile.n_addrs == 0;
    struct buf out = BUF_MAX(SIZE_MAX / 2);
    const bool is_fine = is_named || compose(a, &profile, file->bytes, &out, err);
    profile_free(&profile);
    if (!is_fine || is_named) {
        buf_free(&out);
        return is_fine;
    }
    file_close(file);
    *file = (struct file){
        .bytes = buf_span(&out), .name = base_copy(name), .mapped = out.p, .mapped_size = out.n};
    return true;
}

/* ---- all of it ----------------------------------------------------------------------------------
 */

static bool load_one(struct analysis *a, const char *name, enum load_as as, struct error *err)
{
    struct remote remote;
    if (!remote_parse(a->arena, span_of(name), &remote, err))
        return false;
    notes_add(&a->notes, "Using remote profile at %s.", name);
    /* Who begins with a server has no program at hand. */
    if (as == LOAD_FIRST) {
        if (!check_symbols(a, remote.base, err))
            return false;
        const char *program = ask_program(a, remote.base, err);
        if (!program)
            return false;
        a->servers.base = remote.base;
        a->servers.program = program;
    }
    struct file file CLEANUP(file_close) = {0};
    return fetch(a, &remote, &file, err) && analysis_load_file(a, &file, name, as, err);
}

void analysis_leave_servers(struct analysis *a)
{
    a->servers.are_left = true;
}

bool remote_load(struct analysis *a, const char *name, enum load_as as, struct error *err)
{
    uint32_t n;
    if (a->servers.are_left)
        return error_set(err, ERROR_USAGE,
                         "%s: servers are asked before the first report, or with --no-sandbox",
                         name);
    if (as == LOAD_PROGRAM || as == LOAD_INPUT)
        return error_set(err, ERROR_USAGE, "%s: a file is wanted here, not a server", name);
    if (!remote_count(span_of(name), &n))
        return error_set(err, ERROR_USAGE, "%s: the number of servers goes from 1 to 1000", name);
    if (n == 0)
        return load_one(a, name, as, err);
    for (uint32_t i = 0; i < n; i++) {
        const enum load_as each = i && as == LOAD_FIRST ? LOAD_PROFILE : as;
        if (!load_one(a, remote_member(a->arena, span_of(name), i), each, err))
            return false;
    }
    return true;
}

void analysis_keep_fetched(struct analysis *a, const char *folder)
{
    base_free(a->servers.folder);
    a->servers.folder = base_copy(folder);
}

const struct texts *analysis_fetched(const struct analysis *a)
{
    return &a->servers.fetched;
}

const char *analysis_server_program(const struct analysis *a)
{
    return a->servers.program;
}
