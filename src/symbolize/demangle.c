/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From the names that linkers know to those that people wrote, by libiberty. Apart because names
 * come from strangers' files: a few dozen bytes can say "twice what was just said" thirty times
 * over, and libiberty would write gigabytes. The invariant: no name becomes longer than LONGEST,
 * and none takes longer than writing so much. */
#include "symbolize/internal.h"

#include <setjmp.h>
#include <stdlib.h>

#include <libiberty/demangle.h>

#include "base/buf.h"

#define LONGEST ((size_t)1 << 20)

/* D names are read by recursion without a bound of its own, and what they say again is not counted:
 * these bound the stack and, by how often they may say "again", the length. */
#define D_LONGEST      2048
#define D_MOST_REPEATS 24

/* As the tools of the system show them: with arguments, without hashes. Recursion is limited by
 * default.
 * Later: C++ names of more than 1024 bytes stay as they are; that is the same limit. */
#define STYLE (DMGL_PARAMS | DMGL_ANSI)

/* Receives the pieces of one name. */
struct sink {
    struct buf text;
    jmp_buf give_up;
};

static bool is_ascii(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] >= 0x80)
            return false;
    }
    return true;
}

/* libiberty cannot be told to stop, but it holds no memory while it hands out a piece, except one
 * that it has decoded from Punycode: that has no ASCII of its own, and the next piece will stop it.
 */
static void take_piece(const char *piece, size_t n, void *to)
{
    struct sink *sink = to;
    if (sink->text.is_full && is_ascii(span_make(piece, n)))
        longjmp(sink->give_up, 1);
    buf_add(&sink->text, span_make(piece, n));
}

typedef int demangle_fn(const char *mangled, int options, demangle_callbackref, void *to);

/* What one demangler makes of `raw` in *text; false: it is not of its language, or too long. */
static bool run(demangle_fn *demangle, const char *raw, struct buf *text)
{
    struct sink *sink = base_alloc(1, sizeof *sink);
    sink->text = BUF_MAX(LONGEST);
    const bool is_done =
        setjmp(sink->give_up) == 0 && demangle(raw, STYLE, take_piece, sink) && !sink->text.is_full;
    *text = sink->text;
    base_free(sink);
    if (!is_done || text->n == 0)
        buf_free(text);
    return is_done && text->n != 0;
}

/* D has no such callback. */
static bool run_d(const char *raw, struct buf *text)
{
    const struct span name = span_first(span_of(raw), D_LONGEST + 1);
    size_t repeats = 0;
    for (size_t i = 0; i < name.n; i++)
        repeats += name.p[i] == 'Q';
    if (!span_starts(name, "_D") || name.n > D_LONGEST || repeats > D_MOST_REPEATS)
        return false;
    char *made = dlang_demangle(raw, STYLE);
    if (!made)
        return false;
    *text = BUF_MAX(LONGEST);
    buf_text(text, made);
    free(made);
    const bool is_done = text->n != 0 && !text->is_full;
    if (!is_done)
        buf_free(text);
    return is_done;
}

str_id name_demangle(struct strings *strings, const char *raw)
{
    /* Some machines put a dot or a dollar in front of the name of the code itself. */
    const char *core = raw;
    while (*core == '.' || *core == '$')
        core++;
    struct buf text;
    /* Rust first: its older names are C++ names, too, but end in a hash. */
    if (*core != '_' || !(run(rust_demangle_callback, core, &text) ||
                          run(cplus_demangle_v3_callback, core, &text) || run_d(core, &text)))
        return strings_clean(strings, strings_add_text(strings, raw));
    const str_id id = core == raw
                          ? strings_add(strings, buf_span(&text))
                          : strings_printf(strings, "%.*s%s", (int)(core - raw), raw, buf_c(&text));
    buf_free(&text);
    return strings_clean(strings, id);
}
