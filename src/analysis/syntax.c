/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How options are spelled: the rules of Perl's Getopt::Long, which scripts around pprof rely on,
 * with its words for what is wrong. The invariant: every word is taken or complained of, and one
 * bad word does not hide the next. */
#include "analysis/internal.h"

#include <stdlib.h>

/* The longest name that is compared; longer ones are unknown. */
#define NAME_MAX_LENGTH 64

enum form { FORM_PLAIN, FORM_ALSO, FORM_NO, FORM_NO_DASH, FORM_COUNT };

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

void text_clean(char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = '?';
    }
}

/* Ends the line that was begun at `start`: whatever somebody typed, it is one line. */
static bool complain(struct buf *complaints, size_t start)
{
    if (complaints->n > start)
        text_clean(complaints->p + start, complaints->n - start);
    buf_byte(complaints, '\n');
    return false;
}

/* A name that the option answers to: "text", "notext", "no-text", or "" where there is no such
 * form. */
static struct span form_name(const struct option *option, enum form form,
                             char text[NAME_MAX_LENGTH])
{
    const char *prefix = form == FORM_NO ? "no" : form == FORM_NO_DASH ? "no-" : "";
    if (form == FORM_ALSO)
        return span_of(option->also);
    if (form != FORM_PLAIN && !option_is_switch(option))
        return span_make("", 0);
    struct span name = span_of(option->name);
    const size_t n_prefix = strlen(prefix);
    if (name.n + n_prefix > NAME_MAX_LENGTH)
        return span_make("", 0);
    memcpy(text, prefix, n_prefix);
    memcpy(text + n_prefix, name.p, name.n);
    return span_make(text, n_prefix + name.n);
}

/* Dashes and underscores are the same, except in names that are older than this program. */
static bool is_same_name(const struct option *option, struct span name, struct span typed)
{
    if (name.n != typed.n)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        const char a = name.p[i], b = typed.p[i];
        const bool are_bars = (a == '-' || a == '_') && (b == '-' || b == '_');
        if (a != b && !(are_bars && !option->is_classic))
            return false;
    }
    return true;
}

struct hits {
    char (*names)[NAME_MAX_LENGTH + 1];
    uint32_t n, cap;
    struct option_use first;
    bool is_ambiguous; /* they are not all of one meaning */
};

