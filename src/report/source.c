/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Source files: found, read once, and cut into lines that nobody copies; and which lines of a file
 * a routine is shown with. Paths come from debug information, which is as trustworthy as the
 * program: only regular files are opened. */
#include "report/internal.h"

#include "base/file.h"
#include "base/idmap.h"

#include <errno.h>

#define FILE_MAX       ((uint64_t)1 << 30)
#define PATH_MAX_BYTES 4096

/* Lines around a routine. */
#define AROUND 5

struct source {
    struct file file;
    const char **starts; /* of line i + 1; one more, where the last line ends */
    uint32_t n_lines;
    bool is_open;
};

struct sources {
    const struct report *report;
    struct source **files;
    uint32_t n, cap;
    struct idmap file_of; /* path, interned, to place in files */
};

struct sources *sources_new(const struct report *report)
{
    struct sources *sources = base_alloc(1, sizeof *sources);
    sources->report = report;
    return sources;
}

void sources_free(struct sources *sources)
{
    if (!sources)
        return;
    for (uint32_t i = 0; i < sources->n; i++) {
        file_close(&sources->files[i]->file);
        base_free(sources->files[i]->starts);
        base_free(sources->files[i]);
    }
    base_free(sources->files);
    idmap_free(&sources->file_of);
    base_free(sources);
}

/* ---- finding ------------------------------------------------------------------------------------
 */

/* The next element of a comma list. */
static bool take_element(struct span *list, struct span *element)
{
    if (list->n == 0)
        return false;
    const size_t comma = span_find(*list, ',');
    *element = span_first(*list, comma);
    *list = comma == SIZE_MAX ? span_make("", 0) : span_skip(*list, comma + 1);
    return true;
}

/* The path without the first of --trim_path's prefixes that it begins with. */
static struct span trim_path(struct span path, const char *prefixes)
{
    struct span list = span_of(prefixes), prefix;
    while (take_element(&list, &prefix)) {
        prefix = span_without_slashes(prefix);
        if (prefix.n && path.n > prefix.n && path.p[prefix.n] == '/' &&
            span_equal(span_first(path, prefix.n), prefix)) {
            path = span_skip(path, prefix.n);
            while (path.n && path.p[0] == '/')
                path = span_skip(path, 1);
            return path;
        }
    }
    return path;
}

/* Under `folder` by the whole path, then without its first folder, and so on. The base name alone
 * says little: it counts only where somebody chose the folder. */
static bool find_under(struct span folder, struct span path, bool is_chosen, struct buf *found)
{
    while (folder.n > 1 && folder.p[folder.n - 1] == '/')
        folder.n--;
    for (;;) {
        while (span_take(&path, "./") || span_take(&path, "/"))
            ;
        const size_t slash = span_find(path, '/');
        if (path.n == 0 || (slash == SIZE_MAX && !is_chosen))
            return false;
        buf_clear(found);
        buf_add(found, folder);
        buf_byte(found, '/');
        buf_add(found, path);
        if (!found->is_full && file_is_regular(buf_c(found)))
            return true;
        if (slash == SIZE_MAX)
            return false;
        path = span_skip(path, slash);
    }
}

/* Where the file is: as it is called without --trim_path's prefix, in --source_path, as it is
 * called in full, under the folder we are in. */
static bool find_file(const struct sources *sources, const char *path, struct buf *found)
{
    const struct report_options *options = sources->report->options;
    const struct span trimmed = trim_path(span_of(path), options->trim_path);
    buf_add(found, trimmed);
    if (!found->is_full && file_is_regular(buf_c(found)))
        return true;
    struct span list = span_of(options->source_path), folder;
    while (take_element(&list, &folder)) {
        if (folder.n && find_under(folder, trimmed, true, found))
            return true;
    }
    buf_clear(found);
    buf_text(found, path);
    if (!found->is_full && file_is_regular(path))
        return true;
    return find_under(span_of("."), trimmed, false, found);
}

/* ---- reading ------------------------------------------------------------------------------------
 */

static void cut_lines(struct source *source)
{
    const struct span bytes = source->file.bytes;
    uint32_t n = 0, cap = 0;
    const char *at = bytes.p, *end = bytes.p + bytes.n;
    while (at < end && n < UINT32_MAX / 2) {
        source->starts = base_grow(source->starts, &cap, (size_t)n + 2, sizeof *source->starts);
        source->starts[n++] = at;
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        at = newline ? newline + 1 : end;
        source->starts[n] = at;
    }
    source->n_lines = n;
}

static void open_source(struct sources *sources, struct source *source, const char *path)
{
    struct notes *notes = sources->report->notes;
    struct buf found = BUF_MAX(PATH_MAX_BYTES);
    struct error err = {0};
    if (!find_file(sources, path, &found)) {
        /* The reason that opening it would give, for what is there and no regular file too. */
        if (file_exists(path))
            notes_add(notes, "%s: is no regular file", path);
        else
            notes_add(notes, "%s: %s", path, "No such file or directory");
    } else if (!file_open(&source->file, buf_c(&found), FILE_MAX, &err)) {
        notes_add(notes, "%s", err.text);
    } else {
        if (strcmp(buf_c(&found), path) != 0)
            notes_add(notes, "%s: shown as it is in %s", path, buf_c(&found));
        cut_lines(source);
        source->is_open = true;
    }
    buf_free(&found);
}

