/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Names by strangers, through every output that is text: the input is names, ended by NULs, each of
 * them a function and, by turns, its file. Scanners far smaller than real parsers check that no
 * name gets out of where it stands: strings of DOT are closed, XML is well formed, lines are lines.
 * tests/hostile.py asks the real parsers. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "profile/profile.h"
#include "report/report.h"

#define NAMES_MAX  24
#define PLACED_MAX 5

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* ---- a profile of names -------------------------------------------------------------------------
 */

static uint32_t split_names(struct span rest, struct span *names)
{
    uint32_t n = 0;
    while (rest.n && n < NAMES_MAX) {
        const size_t end = span_find(rest, '\0');
        names[n++] = span_first(rest, end);
        rest = end == SIZE_MAX ? (struct span){0} : span_skip(rest, end + 1);
    }
    return n;
}

/* Each name calls the one before it and has it inlined. */
static bool make_profile(struct strings *strings, const struct span *names, uint32_t n,
                         struct profile *out)
{
    const struct limits limits = limits_default();
    struct builder *builder = builder_new(strings, &limits);
    builder_kind(builder, PROFILE_OTHER);
    builder_default_column(builder, builder_column(builder, "samples", "count"));
    builder_symbolized(builder);
    builder_program(builder, names[0]);
    for (uint32_t i = 0; i < n; i++) {
        const struct carried_frame frames[] = {
            {strings_add(strings, names[i]), strings_add(strings, names[n - 1 - i]), i},
            {strings_add(strings, names[i / 2]), strings_add(strings, names[i]),
             i % 2 ? LINE_NONE : 1},
        };
        builder_carried(builder, 0x1000 + 16 * i, frames, 1 + i % 2);
        const uint64_t pcs[] = {0x1000 + 16 * i, 0x1000 + 16 * (i / 2), 0x1000};
        builder_add(builder, builder_stack(builder, pcs, 2 + i % 2), 0, &(double){i + 1});
    }
    const bool is_sealed = builder_seal(builder, CALLERS_AS_GIVEN, out, NULL);
    builder_free(builder);
    return is_sealed;
}

/* ---- scanners -----------------------------------------------------------------------------------
 */

static void check_lines(struct span text)
{
    for (size_t i = 0; i < text.n; i++)
        require(text.p[i] == '\n' || ((unsigned char)text.p[i] >= ' ' && text.p[i] != 0x7f));
}

/* Every line ends in a number, and separators are as many as frames. */
static void check_collapsed(struct span text)
{
    struct span line;
    check_lines(text);
    while (span_line(&text, &line)) {
        double value;
        const size_t space = span_find_last(line, ' ');
        require(space != SIZE_MAX && span_double(span_skip(line, space + 1), &value));
        size_t n = 0;
        for (size_t i = 0; i < space; i++)
            n += line.p[i] == ';';
        require(n >= 1 && n <= 5);
    }
}

/* No line but those of the format. */
static void check_callgrind(struct span text)
{
    static const char *const keys[] = {
        "fl=",       "fi=",       "fe=",   "fn=",         "ob=",      "cfl=",
        "cfi=",      "cfn=",      "cob=",  "calls=",      "events: ", "event: ",
        "version: ", "creator: ", "cmd: ", "positions: ", "summary:", "# callgrind",
    };
    struct span line;
    check_lines(text);
    while (span_line(&text, &line)) {
        bool is_known = line.n == 0 || (line.p[0] >= '0' && line.p[0] <= '9');
        for (size_t i = 0; i < COUNT_OF(keys) && !is_known; i++)
            is_known = span_starts(line, keys[i]);
        require(is_known);
    }
}

/* Strings are closed on their line; outside of them stand only the words we write. */
static void check_dot(struct span text)
{
    bool is_in_string = false;
    uint32_t depth = 0;
    for (size_t i = 0; i < text.n; i++) {
        const char c = text.p[i];
        if (is_in_string) {
            require(c != '\n');
            i += c == '\\';
            is_in_string = c != '"';
        } else {
            require(c == '\n' || (c >= ' ' && c < 0x7f && !strchr("<>&#'\\", c)) ||
                    (c == '>' && text.p[i - 1] == '-'));
            is_in_string = c == '"';
            depth += c == '{';
            depth -= c == '}';
        }
    }
    require(!is_in_string && depth == 0);
}

/* Cuts a tag, a CDATA section or the declaration off the front of what begins with "<". */
static struct span take_tag(struct span *rest)
{
    static const char cdata[] = "<![CDATA[", end[] = "]]>";
    size_t n = 0;
    if (span_starts(*rest, cdata)) {
        n = span_find_text(*rest, end);
        require(n != SIZE_MAX);
        n += sizeof end - 1;
    } else {
        char quote = 0;
        while (n < rest->n && (quote || rest->p[n] != '>')) {
            const char c = rest->p[n];
            require(n == 0 || c != '<');
            if (quote ? c == quote : c == '"' || c == '\'')
                quote = quote ? 0 : c;
            n++;
        }
        require(n < rest->n);
        n++;
    }
    const struct span tag = span_first(*rest, n);
    *rest = span_skip(*rest, n);
    return tag;
}

