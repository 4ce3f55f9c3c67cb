/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Short names: a full name without its argument lists, template arguments and return type, as
 * docs/symbols.md says. Apart because people's scripts know the outcome letter by letter, odd
 * corners included. Work is linear in the name, whatever is in it. */
#include "symbolize/internal.h"

#include "base/buf.h"

static const char *const style_names[] = {
    [NAMES_SHORT] = "short",
    [NAMES_CLASS] = "class",
    [NAMES_FULL] = "full",
    [NAMES_MANGLED] = "mangled",
};

/* A name on its way: `text` shrinks in place, `opened` are the places of brackets not yet closed.
 */
struct cutting {
    char *text;
    uint32_t *opened;
    uint32_t n, n_opened;
};

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Whether `text` ends in `operator` as a word of its own: then "()" is a name and no argument list.
 */
static bool ends_in_operator(struct span text)
{
    const size_t n = sizeof "operator" - 1;
    return span_ends(text, "operator") && (text.n == n || !is_word(text.p[text.n - n - 1]));
}

/* How much of `rest` is white space and then `const`; 0: it is not. */
static size_t const_length(struct span rest)
{
    const struct span trimmed = span_trim_left(rest);
    return span_starts(trimmed, "const") ? rest.n - trimmed.n + 5 : 0;
}

/* Innermost first, again and again, is the same as this: a closing bracket takes away all that was
 * kept since the last one that is still open. */
static void cut_brackets(struct cutting *c, char open, char close)
{
    const struct span in = span_make(c->text, c->n);
    const bool is_round = open == '(';
    uint32_t n = 0;
    c->n_opened = 0;
    for (size_t i = 0; i < in.n; i++) {
        const char byte = in.p[i];
        if (is_round && byte == '(' && i + 1 < in.n && in.p[i + 1] == ')' &&
            ends_in_operator(span_make(c->text, n))) {
            c->text[n++] = '(';
            c->text[n++] = ')';
            i++;
        } else if (byte == close && c->n_opened) {
            n = c->opened[--c->n_opened];
            if (is_round)
                i += const_length(span_skip(in, i + 1));
        } else {
            if (byte == open)
                c->opened[c->n_opened++] = n;
            c->text[n++] = byte;
        }
    }
    c->n = n;
}

/* "<0000000000401020>" at the end, as older tools append it. */
static void cut_tag(struct cutting *c)
{
    if (c->n == 0 || c->text[c->n - 1] != '>')
        return;
    uint32_t at = c->n - 1;
    while (at > 0 && ((c->text[at - 1] >= '0' && c->text[at - 1] <= '9') ||
                      (c->text[at - 1] >= 'a' && c->text[at - 1] <= 'f')))
        at--;
    if (at > 0 && c->text[at - 1] == '<')
        c->n = at - 1;
}

/* Where the name proper begins: behind the last white space that an identifier and "::" follow. */
static uint32_t find_start(const struct cutting *c)
{
    bool is_qualified = false; /* what is right of `i` are word bytes, and behind them "::" */
    for (uint32_t i = c->n; i > 0; i--) {
        const char byte = c->text[i - 1];
        if (is_word(byte)) {
            if (i == c->n || !is_word(c->text[i]))
                is_qualified = i + 1 < c->n && c->text[i] == ':' && c->text[i + 1] == ':';
        } else if (span_is_space(byte) && is_qualified && is_word(c->text[i])) {
            return i;
        }
    }
    return 0;
}

str_id name_shorten(struct strings *strings, str_id full, bool keep_templates)
{
    const struct span name = strings_span(strings, full);
    char small[512];
    uint32_t small_opened[512];
    const bool is_small = name.n <= sizeof small;
    struct cutting c = {
        .text = is_small ? small : base_alloc(name.n, 1),
        .opened = is_small ? small_opened : base_alloc(name.n, sizeof *c.opened),
        .n = (uint32_t)name.n,
    };
    if (name.n)
        memcpy(c.text, name.p, name.n);
    cut_brackets(&c, '(', ')');
    cut_tag(&c);
    if (!keep_templates)
        cut_brackets(&c, '<', '>');
    const uint32_t start = find_start(&c);
    /* A name that is all brackets stays what it is: boxes and rows need a name. */
    const str_id brief =
        c.n > start ? strings_add(strings, span_make(c.text + start, c.n - start)) : full;
    if (!is_small) {
        base_free(c.text);
        base_free(c.opened);
    }
    return brief;
}

bool name_style_find(struct span name, enum name_style *style)
{
    for (size_t i = 0; i < COUNT_OF(style_names); i++) {
        if (span_is(name, style_names[i])) {
            *style = (enum name_style)i;
            return true;
        }
    }
    return false;
}

/* Where the last scope but one ends: behind the "::" before the last one, brackets apart. 0: there
 * is none. */
static size_t find_class(struct span name)
{
    unsigned depth = 0, seen = 0;
    for (size_t i = name.n; i-- > 0;) {
        const char byte = name.p[i];
        if (byte == '>' || byte == ')' || byte == '}' || byte == ']')
            depth++;
        else if ((byte == '<' || byte == '(' || byte == '{' || byte == '[') && depth)
            depth--;
        else if (byte == ':' && i > 0 && name.p[i - 1] == ':' && !depth && ++seen == 2)
            return i + 1;
        else if (byte == ':' && i > 0 && name.p[i - 1] == ':')
            i--;
    }
    return 0;
}

/* An operator's own brackets are no brackets: what is behind the word is the name. */
static struct span without_operator(struct span name)
{
    const size_t n = sizeof "operator" - 1;
    for (size_t i = name.n; i-- > 0;) {
        if (span_starts(span_skip(name, i), "operator") && (i == 0 || !is_word(name.p[i - 1])) &&
            (i + n == name.n || !is_word(name.p[i + n])))
            return span_first(name, i);
    }
    return name;
}

str_id name_show(struct strings *strings, const char *raw, str_id full, struct naming naming)
{
    if (naming.style == NAMES_FULL || (naming.style == NAMES_MANGLED && !raw))
        return full;
    if (naming.style == NAMES_MANGLED)
        return strings_clean(strings, strings_add_text(strings, raw));
    const str_id brief = name_shorten(strings, full, naming.keep_templates);
    const struct span name = strings_span(strings, brief);
    const size_t at = naming.style == NAMES_CLASS ? find_class(without_operator(name)) : 0;
    if (at == 0)
        return brief;
    /* The text is the table's own, which may move while it takes one. */
    struct buf copy = BUF_MAX(name.n + 1);
    buf_add(&copy, span_skip(name, at));
    const str_id shown = strings_add(strings, buf_span(&copy));
    buf_free(&copy);
    return shown;
}
