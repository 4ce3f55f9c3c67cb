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

/* "NAME=VALUE": what $NAME is from here on. Past the last there is room for, none is kept. */
static bool read_variable(struct builder *builder, struct span line)
{
    const struct span rest = span_trim_left(line);
    size_t n = 0;
    while (n < rest.n && is_word(rest.p[n]))
        n++;
    if (n == 0 || n == rest.n || rest.p[n] != '=' || is_digit(rest.p[0]))
        return false;
    const str_id name = strings_add(builder->strings, span_first(rest, n));
    const str_id value = strings_add(builder->strings, span_trim(span_skip(rest, n + 1)));
    uint32_t i = 0;
    while (i < builder->n_variables && builder->variables[i].name != name)
        i++;
    if (i == MAP_VARIABLES_MAX)
        return true;
    builder->variables[i] = (struct map_variable){.name = name, .value = value};
    if (i == builder->n_variables)
        builder->n_variables++;
    return true;
}

/* Whether the text begins with "$NAME" of a variable; cuts it off then. */
static bool take_variable(const struct builder *builder, struct span *rest, struct span *value)
{
    size_t n = 1;
    if (rest->p[0] != '$')
        return false;
    while (n < rest->n && is_word(rest->p[n]))
        n++;
    const struct span name = span_skip(span_first(*rest, n), 1);
    for (uint32_t i = 0; i < builder->n_variables; i++) {
        if (!span_equal(name, strings_span(builder->strings, builder->variables[i].name)))
            continue;
        *value = strings_span(builder->strings, builder->variables[i].value);
        *rest = span_skip(*rest, n);
        return true;
    }
    return false;
}

