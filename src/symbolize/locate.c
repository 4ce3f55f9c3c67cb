/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Where a module of a profile lies on this machine. Apart because programs are profiled on one
 * machine and looked at on another, so that its path is only the first guess. The invariant: the
 * answer is never NULL, and of files that exist one of the profiled build comes first. */
#include "symbolize/internal.h"

#include "base/file.h"

struct seeker {
    const struct symbolize_options *options;
    struct arena *arena;
    struct span build_id; /* in hex; empty: nobody knows */
    locate_tried_fn *tried;
    void *to;
    const char *other_build; /* exists, but is not the one */
};

static bool is_other_build(const struct seeker *s, const char *path)
{
    uint8_t id[64];
    size_t n;
    return s->build_id.n && !s->options->force && object_read_build_id(path, id, sizeof id, &n) &&
           !span_is_hex_of(s->build_id, span_make(id, n));
}

/* The kernel writes a newline in a path as \012, and nothing else so. */
static const char *with_newlines(struct arena *arena, const char *path)
{
    static const char written[] = "\\012";
    struct span rest = span_of(path);
    size_t at = span_find_text(rest, written);
    if (at == SIZE_MAX)
        return NULL;
    char *made = arena_alloc(arena, rest.n + 1, 1);
    size_t n = 0;
    for (; at != SIZE_MAX; at = span_find_text(rest, written)) {
        memcpy(made + n, rest.p, at);
        n += at;
        made[n++] = '\n';
        rest = span_skip(rest, at + sizeof written - 1);
    }
    memcpy(made + n, rest.p, rest.n);
    return made;
}

/* The file of this name, if it is there and not another build. */
static const char *try_path(struct seeker *s, const char *path)
{
    if (s->tried)
        s->tried(s->to, path);
    const char *really = path;
    if (!file_exists(path)) {
        really = with_newlines(s->arena, path);
        if (!really || !file_exists(really))
            return NULL;
    }
    if (!is_other_build(s, really))
        return really;
    if (!s->other_build)
        s->other_build = really;
    return NULL;
}

static const char *try_in(struct seeker *s, const char *folder, const char *path)
{
    const struct span f = span_without_slashes(span_of(folder));
    return try_path(
        s, arena_printf(s->arena, "%.*s%s%s", (int)f.n, f.p, *path == '/' ? "" : "/", path));
}

/* Under each prefix by its whole path, then by its path without its first folder, and so on. */
static const char *find_in_prefixes(struct seeker *s, const char *path)
{
    const char *const *prefixes = s->options->prefixes;
    if (!prefixes || !*path)
        return NULL;
    for (const char *rest = path; rest; rest = *rest ? strchr(rest + 1, '/') : NULL) {
        for (const char *const *prefix = prefixes; *prefix; prefix++) {
            const char *found = try_in(s, *prefix, rest);
            if (found)
                return found;
        }
        /* Only the folders of an absolute path fall away. */
        if (*rest != '/')
            break;
    }
    return NULL;
}

/* Folders as google/pprof keeps programs in: DIR/BUILD ID/NAME, DIR/PATH, DIR/NAME. */
static const char *find_in_stores(struct seeker *s, const char *path)
{
    const char *name = span_file_name(span_of(path)).p;
    for (const char *const *store = s->options->stores; store && *store && *name; store++) {
        const char *found = NULL;
        if (s->build_id.n)
            found =
                try_in(s, *store,
                       arena_printf(s->arena, "%.*s/%s", (int)s->build_id.n, s->build_id.p, name));
        if (!found)
            found = try_in(s, *store, path);
        if (!found && name != path)
            found = try_in(s, *store, name);
        if (found)
            return found;
    }
    return NULL;
}

/* The path as the first row of --map that fits makes it; NULL: none does. */
static const char *replace_beginning(struct seeker *s, const char *path)
{
    for (const struct path_map *row = s->options->path_maps; row && row->from; row++) {
        const struct span from = span_without_slashes(span_of(row->from));
        const char *rest = path + from.n;
        if (span_equal(span_first(span_of(path), from.n), from) && (!*rest || *rest == '/')) {
            const struct span to = span_without_slashes(span_of(row->to));
            return arena_printf(s->arena, "%.*s%s", (int)to.n, to.p, rest);
        }
    }
    return NULL;
}

const char *symbolize_locate(const struct symbolize_options *options, struct arena *arena,
                             const char *path, struct span build_id, locate_tried_fn *tried,
                             void *to)
{
    struct seeker s = {
        .options = options, .arena = arena, .build_id = build_id, .tried = tried, .to = to};
    const char *found = find_in_prefixes(&s, path);
    if (!found)
        found = find_in_stores(&s, path);
    if (found)
        return found;
    /* What was moved by hand is where it was said to be; all else is below the root. */
    const char *last = replace_beginning(&s, path);
    if (!last && options->object.sysroot && *path == '/') {
        const struct span root = span_of(options->object.sysroot);
        last = arena_printf(arena, "%.*s%s", (int)root.n, root.p, path);
    }
    if (!last)
        last = path;
    found = try_path(&s, last);
    return found ? found : s.other_build ? s.other_build : last;
}
