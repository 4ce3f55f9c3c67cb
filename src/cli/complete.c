/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What may follow at the prompt, from the same tables that commands are read by: words at the
 * beginning of a line, functions of the profile where expressions go, files where a report goes. */
#include "cli/internal.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

struct hits {
    struct arena *arena;
    const char **list;
    uint32_t n, cap;
};

static void hit(struct hits *hits, const char *text)
{
    if (hits->n == hits->cap) {
        const uint32_t cap = hits->cap ? hits->cap * 2 : 64;
        const char **list = arena_alloc(hits->arena, cap, sizeof *list);
        if (hits->n)
            memcpy(list, hits->list, hits->n * sizeof *list);
        hits->list = list;
        hits->cap = cap;
    }
    hits->list[hits->n++] = text;
}

static void hit_beginning(struct hits *hits, struct span typed, const char *text)
{
    const struct span whole = span_of(text);
    if (whole.n >= typed.n && span_equal(span_first(whole, typed.n), typed))
        hit(hits, text);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void find_commands(struct hits *hits, struct span typed)
{
    for (size_t i = 0; prompt_words[i].name; i++)
        hit_beginning(hits, typed, prompt_words[i].name);
    for (size_t i = 0; emitters[i]; i++) {
        if (emitter_is_for_prompt(emitters[i]))
            hit_beginning(hits, typed, emitters[i]->name);
    }
    for (size_t i = 0; viewers[i].name; i++) {
        if (viewer_find(span_of(viewers[i].name)))
            hit_beginning(hits, typed, viewers[i].name);
    }
}

static void find_options(struct hits *hits, const struct options *options, struct span typed,
                         bool with_equals)
{
    for (uint32_t i = 0; i < options->n; i++) {
        const struct option *option = &options->rows[i];
        if (option_is_for_prompt(option))
            hit_beginning(hits, typed,
                          option->arg && with_equals
                              ? arena_printf(hits->arena, "%s=", option->name)
                              : option->name);
    }
}

/* A name as an expression that finds it, in one word. */
static const char *quote(struct arena *arena, const char *name)
{
    static const char special[] = "\\^$.|?*+()[]{}";
    const size_t n = strlen(name);
    char *text = arena_alloc(arena, 2 * n + 1, 1);
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (span_is_space(name[i])) {
            text[at++] = '\\';
            text[at++] = 's';
            continue;
        }
        if (strchr(special, name[i]))
            text[at++] = '\\';
        text[at++] = name[i];
    }
    return text;
}

/* Whether a component of a qualified name, not the first, begins with `typed`. */
static bool has_component(const char *name, struct span typed)
{
    struct span rest = span_of(name);
    size_t at;
    while ((at = span_find_text(rest, "::")) != SIZE_MAX) {
        rest = span_skip(rest, at + 2);
        if (rest.n >= typed.n && span_equal(span_first(rest, typed.n), typed))
            return true;
    }
    return false;
}

/* Functions that begin with it; if there are none, those with a component that does. */
static void find_functions(struct hits *hits, const struct name_list *names, struct span typed)
{
    const uint32_t before = hits->n;
    for (uint32_t i = 0; i < names->n; i++) {
        const char *quoted = quote(hits->arena, names->list[i]);
        if (span_starts(typed, quoted) && typed.n == strlen(quoted))
            hit(hits, quoted);
        else
            hit_beginning(hits, typed, quoted);
    }
    for (uint32_t i = 0; i < names->n && hits->n == before && typed.n; i++) {
        if (has_component(names->list[i], typed)) {
            for (; i < names->n; i++) {
                if (has_component(names->list[i], typed))
                    hit(hits, quote(hits->arena, names->list[i]));
            }
        }
    }
}

static void find_switches(struct hits *hits, struct span typed)
{
    hit_beginning(hits, typed, "--cum");
    for (uint32_t i = 0; i < GRANULARITY_COUNT; i++)
        hit_beginning(hits, typed, arena_printf(hits->arena, "--%s", granularities[i].name));
}

static void find_files(struct hits *hits, struct span typed)
{
    const size_t slash = span_find_last(typed, '/');
    const struct span folder = span_first(typed, slash == SIZE_MAX ? 0 : slash + 1);
    const struct span begun = span_skip(typed, folder.n);
    DIR *dir = opendir(folder.n ? arena_text(hits->arena, folder) : ".");
    if (!dir)
        return;
    const struct dirent *entry;
    while ((entry = readdir(dir))) {
        const struct span name = span_of(entry->d_name);
        if (name.n < begun.n || !span_equal(span_first(name, begun.n), begun) ||
            (name.p[0] == '.' && begun.n == 0))
            continue;
        char *path = arena_printf(hits->arena, "%.*s%s", (int)folder.n, folder.p ? folder.p : "",
                                  entry->d_name);
        struct stat st;
        if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
            path = arena_printf(hits->arena, "%s/", path);
        hit(hits, path);
    }
    (void)closedir(dir);
}

static size_t word_start(struct span line)
{
    size_t from = line.n;
    while (from > 0 && !span_is_space(line.p[from - 1]))
        from--;
    return from;
}

/* Whether the word before line[from..] sends the report to a file. */
static bool is_behind_target(struct span line, size_t from)
{
    const struct span before = span_trim(span_first(line, from));
    return before.n > 1 && before.p[before.n - 1] == '>' && span_is_space(before.p[before.n - 2]);
}

struct completion complete_line(const struct options *options, const struct name_list *names,
                                struct span line, struct arena *arena)
{
    struct hits hits = {.arena = arena};
    struct completion c = {.from = word_start(line)};
    const struct span before = span_trim(span_first(line, c.from));
    struct span typed = span_skip(line, c.from);
    const size_t equals = span_find(typed, '=');
    if (before.n == 0 && equals != SIZE_MAX) { /* focus=na */
        c.from += equals + 1;
        find_functions(&hits, names, span_skip(line, c.from));
    } else if (before.n == 0) {
        find_commands(&hits, typed);
        find_options(&hits, options, typed, true);
    } else if (span_is(before, "help")) {
        find_commands(&hits, typed);
        find_options(&hits, options, typed, false);
    } else if (is_behind_target(line, c.from)) {
        find_files(&hits, typed);
    } else if (span_starts(typed, ">")) {
        c.from++;
        find_files(&hits, span_skip(typed, 1));
    } else if (span_starts(typed, "--")) {
        find_switches(&hits, typed);
    } else {
        if (span_starts(typed, "-")) {
            c.from++;
            typed = span_skip(typed, 1);
        }
        find_functions(&hits, names, typed);
    }
    if (hits.n)
        qsort(hits.list, hits.n, sizeof *hits.list, compare);
    c.list = hits.list;
    for (uint32_t i = 0; i < hits.n; i++) {
        if (c.n == 0 || strcmp(c.list[c.n - 1], hits.list[i]) != 0)
            c.list[c.n++] = hits.list[i];
    }
    const struct span only = span_of(c.n == 1 ? c.list[0] : "");
    c.is_open = span_ends(only, "=") || span_ends(only, "/");
    return c;
}

size_t complete_common(const struct completion *completion)
{
    if (completion->n == 0)
        return 0;
    size_t n = strlen(completion->list[0]);
    for (uint32_t i = 1; i < completion->n; i++) {
        size_t same = 0;
        while (same < n && completion->list[0][same] == completion->list[i][same])
            same++;
        n = same;
    }
    return n;
}
