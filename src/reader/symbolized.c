/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A symbol section, which gives addresses their names, and behind it a profile in any of the other
 * forms (docs/formats.md). It is what a raw report writes and what a server without its program at
 * hand can be read by. The invariant: addresses are taken as they are, callers too. */
#include "reader/internal.h"

/* What may stand behind the symbols. */
static const struct section *const sections[] = {
    &heap_section,   &jemalloc_section, &contention_section,
    &counts_section, &threadz_section,  &cpu_section,
};

struct names {
    struct carried_frame *frames;
    uint32_t n, cap;
};

static void add_name(struct names *names, struct strings *strings, struct span name)
{
    if (name.n == 0)
        return;
    names->frames =
        base_grow(names->frames, &names->cap, (size_t)names->n + 1, sizeof names->frames[0]);
    names->frames[names->n++] = (struct carried_frame){
        .name = strings_add(strings, name),
        .file = strings_add_text(strings, "?"),
        .line = LINE_NONE,
    };
}

/* How many dashes after the word "operator" belong to it. "operator--" is a name, and three of them
 * are "operator-" and a separator. */
static size_t operator_dashes(struct span name, size_t at)
{
    static const char word[] = "operator";
    const size_t n = sizeof word - 1;
    if (at < n || memcmp(name.p + at - n, word, n) != 0 ||
        (at > n && text_is_word(name.p[at - n - 1])))
        return 0;
    size_t run = 0;
    while (at + run < name.n && name.p[at + run] == '-')
        run++;
    return run == 3 ? 1 : run < 2 ? run : 2;
}

/* The physical function comes first, what is inlined in it behind "--" each: turned around, so that
 * the innermost is first. */
static void split_names(struct names *names, struct strings *strings, struct span text)
{
    names->n = 0;
    size_t at = 0;
    while (at < text.n) {
        const size_t own = text.p[at] == '-' ? operator_dashes(text, at) : 0;
        if (own == 0 && text.p[at] == '-' && at + 1 < text.n && text.p[at + 1] == '-') {
            add_name(names, strings, span_first(text, at));
            text = span_skip(text, at + 2);
            at = 0;
        } else {
            at += own ? own : 1;
        }
    }
    add_name(names, strings, text);
    for (uint32_t i = 0; i < names->n / 2; i++) {
        const struct carried_frame swap = names->frames[i];
        names->frames[i] = names->frames[names->n - 1 - i];
        names->frames[names->n - 1 - i] = swap;
    }
}

/* "0xADDRESS NAMES" */
static bool read_symbol(struct filling *filling, struct names *names, struct span line)
{
    struct span rest = line;
    uint64_t pc;
    if (!span_take(&rest, "0x"))
        return false;
    while (rest.n > 16 && rest.p[0] == '0')
        rest = span_skip(rest, 1);
    if (!span_take_hex(&rest, &pc) || !text_take_space(&rest) || rest.n == 0)
        return false;
    split_names(names, filling->job->strings, rest);
    if (names->n)
        builder_carried(filling->builder, pc, names->frames, names->n);
    return true;
}

/* "NAME=VALUE" */
static void read_variable(struct filling *filling, struct span line, str_id *program)
{
    const size_t at = span_find(line, '=');
    if (at == SIZE_MAX || line.p[0] < 'a' || line.p[0] > 'z')
        return;
    struct strings *strings = filling->job->strings;
    const struct span name = span_trim(span_first(line, at));
    const struct span value = span_trim(span_skip(line, at + 1));
    if (!span_is(name, "binary")) {
        notes_add(filling->job->notes, "Ignoring unknown variable in symbols list: '%.*s' = '%.*s'",
                  TEXT_ARGS(name), TEXT_ARGS(value));
        return;
    }
    const str_id id = strings_add(strings, value);
    if (*program && *program != id) {
        const struct span old = strings_span(strings, *program);
        notes_add(filling->job->notes, "Warning: Mismatched binary name '%.*s', using '%.*s'.",
                  TEXT_ARGS(old), TEXT_ARGS(value));
    }
    *program = id;
    builder_program(filling->builder, value);
}

/* Some other header than the "---" that ends the symbols, which then is missing. */
static bool is_next_header(struct span line)
{
    return text_is_header(line, "profile") || text_is_header(line, "contention") ||
           text_is_header(line, "Stacks:");
}

/* Reads up to the line that ends the section; what comes behind it. */
static struct span read_symbols(struct filling *filling, struct span bytes)
{
    struct text_lines lines = text_lines_over(bytes);
    struct names names = {0};
    struct span line, rest;
    str_id program = 0;
    (void)text_line(&lines, &line);
    for (;;) {
        const struct span before = lines.rest;
        if (!text_line(&lines, &line)) {
            rest = lines.rest;
            break;
        }
        if (span_starts(line, "---")) {
            rest = is_next_header(line) ? before : lines.rest;
            break;
        }
        if (!read_symbol(filling, &names, line))
            read_variable(filling, line, &program);
    }
    base_free(names.frames);
    text_lines_free(&lines);
    return rest;
}

/* Binary data needs its header here: what follows the symbols is not guessed at. */
static const struct section *find_section(struct span bytes)
{
    const struct span head = text_head(bytes);
    for (size_t i = 0; i < COUNT_OF(sections); i++) {
        if (sections[i]->sniff(head) > 0 && head.n && head.p[0] != '\0')
            return sections[i];
    }
    return NULL;
}

static bool fill(struct filling *filling, struct span bytes, struct error *err)
{
    builder_symbolized(filling->builder);
    struct span rest = read_symbols(filling, bytes);
    text_commands(&rest, filling->job->notes);
    const struct section *section = find_section(rest);
    if (!section)
        return error_set(err, ERROR_FORMAT, "%s: Cannot recognize profile section after symbols.",
                         filling->job->name);
    return section->fill(filling, rest, err);
}

static int sniff_bytes(struct span bytes)
{
    return text_is_header(span_first(bytes, 64), "symbol") ? 100 : 0;
}

static const struct section symbol_section = {.sniff = sniff_bytes, .fill = fill};

static int sniff(struct span bytes)
{
    return section_sniff(&symbol_section, bytes);
}

static bool read_symbolized(struct span bytes, const struct read_job *job, struct profile *out,
                            struct error *err)
{
    return section_read(&symbol_section, bytes, job, out, err);
}

const struct reader reader_symbolized = {
    .name = "symbolized",
    .help = "a symbol section and behind it a profile in another form",
    .sniff = sniff,
    .read = read_symbolized,
};