static void check_entity(struct span rest)
{
    static const char *const known[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (span_starts(rest, known[i]))
            return;
    }
    abort();
}

/* Tags nest, characters are those of XML, and no element is there that we do not write. */
static void check_svg(struct span rest)
{
    static const char *const known[] = {"svg",  "title",   "style", "rect",  "g",
                                        "path", "polygon", "text",  "script"};
    uint32_t open = 0, n_scripts = 0;
    while (rest.n) {
        if (rest.p[0] == '<') {
            const struct span tag = take_tag(&rest);
            if (tag.p[1] == '?' || tag.p[1] == '!')
                continue;
            const bool is_end = tag.p[1] == '/';
            struct span name = span_skip(tag, is_end ? 2 : 1);
            size_t n = 0;
            while (n < name.n && name.p[n] >= 'a' && name.p[n] <= 'z')
                n++;
            name = span_first(name, n);
            bool is_known = false;
            for (size_t i = 0; i < COUNT_OF(known); i++)
                is_known |= span_is(name, known[i]);
            require(is_known);
            n_scripts += !is_end && span_is(name, "script");
            if (is_end)
                require(open-- > 0);
            else
                open += tag.p[tag.n - 2] != '/';
            continue;
        }
        if (rest.p[0] == '&')
            check_entity(rest);
        uint32_t code;
        const size_t n = span_character(rest, &code);
        require(n && (code >= ' ' || code == '\n'));
        rest = span_skip(rest, n);
    }
    require(open == 0 && n_scripts == 1);
}

/* The symbols are lines, and what follows them is found. */
static void check_raw(struct span text)
{
    const size_t end = span_find_text(text, "\n---\n--- profile\n");
    require(end != SIZE_MAX && span_starts(text, "--- symbol\nbinary="));
    check_lines(span_first(text, end));
}

/* ---- outputs ------------------------------------------------------------------------------------
 */

static const struct {
    const char *name, *events;
    void (*check)(struct span text);
} outputs[] = {
    {"text", NULL, check_lines},
    {"collapsed", NULL, check_collapsed},
    {"callgrind", NULL, check_callgrind},
    {"callgrind", "all", check_callgrind},
    {"dot", NULL, check_dot},
    {"svg", NULL, check_svg},
    {"raw", NULL, check_raw},
};

static void report_all(const struct profile *profile, const struct symbols *symbols,
                       struct object_set *objects, struct notes *notes)
{
    for (size_t i = 0; i < COUNT_OF(outputs); i++) {
        /* Placing many boxes takes its time and teaches nothing about their names. */
        if (outputs[i].check == check_svg && profile->n_addrs > PLACED_MAX)
            continue;
        struct arena *arena = arena_new();
        struct view view;
        struct error err = {0};
        const struct view_options how = {0};
        if (view_make(profile, symbols, &how, arena, notes, &view, &err)) {
            const struct report_options options = {
                .stacks = true,
                .events = outputs[i].events,
                .trim = {.keep_all = true},
                .program = strings_text(profile->strings, profile->program),
            };
            const struct report report = {.view = &view,
                                          .options = &options,
                                          .objects = objects,
                                          .notes = notes,
                                          .arena = arena};
            struct buf text = BUF_MAX((size_t)1 << 28);
            struct out *out = out_to_buf(&text);
            const bool is_written =
                emitter_find(span_of(outputs[i].name))->emit(&report, out, &err);
            require(out_close(out, &err));
            if (is_written)
                outputs[i].check(buf_span(&text));
            buf_free(&text);
        }
        arena_free(arena);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span names[NAMES_MAX];
    const uint32_t n = split_names(span_make(data, size), names);
    struct strings *strings = strings_new();
    struct profile profile;
    if (n && make_profile(strings, names, n, &profile)) {
        struct notes notes = {0};
        struct symbols symbols;
        struct object_set *objects = object_set_new();
        const struct symbolize_options options = {.threads = 1};
        if (symbolize(&profile, &options, NULL, objects, &symbols, &notes, NULL)) {
            report_all(&profile, &symbols, objects, &notes);
            symbols_free(&symbols);
        }
        for (uint32_t i = 0; i < notes.n; i++)
            check_lines(span_of(notes.lines[i]));
        object_set_free(objects);
        notes_free(&notes);
        profile_free(&profile);
    }
    strings_free(strings);
    return 0;
}
