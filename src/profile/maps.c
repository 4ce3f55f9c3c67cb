/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Mapping lines, as they stand at the end of profiles and in /proc/PID/maps; docs/formats.md draws
 * them. Apart because all text formats and the address lists of leak checkers end in them. Lines in
 * no known form are skipped: they are what users pasted in between. */
#include "profile/internal.h"

#include "base/buf.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* As span_take, for ASCII letters of either case; `prefix` is in lower case. */
static bool take_any_case(struct span *rest, const char *prefix)
{
    const size_t n = strlen(prefix);
    if (rest->n < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        const char c = rest->p[i];
        if ((c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c) != prefix[i])
            return false;
    }
    *rest = span_skip(*rest, n);
    return true;
}

/* Cuts ".12" off. */
static bool take_number_part(struct span *rest)
{
    size_t n = 1;
    if (rest->n < 2 || rest->p[0] != '.' || !is_digit(rest->p[1]))
        return false;
    while (n < rest->n && is_digit(rest->p[n]))
        n++;
    *rest = span_skip(*rest, n);
    return true;
}

/* "", or a version such as ".6", ".1.2.3" or ".0.9.8g.1". */
static bool is_version(struct span rest)
{
    if (rest.n == 0)
        return true;
    if (!take_number_part(&rest))
        return false;
    while (take_number_part(&rest))
        ;
    while (rest.n && is_word(rest.p[0]))
        rest = span_skip(rest, 1);
    for (int i = 0; i < 3 && take_number_part(&rest); i++)
        ;
    return rest.n == 0;
}

/* Whether the path names a library: ends in one of the known extensions, with a version perhaps. */
static bool is_library(struct span path)
{
    static const char *const extensions[] = {".so", ".dll", ".dylib", ".bundle", ".node"};
    for (size_t i = 0; i < path.n; i++) {
        if (path.p[i] != '.')
            continue;
        for (size_t e = 0; e < COUNT_OF(extensions); e++) {
            struct span rest = span_skip(path, i);
            if (take_any_case(&rest, extensions[e]) && is_version(rest))
                return true;
        }
    }
    return false;
}

/* What the kernel puts in the place of a path for memory that is no file. */
static bool is_file(struct span path)
{
    static const char *const others[] = {"[",     "//anon",  "/anon_hugepage", "/dev/zero",
                                         "/SYSV", "/memfd:", "anon_inode:"};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        if (span_starts(path, others[i]))
            return false;
    }
    return path.n != 0;
}

/* The path with each $build replaced, where it is a word of its own. */
static str_id build_path(struct builder *builder, struct span path)
{
    if (!builder->has_build || span_find_text(path, "$build") == SIZE_MAX)
        return strings_add(builder->strings, path);
    struct buf made = BUF_MAX(65536);
    while (path.n) {
        struct span rest = path;
        if (span_take(&rest, "$build") && (rest.n == 0 || !is_word(rest.p[0]))) {
            buf_add(&made, strings_span(builder->strings, builder->build));
            path = rest;
        } else {
            buf_byte(&made, path.p[0]);
            path = span_skip(path, 1);
        }
    }
    const str_id id = strings_add(builder->strings, buf_span(&made));
    buf_free(&made);
    return id;
}

static bool ends_in_deleted(struct span *path)
{
    static const char mark[] = " (deleted)";
    if (!span_ends(*path, mark))
        return false;
    *path = span_first(*path, path->n - (sizeof mark - 1));
    return true;
}

static void add_file(struct builder *builder, uint64_t start, uint64_t limit, uint64_t offset,
                     struct span path)
{
    struct mapping mapping = {.start = start, .limit = limit, .offset = offset};
    mapping.is_deleted = ends_in_deleted(&path);
    if (!is_file(path))
        return;
    mapping.path = build_path(builder, path);
    builder_mapping(builder, &mapping);
}

/* "START-LIMIT PERMS OFFSET DEV:DEV INODE PATH", after "START-LIMIT". */
static bool read_proc_line(struct builder *builder, struct span rest, uint64_t start,
                           uint64_t limit)
{
    struct span perms, device, inode;
    uint64_t offset, number;
    if (rest.n == 0 || !span_is_space(rest.p[0]))
        return false;
    if (!span_word(&rest, &perms) || perms.n != 4 || perms.p[2] != 'x')
        return false;
    rest = span_trim_left(rest);
    if (!span_take_hex(&rest, &offset) || rest.n == 0 || !span_is_space(rest.p[0]))
        return false;
    if (!span_word(&rest, &device) || span_find(device, ':') == SIZE_MAX)
        return false;
    if (!span_word(&rest, &inode) || !span_u64(inode, &number))
        return false;
    add_file(builder, start, limit, offset, span_trim(rest));
    return true;
}

static void read_line(struct builder *builder, struct span line)
{
    struct span rest = span_trim_left(line);
    uint64_t start, limit;
    if (span_take(&rest, "build=")) {
        builder->build = strings_add(builder->strings, span_trim(rest));
        builder->has_build = true;
        return;
    }
    if (!span_take_hex(&rest, &start) || !span_take(&rest, "-") || !span_take_hex(&rest, &limit) ||
        limit < start)
        return;
    if (span_take(&rest, ":"))
        add_file(builder, start, limit, 0, span_trim(rest));
    else
        (void)read_proc_line(builder, rest, start, limit);
}

void builder_maps(struct builder *builder, struct span text)
{
    struct span line;
    while (span_line(&text, &line))
        read_line(builder, line);
}

void builder_mapping(struct builder *builder, const struct mapping *mapping)
{
    builder->maps = base_grow(builder->maps, &builder->maps_cap, (size_t)builder->n_maps + 1,
                              sizeof builder->maps[0]);
    struct mapping *made = &builder->maps[builder->n_maps++];
    *made = *mapping;
    made->path = strings_clean(builder->strings, mapping->path);
    made->is_library = is_library(strings_span(builder->strings, mapping->path));
}
