/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Where programs, libraries and their debug files are looked for: what the settings say of it, as
 * symbolize/ and object/ want it. The invariant: places_key is another text whenever an answer
 * might be another file. */
#include "analysis/internal.h"

#include <stdlib.h>
#include <string.h>

/* "a,b/" as a NULL-terminated list of "a", "b", and `last` if it is not NULL; NULL where it is
 * empty. */
static const char *const *split(struct arena *arena, const char *list, char separator,
                                const char *last)
{
    if ((!list || !*list) && !last)
        return NULL;
    struct span rest = span_of(list ? list : "");
    size_t n = 1;
    for (size_t i = 0; i < rest.n; i++)
        n += rest.p[i] == separator;
    const char **parts = arena_alloc(arena, n + 2, sizeof *parts);
    size_t at = 0;
    while (rest.n) {
        const size_t end = span_find(rest, separator);
        const struct span part = span_first(rest, end);
        if (part.n)
            parts[at++] = arena_text(arena, span_without_slashes(part));
        rest = end == SIZE_MAX ? span_make("", 0) : span_skip(rest, end + 1);
    }
    if (last)
        parts[at++] = last;
    return parts;
}

static const struct path_map *split_maps(struct arena *arena, const char *list)
{
    const char *const *parts = split(arena, list, ',', NULL);
    size_t n = 0;
    while (parts && parts[n])
        n++;
    if (!n)
        return NULL;
    struct path_map *rows = arena_alloc(arena, n + 1, sizeof *rows);
    for (size_t i = 0; i < n; i++) {
        const struct span part = span_of(parts[i]);
        const size_t equals = span_find(part, '=');
        rows[i].from = arena_text(arena, span_first(part, equals));
        rows[i].to = equals == SIZE_MAX ? "" : arena_text(arena, span_skip(part, equals + 1));
    }
    return rows;
}

/* A number is that of a process, whose file lies where perf looks for it. */
static const char *const *split_perf_maps(struct arena *arena, const char *list)
{
    const char *const *parts = split(arena, list, ',', NULL);
    size_t n = 0;
    while (parts && parts[n])
        n++;
    const char **paths = arena_alloc(arena, n + 1, sizeof *paths);
    for (size_t i = 0; i < n; i++) {
        uint64_t process;
        paths[i] = span_u64(span_of(parts[i]), &process)
                       ? arena_printf(arena, "/tmp/perf-%s.map", parts[i])
                       : parts[i];
    }
    return n ? paths : NULL;
}

bool places_check(const struct settings *s, struct error *err)
{
    struct span rest = span_of(s->map ? s->map : "");
    while (rest.n) {
        const size_t comma = span_find(rest, ',');
        const struct span row = span_first(rest, comma);
        const size_t equals = span_find(row, '=');
        if (equals == 0 || equals == SIZE_MAX)
            return error_set(err, ERROR_USAGE, "--map=%s: OLD=NEW is expected", s->map);
        rest = comma == SIZE_MAX ? span_make("", 0) : span_skip(rest, comma + 1);
    }
    return true;
}

bool places_has_servers(void)
{
    const char *urls = getenv("DEBUGINFOD_URLS");
    return urls && span_trim(span_of(urls)).n;
}

/* A number that the environment has; else `usual`. */
static uint64_t number_of(const char *name, uint64_t usual)
{
    const char *text = getenv(name);
    uint64_t number;
    return text && span_u64(span_of(text), &number) && number ? number : usual;
}

const char *places_cache(struct arena *arena, const char *name)
{
    const char *caches = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (caches && caches[0] == '/')
        return arena_printf(arena, "%s/%s", caches, name);
    return home && home[0] == '/' ? arena_printf(arena, "%s/.cache/%s", home, name) : NULL;
}

/* As the environment tells all clients of debuginfod; NULL: it names no server, or there is no
 * place for their files. */
static const struct debuginfod_options *find_servers(struct arena *arena, const struct settings *s)
{
    enum { USUAL_PATIENCE = 90, USUAL_TIMEOUT = 600 };
    const char *folder = getenv("DEBUGINFOD_CACHE_PATH");
    if (!places_has_servers())
        return NULL;
    struct debuginfod_options *options = arena_alloc(arena, 1, sizeof *options);
    *options = (struct debuginfod_options){
        .urls = split(arena, getenv("DEBUGINFOD_URLS"), ' ', NULL),
        .folder = folder && *folder ? folder : places_cache(arena, "debuginfod_client"),
        .timeout =
            s->timeout > 0 ? (uint64_t)s->timeout : number_of("DEBUGINFOD_MAXTIME", USUAL_TIMEOUT),
        .patience = number_of("DEBUGINFOD_TIMEOUT", USUAL_PATIENCE),
        .limit = number_of("DEBUGINFOD_MAXSIZE", (uint64_t)4 << 30),
        .ca_file = s->cacert && *s->cacert ? s->cacert : NULL,
        .is_insecure = s->insecure,
    };
    return options->folder ? options : NULL;
}

void places_options(struct arena *arena, const struct settings *s, struct symbolize_options *out)
{
    static const char usual[] = "/usr/lib/debug";
    const char *root = s->sysroot && *s->sysroot ? s->sysroot : NULL;
    out->prefixes = split(arena, s->lib_prefix, ',', NULL);
    out->stores = split(arena, s->binary_path, ':', NULL);
    out->path_maps = split_maps(arena, s->map);
    out->perf_maps = split_perf_maps(arena, s->perf_map);
    out->force = s->force;
    out->debuginfod = s->debuginfod ? find_servers(arena, s) : NULL;
    out->object.sysroot = root ? arena_text(arena, span_without_slashes(span_of(root))) : NULL;
    out->object.force = s->force;
    if (root || (s->debug_dir && *s->debug_dir))
        out->object.debug_dirs =
            split(arena, s->debug_dir, ',',
                  root ? arena_printf(arena, "%s%s", out->object.sysroot, usual) : usual);
}

char *places_key(const struct settings *s)
{
    const char *const texts[] = {
        s->perf_map, s->lib_prefix, s->binary_path,          s->map,
        s->sysroot,  s->debug_dir,  s->force ? "force" : "", s->debuginfod ? "debuginfod" : ""};
    struct buf key = BUF_MAX((size_t)1 << 24);
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        key_add(&key, texts[i]);
    char *copy = base_copy(buf_c(&key));
    buf_free(&key);
    return copy;
}
