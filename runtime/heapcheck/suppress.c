/* SPDX-License-Identifier: BSD-3-Clause
 *
 * HEAP_CHECK_SUPPRESSIONS: a file of lines "leak:PATTERN", as LeakSanitizer reads it. A pattern is
 * looked for in the name of each function of a site, its source file, and the program or library it
 * is in; * stands for anything, ^ and $ for the ends. "site:ID" names one site. */
#include "heapcheck/internal.h"

#include <errno.h>
#include <string.h>

#include "base/env.h"
#include "base/message.h"
#include "base/pages.h"
#include "base/syscall.h"
#include "names/names.h"

enum { FILE_MOST = 1 << 20, NAME_ROOM = 1024 };

struct span {
    const char *p;
    size_t n;
};

static struct {
    char *text; /* NULL: not read yet */
    size_t n;
    struct names names;
} suppressions;

bool suppressions_are_wanted(void)
{
    const char *path = env_get("HEAP_CHECK_SUPPRESSIONS");
    return path && *path && !env_is_untrusted();
}

/* ---- the file ---------------------------------------------------------------------------------
 */

static struct span trim(struct span s)
{
    while (s.n > 0 && (*s.p == ' ' || *s.p == '\t'))
        s = (struct span){s.p + 1, s.n - 1};
    while (s.n > 0 && strchr(" \t\r", s.p[s.n - 1]))
        s.n--;
    return s;
}

static bool begins_with(struct span text, struct span piece)
{
    return text.n >= piece.n && memcmp(text.p, piece.p, piece.n) == 0;
}

static bool take_word(struct span *line, const char *word)
{
    const size_t n = strlen(word);
    if (!begins_with(*line, (struct span){word, n}))
        return false;
    *line = (struct span){line->p + n, line->n - n};
    return true;
}

static bool next_line(const char **at, struct span *line)
{
    const char *start = *at, *const end = suppressions.text + suppressions.n;
    if (start >= end)
        return false;
    const char *line_end = memchr(start, '\n', (size_t)(end - start));
    *line = trim((struct span){start, (size_t)((line_end ? line_end : end) - start)});
    *at = line_end ? line_end + 1 : end;
    return true;
}

static void check_lines(const char *path)
{
    struct span line;
    unsigned number = 1;
    for (const char *at = suppressions.text; next_line(&at, &line); number++)
        if (line.n > 0 && *line.p != '#' && !take_word(&line, "leak:") &&
            !take_word(&line, "site:"))
            message_say(MESSAGE_WARNING,
                        "HEAP_CHECK_SUPPRESSIONS: %s:%u is neither leak:PATTERN nor site:ID", path,
                        number);
}

static bool read_file(void)
{
    const char *path = env_get("HEAP_CHECK_SUPPRESSIONS");
    if (suppressions.text)
        return true;
    const int fd = sys_open(path, O_RDONLY | O_CLOEXEC, 0);
    char *text = fd >= 0 ? pages_map(NULL, FILE_MOST, SYSTEM_PAGE) : NULL;
    size_t n = 0;
    ssize_t got = fd;
    while (text && n < FILE_MOST && (got = sys_pread(fd, text + n, FILE_MOST - n, (off_t)n)) > 0)
        n += (size_t)got;
    if (fd >= 0)
        (void)sys_close(fd);
    if (got != 0) {
        message_say(MESSAGE_ERROR, "HEAP_CHECK_SUPPRESSIONS: cannot read %s, or it is too large",
                    path);
        return false;
    }
    suppressions.text = text;
    suppressions.n = n;
    check_lines(path);
    return true;
}

/* ---- patterns ---------------------------------------------------------------------------------
 */

static bool matches(struct span pattern, struct span text)
{
    bool is_fixed = pattern.n > 0 && *pattern.p == '^';
    if (is_fixed)
        pattern = (struct span){pattern.p + 1, pattern.n - 1};
    const bool has_end = pattern.n > 0 && pattern.p[pattern.n - 1] == '$';
    pattern.n -= has_end;
    for (;;) {
        while (pattern.n > 0 && *pattern.p == '*') {
            is_fixed = false;
            pattern = (struct span){pattern.p + 1, pattern.n - 1};
        }
        if (pattern.n == 0)
            return !has_end || !is_fixed || text.n == 0;
        const char *star = memchr(pattern.p, '*', pattern.n);
        const struct span piece = {pattern.p, star ? (size_t)(star - pattern.p) : pattern.n};
        if (!star && has_end) { /* the last piece is at the end, or nowhere */
            if (text.n < piece.n || (is_fixed && text.n != piece.n))
                return false;
            return memcmp(text.p + text.n - piece.n, piece.p, piece.n) == 0;
        }
        while (!begins_with(text, piece)) {
            if (is_fixed || text.n == 0)
                return false;
            text = (struct span){text.p + 1, text.n - 1};
        }
        text = (struct span){text.p + piece.n, text.n - piece.n};
        pattern = (struct span){pattern.p + piece.n, pattern.n - piece.n};
        is_fixed = true;
    }
}