const struct source *sources_find(struct sources *sources, const char *path)
{
    const str_id id = strings_add_text(sources->report->view->profile->strings, path);
    bool is_new;
    const uint32_t at = idmap_add(&sources->file_of, id, sources->n, &is_new);
    if (is_new) {
        sources->files = base_grow(sources->files, &sources->cap, (size_t)sources->n + 1,
                                   sizeof *sources->files);
        sources->files[sources->n++] = base_alloc(1, sizeof **sources->files);
        open_source(sources, sources->files[at], path);
    }
    return sources->files[at]->is_open ? sources->files[at] : NULL;
}

uint32_t source_count(const struct source *source)
{
    return source->n_lines;
}

struct span source_line(const struct source *source, uint32_t n)
{
    const char *start = source->starts[n - 1], *end = source->starts[n];
    if (end > start && end[-1] == '\n')
        end--;
    if (end > start && end[-1] == '\r')
        end--;
    return span_make(start, (size_t)(end - start));
}

bool source_is_same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

const char *source_shown(const char *path)
{
    static const char cwd[] = "/proc/self/cwd/";
    if (span_starts(span_of(path), cwd))
        path += sizeof cwd - 1;
    return path[0] == '.' && path[1] == '/' ? path + 2 : path;
}

/* ---- excerpts -----------------------------------------------------------------------------------
 */

/* White space before the first other byte; false: the line is blank. */
static bool indentation(struct span line, size_t *n)
{
    const struct span rest = span_trim_left(line);
    *n = line.n - rest.n;
    return rest.n != 0;
}

/* A function whose last instruction is not on its last line goes on as long as lines are indented
 * as its first one is. */
static uint32_t extend(const struct source *source, uint32_t first, uint32_t last)
{
    size_t base = 0, n;
    uint32_t line = first;
    while (line <= source->n_lines && !indentation(source_line(source, line), &base))
        line++;
    if (line > source->n_lines || base == 0)
        return last;
    for (line = line > last ? line : last; line <= source->n_lines; line++) {
        if (!indentation(source_line(source, line), &n))
            continue;
        if (n < base)
            break;
        last = line + 1;
    }
    return last;
}

/* Values of code from elsewhere (inlined in a macro, another file) go to the next line of the
 * routine's own, what is left to the last. */
static void spread(const struct routine *routine, uint32_t n_lines, struct excerpt *e)
{
    double flat = 0, cum = 0;
    for (uint32_t i = 0; i < routine->n_code; i++) {
        const struct instruction *instruction = &routine->code[i];
        flat += instruction->flat;
        cum += instruction->cum;
        if (instruction->line < e->first || instruction->line > e->last ||
            !source_is_same(instruction->file, e->file))
            continue;
        const uint32_t at = instruction->line - e->first;
        if (at < n_lines) {
            e->flat[at] += flat;
            e->cum[at] += cum;
        }
        flat = cum = 0;
    }
    if (n_lines && e->last - e->first < n_lines) {
        e->flat[e->last - e->first] += flat;
        e->cum[e->last - e->first] += cum;
    }
}

bool excerpt_make(const struct routine *routine, struct sources *sources,
                  const struct report *report, struct arena *arena, struct excerpt *out)
{
    struct excerpt e = {0};
    for (uint32_t i = 0; i < routine->n_code; i++) {
        const struct instruction *instruction = &routine->code[i];
        if (!instruction->file)
            continue;
        if (!e.file) {
            e.file = instruction->file;
            e.first = e.last = instruction->line;
        } else if (instruction->line > e.last && source_is_same(instruction->file, e.file)) {
            e.last = instruction->line;
        }
    }
    if (!e.file) {
        notes_add(report->notes, "no filename found in %s", routine->name);
        return false;
    }
    e.source = sources_find(sources, e.file);
    if (!e.source)
        return false;
    const uint32_t n = e.source->n_lines, old = e.last;
    e.last = extend(e.source, e.first, e.last);
    e.from = e.first > AROUND ? e.first - AROUND : 1;
    e.to = old < UINT32_MAX - AROUND ? old + AROUND : UINT32_MAX;
    e.to = e.to > e.last ? e.to : e.last;
    e.to = e.to > n ? n : e.to;
    /* Lines that the file does not have are not shown: it is not the one that was compiled. */
    const uint32_t n_lines = e.first > n ? 0 : (e.last > n ? n + 1 : e.last) - e.first + 1;
    e.flat = arena_alloc(arena, n_lines, sizeof *e.flat);
    e.cum = arena_alloc(arena, n_lines, sizeof *e.cum);
    spread(routine, n_lines, &e);
    *out = e;
    return true;
}