static void hit(struct hits *hits, const struct option *option, enum form form, struct span name)
{
    const struct option_use use = {.option = option, .is_off = form >= FORM_NO};
    if (hits->n == 0)
        hits->first = use;
    else if (hits->first.option != option || hits->first.is_off != use.is_off)
        hits->is_ambiguous = true;
    hits->names = base_grow(hits->names, &hits->cap, (size_t)hits->n + 1, sizeof hits->names[0]);
    memcpy(hits->names[hits->n], name.p, name.n);
    hits->names[hits->n++][name.n] = '\0';
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void find_beginnings(const struct options *options, struct span typed, bool classic,
                            struct hits *hits)
{
    for (uint32_t i = 0; i < options->n; i++) {
        const struct option *option = &options->rows[i];
        if (option->is_classic != classic)
            continue;
        for (enum form form = FORM_PLAIN; form < FORM_COUNT; form++) {
            char text[NAME_MAX_LENGTH];
            const struct span name = form_name(option, form, text);
            if (form != FORM_ALSO && name.n > typed.n &&
                is_same_name(option, span_first(name, typed.n), typed))
                hit(hits, option, form, name);
        }
    }
}

static bool find_exact(const struct options *options, struct span typed, struct option_use *use)
{
    for (uint32_t i = 0; i < options->n; i++) {
        for (enum form form = FORM_PLAIN; form < FORM_COUNT; form++) {
            char text[NAME_MAX_LENGTH];
            const struct span name = form_name(&options->rows[i], form, text);
            if (name.n == 0 || !is_same_name(&options->rows[i], name, typed))
                continue;
            *use = (struct option_use){.option = &options->rows[i], .is_off = form >= FORM_NO};
            return true;
        }
    }
    return false;
}

bool options_find(const struct options *options, struct span name, struct option_use *use,
                  struct buf *complaints)
{
    char text[NAME_MAX_LENGTH];
    const size_t start = complaints->n;
    struct hits hits = {0};
    if (name.n > 0 && name.n <= sizeof text) {
        for (size_t i = 0; i < name.n; i++)
            text[i] = lower(name.p[i]);
        const struct span typed = span_make(text, name.n);
        if (find_exact(options, typed, use))
            return true;
        /* Classic names first: what was an unambiguous beginning for years stays one. */
        find_beginnings(options, typed, true, &hits);
        if (hits.n == 0)
            find_beginnings(options, typed, false, &hits);
    }
    if (hits.n == 0) {
        buf_text(complaints, "Unknown option: ");
        for (size_t i = 0; i < name.n; i++)
            buf_byte(complaints, lower(name.p[i]));
        return complain(complaints, start);
    }
    if (hits.is_ambiguous) {
        qsort(hits.names, hits.n, sizeof hits.names[0], compare_names);
        buf_printf(complaints, "Option %.*s is ambiguous (", (int)name.n, name.p);
        for (uint32_t i = 0; i < hits.n; i++)
            buf_printf(complaints, "%s%s", i ? ", " : "", hits.names[i]);
        buf_byte(complaints, ')');
        base_free(hits.names);
        return complain(complaints, start);
    }
    *use = hits.first;
    base_free(hits.names);
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Cuts the next run of digits and underscores off *rest, into `to` without the underscores. */
static size_t take_digits(struct span *rest, struct buf *to)
{
    size_t n = 0;
    while (n < rest->n && (is_digit(rest->p[n]) || rest->p[n] == '_')) {
        if (rest->p[n] != '_')
            buf_byte(to, rest->p[n]);
        n++;
    }
    *rest = span_skip(*rest, n);
    return n;
}

static void take_sign(struct span *rest, struct buf *to)
{
    if (rest->n && (rest->p[0] == '-' || rest->p[0] == '+')) {
        if (rest->p[0] == '-')
            buf_byte(to, '-');
        *rest = span_skip(*rest, 1);
    }
}

/* The text of a number without what C does not know. False if it has not the form of one. */
static bool plain_number(struct span value, bool is_real, struct buf *to)
{
    take_sign(&value, to);
    if (is_real && value.n && value.p[0] == '_')
        return false;
    const size_t whole = take_digits(&value, to);
    size_t fraction = 0;
    if (is_real && value.n && value.p[0] == '.') {
        if (whole == 0)
            buf_byte(to, '0');
        buf_byte(to, '.');
        value = span_skip(value, 1);
        fraction = take_digits(&value, to);
        if (fraction == 0)
            return false;
    }
    if (whole + fraction == 0)
        return false;
    if (is_real && value.n && (value.p[0] == 'e' || value.p[0] == 'E')) {
        buf_byte(to, 'e');
        value = span_skip(value, 1);
        take_sign(&value, to);
        if (take_digits(&value, to) == 0)
            return false;
    }
    return value.n == 0;
}

static bool set_number(const struct option *option, struct span value, struct settings *settings,
                       struct buf *complaints)
{
    const bool is_real = option->kind == OPTION_REAL;
    char *field = (char *)settings + option->at;
    struct buf plain = BUF_MAX(4096);
    int64_t whole = 0;
    double real = 0;
    const bool is_number =
        plain_number(value, is_real, &plain) && !plain.is_full &&
        (is_real ? span_double(buf_span(&plain), &real) : span_i64(buf_span(&plain), &whole));
    buf_free(&plain);
    if (!is_number) {
        const size_t start = complaints->n;
        buf_text(complaints, "Value \"");
        buf_add(complaints, value);
        buf_printf(complaints, "\" invalid for option %s (%snumber expected)", option->name,
                   is_real ? "real " : "");
        return complain(complaints, start);
    }
    if (is_real)
        memcpy(field, &real, sizeof real);
    else
        memcpy(field, &whole, sizeof whole);
    return true;
}

static void set_text(char **field, struct span value)
{
    char *copy = span_copy(value); /* first: it may be a part of the old one */
    free(*field);
    *field = copy;
}

void bit_set(uint64_t *bits, size_t bit, bool on)
{
    if (on)
        *bits |= (uint64_t)1 << bit;
    else
        *bits &= ~((uint64_t)1 << bit);
}

bool option_apply(const struct option_use *use, struct span value, struct settings *settings,
                  struct buf *complaints)
{
    const struct option *option = use->option;
    char *field = (char *)settings + option->at;
    const bool on = !use->is_off, yes = true;
    if (option->said)
        memcpy((char *)settings + option->said, &yes, sizeof yes);
    switch (option->kind) {
    case OPTION_FLAG:
    case OPTION_ON:
        memcpy(field, &on, sizeof on);
        return true;
    case OPTION_WHOLE:
    case OPTION_REAL:
        return set_number(option, value, settings, complaints);
    case OPTION_TEXT: {
        char *text;
        memcpy(&text, field, sizeof text);
        set_text(&text, value);
        memcpy(field, &text, sizeof text);
        return true;
    }
    case OPTION_LIST: {
        struct texts *texts = (struct texts *)field;
        texts_add(texts, value);
        return true;
    }
    case OPTION_MODE:
        bit_set(&settings->modes, option->at, on);
        return true;
    case OPTION_OUTPUT:
        if (option->arg)
            set_text(&settings->expression, value);
        bit_set(&settings->outputs, option->at, on);
        return true;
    case OPTION_GRAIN:
        bit_set(&settings->grains, option->at, on);
        return true;
    }
    return true;
}

/* The name that messages call it by. */
static void add_name(const struct option_use *use, struct span typed, struct buf *to)
{
    if (use->is_off)
        buf_text(to, typed.n > 2 && typed.p[2] == '-' ? "no-" : "no");
    buf_text(to, use->option->name);
}

static bool complain_of_value(const struct option_use *use, struct span typed, const char *what,
                              struct buf *complaints)
{
    const size_t start = complaints->n;
    buf_text(complaints, "Option ");
    add_name(use, typed, complaints);
    buf_printf(complaints, " %s", what);
    return complain(complaints, start);
}

/* The words that a switch can be said in where a value is called for. */
static bool switch_value(struct span value, bool *on)
{
    static const char *const ons[] = {"", "1", "true", "yes", "on"};
    static const char *const offs[] = {"0", "false", "no", "off"};
    for (size_t i = 0; i < COUNT_OF(ons); i++) {
        if (span_is(value, ons[i])) {
            *on = true;
            return true;
        }
    }
    for (size_t i = 0; i < COUNT_OF(offs); i++) {
        if (span_is(value, offs[i])) {
            *on = false;
            return true;
        }
    }
    return false;
}

/* words[*i] is an option; a value may be the word after it. */
static bool parse_word(const struct options *options, const char *const *words, uint32_t n,
                       uint32_t *i, struct settings *settings, struct buf *complaints)
{
    const struct span word = span_of(words[*i]);
    const struct span body = span_skip(word, span_starts(word, "--") ? 2 : 1);
    if (body.n == 0) {
        const size_t start = complaints->n;
        buf_printf(complaints, "Missing option after %s", words[*i]);
        return complain(complaints, start);
    }
    /* "--=x" is no empty name with a value. */
    const size_t equals = body.p[0] == '=' ? SIZE_MAX : span_find(body, '=');
    const bool has_value = equals != SIZE_MAX;
    const struct span typed = has_value ? span_first(body, equals) : body;
    struct span value = has_value ? span_skip(body, equals + 1) : span_make(NULL, 0);

    struct option_use use;
    if (!options_find(options, typed, &use, complaints))
        return false;
    if (!use.option->arg) {
        /* The Perl tool's switches take none; ours may be said as google/pprof's are. */
        bool on;
        if (has_value &&
            (use.option->is_classic || use.option->kind == OPTION_ON || !switch_value(value, &on)))
            return complain_of_value(&use, typed, "does not take an argument", complaints);
        if (has_value)
            use.is_off = use.is_off == on;
    } else if (has_value ? value.n == 0 : *i + 1 >= n) {
        return complain_of_value(&use, typed, "requires an argument", complaints);
    } else if (!has_value) {
        value = span_of(words[++*i]);
    }
    return option_apply(&use, value, settings, complaints);
}

bool options_parse(const struct options *options, const char *const *words, uint32_t n,
                   struct settings *settings, const char **rest, uint32_t *n_rest,
                   struct buf *complaints)
{
    bool is_fine = true;
    *n_rest = 0;
    for (uint32_t i = 0; i < n; i++) {
        const char *word = words[i];
        if (strcmp(word, "--") == 0) {
            while (++i < n)
                rest[(*n_rest)++] = words[i];
        } else if ((word[0] == '-' || word[0] == '+') && strcmp(word, "-") != 0) {
            is_fine &= parse_word(options, words, n, &i, settings, complaints);
        } else {
            rest[(*n_rest)++] = word;
        }
    }
    return is_fine;
}

static bool set_by_name(const struct options *options, struct span name, struct span value,
                        struct settings *settings, struct buf *complaints)
{
    struct option_use use;
    if (!options_find(options, name, &use, complaints))
        return false;
    if (!(use.option->doors & DOOR_LIBRARY)) {
        const size_t start = complaints->n;
        buf_printf(complaints, "Option %s is for the command line", use.option->name);
        return complain(complaints, start);
    }
    if (use.option->arg) {
        if (!value.p)
            return complain_of_value(&use, name, "requires an argument", complaints);
    } else if (value.p) {
        bool on;
        if (!switch_value(value, &on) || (!on && use.option->kind == OPTION_ON))
            return complain_of_value(&use, name, "is either on or off", complaints);
        use.is_off = use.is_off == on;
    }
    return option_apply(&use, value, settings, complaints);
}

bool options_set(const struct options *options, struct span name, struct span value,
                 struct settings *settings, struct error *err)
{
    struct buf complaints = BUF_MAX(COMPLAINTS_MAX);
    const bool is_fine = set_by_name(options, name, value, settings, &complaints);
    if (!is_fine) {
        struct span rest = buf_span(&complaints), line = {0};
        (void)span_line(&rest, &line);
        error_set(err, ERROR_USAGE, "%.*s", (int)line.n, line.p ? line.p : "");
    }
    buf_free(&complaints);
    return is_fine;
}