/* ---- a site against all lines -----------------------------------------------------------------
 */

static struct span of(const char *text)
{
    return (struct span){text, strlen(text)};
}

/* A line of the symbolizer's answer: a name, and if it knew a blank and FILE:LINE. */
static bool matches_answer(struct span pattern, const char *text)
{
    while (*text) {
        struct span name = {text, strcspn(text, "\n")};
        text += name.n + (text[name.n] == '\n');
        struct span file = {NULL, 0};
        for (size_t i = name.n; i-- > 0 && !file.p;) {
            if (name.p[i] == ' ' && i + 1 < name.n && memchr(name.p + i, ':', name.n - i))
                file = (struct span){name.p + i + 1, name.n - i - 1};
        }
        if (file.p) {
            name.n -= file.n + 1;
            while (file.n > 0 && file.p[file.n - 1] != ':')
                file.n--;
            file.n -= file.n > 0;
        }
        if (matches(pattern, name) || (file.p && matches(pattern, file)))
            return true;
    }
    return false;
}

static bool matches_frame(struct span pattern, uintptr_t pc, const struct symbols *symbols)
{
    struct name name;
    char readable[NAME_ROOM];
    if (matches(pattern, of(sites_file(pc - 1))))
        return true;
    if (symbols && matches_answer(pattern, symbols_text(symbols, pc)))
        return true;
    if (!names_find(&suppressions.names, pc - 1, &name))
        return false;
    if (matches(pattern, (struct span){name.text, name.n}))
        return true;
    (void)names_readable(&name, readable, sizeof readable);
    return matches(pattern, of(readable));
}

static bool matches_id(struct span text, stack_ix stack)
{
    char id[20];
    const size_t n = text_print(id, sizeof id, "%016lx", site_id(stack));
    return text.n == n && memcmp(text.p, id, n) == 0;
}

static bool is_suppressed(stack_ix stack, const struct symbols *symbols)
{
    size_t n;
    const uintptr_t *pcs = stack_pcs(stack, &n);
    struct span line;
    for (const char *at = suppressions.text; next_line(&at, &line);) {
        if (take_word(&line, "site:") && matches_id(line, stack))
            return true;
        if (!take_word(&line, "leak:") || (line = trim(line)).n == 0)
            continue;
        for (size_t i = 0; i < n; i++) {
            if (matches_frame(line, pcs[i], symbols))
                return true;
        }
    }
    return false;
}

/* ---- what the C library keeps ------------------------------------------------------------------
 */

/* Functions of it near the allocation. */
static const char *const keepers[] = {
    "_IO_file_doallocate", "_IO_wfile_doallocate", "setenv", "putenv", "tsearch", "setlocale",
    "iconv_open"};
enum { KEEPER_DEPTH = 3 };

static bool is_kept(stack_ix stack)
{
    size_t n;
    const uintptr_t *pcs = stack_pcs(stack, &n);
    for (size_t i = 0; i < n && i < KEEPER_DEPTH; i++) {
        struct name name;
        if (!names_find(&suppressions.names, pcs[i] - 1, &name))
            continue;
        for (size_t k = 0; k < sizeof keepers / sizeof *keepers; k++) {
            if (name.n == strlen(keepers[k]) && memcmp(name.text, keepers[k], name.n) == 0)
                return true;
        }
    }
    return false;
}

/* ---- */

static int by_number(const void *a, const void *b)
{
    const stack_ix x = *(const stack_ix *)a, y = *(const stack_ix *)b;
    return x < y ? -1 : x > y;
}

size_t suppressions_apply(const struct leaks *leaks, bool has_no_globals,
                          const struct symbols *symbols, struct pile *stacks)
{
    const struct site *site = leaks->sites.p;
    const bool has_rules = suppressions_are_wanted() && read_file();
    size_t found = 0;
    if (!sites_refresh() || !names_refresh(&suppressions.names))
        return 0;
    for (size_t i = 0; i < leaks->sites.n; i++, site++) {
        stack_ix *next;
        const bool is_named = (has_rules && is_suppressed(site->stack, symbols)) ||
                              (has_no_globals && is_kept(site->stack));
        if (!is_named || !(next = pile_next(stacks, sizeof *next)))
            continue;
        *next = site->stack;
        stacks->n++;
        found++;
    }
    sort_items(stacks->p, stacks->n, sizeof(stack_ix), by_number);
    return found;
}