/* The path with the values of its variables. */
static str_id whole_path(struct builder *builder, struct span path)
{
    if (builder->n_variables == 0 || span_find(path, '$') == SIZE_MAX)
        return strings_add(builder->strings, path);
    struct buf made = BUF_MAX(65536);
    while (path.n) {
        struct span value;
        if (take_variable(builder, &path, &value)) {
            buf_add(&made, value);
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

bool path_is_vdso(struct span path)
{
    return span_is(path, "[vdso]") || span_is(path, "[vsyscall]");
}

/* ---- code that was copied ----------------------------------------------------------------------
 *
 * Programs copy their own code to anonymous memory, for large pages, and put that in its place:
 *
 *     559a3de00000-559a3e000000 r-xp 00a00000 08:01 42  /bin/program
 *     559a3e000000-559a40000000 r-xp 00000000 00:00 0
 *     559a40000000-559a40123000 r-xp 02c00000 08:01 42  /bin/program
 *
 * What lies between two pieces of one file, and is as large as what is missing of it, is that. A
 * page at the end of one piece may be mapped a second time at the beginning of the next. */

#define PAGE_MAX ((uint64_t)64 << 10)

void builder_close_gap(struct builder *builder)
{
    builder->n_maps -= builder->gap.n_maps;
    builder->gap = (struct maps_gap){0};
}

/* A line of something that is no file's. */
static void widen_gap(struct builder *builder, uint64_t start, uint64_t limit, bool is_code)
{
    struct maps_gap *gap = &builder->gap;
    if (!gap->limit || gap->limit != start) {
        builder_close_gap(builder);
        return;
    }
    if (is_code) {
        const struct mapping mapping = {.start = start, .limit = limit, .path = gap->path};
        builder_mapping(builder, &mapping);
        gap->n_maps++;
    }
    gap->limit = limit;
}

/* A line of a file: what lies before it may be its own. */
static void end_gap(struct builder *builder, const struct mapping *next)
{
    struct maps_gap *gap = &builder->gap;
    const uint32_t first = builder->n_maps - gap->n_maps;
    bool is_own = gap->n_maps && gap->limit == next->start && gap->path == next->path;
    if (is_own) {
        const uint64_t size = next->start - builder->maps[first].start;
        is_own = size <= next->offset && next->offset - size <= gap->file_offset &&
                 gap->file_offset - (next->offset - size) <= PAGE_MAX;
    }
    if (is_own) {
        for (uint32_t i = first; i < builder->n_maps; i++) {
            builder->maps[i].offset = next->offset - (next->start - builder->maps[i].start);
            builder->maps[i].build_id = next->build_id;
        }
        gap->n_maps = 0;
    }
    builder_close_gap(builder);
    *gap = (struct maps_gap){.limit = next->limit,
                             .file_offset = next->offset + (next->limit - next->start),
                             .path = next->path};
}

static void add_file(struct builder *builder, struct mapping mapping, struct span path,
                     bool is_code)
{
    mapping.is_deleted = ends_in_deleted(&path);
    if (is_file(path)) {
        mapping.path = whole_path(builder, path);
        end_gap(builder, &mapping);
    } else {
        widen_gap(builder, mapping.start, mapping.limit, is_code);
        if (!path_is_vdso(path))
            return;
        builder_close_gap(builder);
        mapping.path = strings_add(builder->strings, path);
    }
    if (is_code)
        builder_mapping(builder, &mapping);
}

/* "PERMS OFFSET DEV:DEV INODE PATH" */
static bool read_proc_line(struct builder *builder, struct mapping mapping, struct span rest)
{
    struct span perms, device, inode;
    uint64_t number;
    if (rest.n == 0 || !span_is_space(rest.p[0]))
        return false;
    if (!span_word(&rest, &perms) || perms.n != 4)
        return false;
    rest = span_trim_left(rest);
    if (!span_take_hex(&rest, &mapping.offset) || rest.n == 0 || !span_is_space(rest.p[0]))
        return false;
    if (!span_word(&rest, &device) || span_find(device, ':') == SIZE_MAX)
        return false;
    if (!span_word(&rest, &inode) || !span_u64(inode, &number))
        return false;
    add_file(builder, mapping, span_trim(rest), perms.p[2] == 'x');
    return true;
}

/* Cuts the last word off; the rest ends without space. */
static struct span cut_last_word(struct span *rest)
{
    size_t n = rest->n;
    while (n > 0 && !span_is_space(rest->p[n - 1]))
        n--;
    const struct span word = span_skip(*rest, n);
    *rest = span_trim(span_first(*rest, n));
    return word;
}

/* "(@OFFSET)" */
static bool is_offset(struct span word, uint64_t *offset)
{
    return span_take(&word, "(@") && span_take_hex(&word, offset) && span_is(word, ")");
}

static size_t count_hex(struct span text)
{
    size_t n = 0;
    while (n < text.n && (is_digit(text.p[n]) || (text.p[n] >= 'a' && text.p[n] <= 'f') ||
                          (text.p[n] >= 'A' && text.p[n] <= 'F')))
        n++;
    return n;
}

str_id profile_build_id(struct strings *strings, struct span text)
{
    char id[128];
    if (text.n > sizeof id || text.n % 2 || count_hex(text) != text.n)
        return 0;
    for (size_t i = 0; i < text.n; i++) {
        const char c = text.p[i];
        id[i] = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
    }
    return strings_add(strings, span_make(id, text.n));
}

/* Cuts " (@OFFSET)" and a build ID, of at least 4 bytes in hex, off the end of a path: either of
 * them or both may be there. */
static void take_tail(struct builder *builder, struct span *path, struct mapping *mapping)
{
    struct span rest = *path;
    const struct span id = cut_last_word(&rest);
    if (rest.n && id.n >= 8 && count_hex(id) == id.n) {
        mapping->build_id = profile_build_id(builder->strings, id);
        *path = rest;
    }
    rest = *path;
    uint64_t offset;
    if (is_offset(cut_last_word(&rest), &offset)) {
        mapping->offset = offset;
        *path = rest;
    }
}

/* "rwxp" and the like, with or without the last letter. */
static bool is_perms(struct span word)
{
    for (size_t i = 0; i < word.n; i++) {
        if (!strchr("-rwxps", word.p[i]) || word.p[i] == '\0')
            return false;
    }
    return word.n == 3 || word.n == 4;
}

/* "[:] [PERMS] PATH [(@OFFSET)] [BUILD-ID]". Without the colon the path has to look like one:
 * readers hand over any line that they do not know. */
static void read_brief_line(struct builder *builder, struct mapping mapping, struct span rest)
{
    const bool is_certain = span_take(&rest, ":");
    struct span after = rest, perms;
    if (!is_certain && (rest.n == 0 || !span_is_space(rest.p[0])))
        return;
    if (span_word(&after, &perms) && is_perms(perms)) {
        if (span_find(perms, 'x') == SIZE_MAX)
            return;
        rest = after;
    }
    struct span path = span_trim(rest);
    take_tail(builder, &path, &mapping);
    if (is_certain || span_starts(path, "/") || span_starts(path, "$"))
        add_file(builder, mapping, path, true);
}

/* What logging libraries put in front of a line: "... FILE:LINE] ", before any other bracket. */
static struct span without_log_prefix(struct span line)
{
    const size_t end = span_find(line, ']');
    if (end == SIZE_MAX || span_find(span_first(line, end), '[') != SIZE_MAX)
        return line;
    const struct span prefix = span_first(line, end);
    const size_t colon = span_find_last(prefix, ':');
    const struct span rest = span_skip(line, end + 1);
    uint64_t number;
    if (colon == SIZE_MAX || colon == 0 || !span_u64(span_skip(prefix, colon + 1), &number) ||
        rest.n == 0 || !span_is_space(rest.p[0]))
        return line;
    return span_skip(rest, 1);
}

static bool take_address(struct span *rest, uint64_t *address)
{
    if (!span_take(rest, "0x"))
        (void)span_take(rest, "0X");
    return span_take_hex(rest, address);
}

static void read_line(struct builder *builder, struct span line)
{
    line = without_log_prefix(line);
    if (read_variable(builder, line))
        return;
    struct span rest = span_trim_left(line);
    struct mapping mapping = {0};
    if (!take_address(&rest, &mapping.start) || !span_take(&rest, "-") ||
        !take_address(&rest, &mapping.limit) || mapping.limit < mapping.start)
        return;
    if (!read_proc_line(builder, mapping, rest))
        read_brief_line(builder, mapping, rest);
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
    made->is_vdso = path_is_vdso(strings_span(builder->strings, mapping->path));
}
