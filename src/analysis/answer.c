/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What servers say of their programs and names, apart from how they are asked (remote.c). The
 * invariant: whatever a server calls its functions, what is composed is read back as a symbolized
 * profile with the samples that it had without names. */
#include "analysis/internal.h"

/* Behind spaces. */
static bool take_number(struct span text, uint64_t *n)
{
    text = span_trim_left(text);
    return span_take_u64(&text, n);
}

bool answer_has_symbols(struct span answer, const char *base, struct error *err)
{
    uint64_t n;
    if (answer.n == 0)
        return error_set(err, ERROR_MISSING, "%s/pprof/symbol doesn't exist", base);
    if (!span_take(&answer, "num_symbols:") || !take_number(answer, &n))
        return error_set(err, ERROR_FORMAT,
                         "Failed to get the number of symbols from %s/pprof/symbol", base);
    return n > 0 || error_set(err, ERROR_MISSING, "Stripped binary. No symbols available.");
}

struct span answer_program(struct span answer)
{
    answer = span_first(answer, span_find(answer, '\n'));
    return span_trim(span_first(answer, span_find(answer, '\0')));
}

/* "0xADDRESS NAME", the name demangled where that is still to do. */
static void add_line(struct span line, struct strings *strings, struct buf *out)
{
    struct span rest = line;
    uint64_t pc;
    if (!span_take(&rest, "0x") || !span_take_hex(&rest, &pc))
        return;
    const struct span name = span_trim(rest);
    if (name.n == 0 || name.n == rest.n)
        return;
    buf_printf(out, "0x%016llx ", (unsigned long long)pc);
    if (span_starts(name, "_Z") || span_starts(name, "_R")) {
        const char *raw = strings_text(strings, strings_add(strings, name));
        buf_text(out, strings_text(strings, name_demangle(strings, raw)));
    } else {
        buf_add(out, name);
    }
    buf_byte(out, '\n');
}

void answer_compose(struct span answer, const char *program, enum profile_kind kind,
                    struct span profile, struct strings *strings, struct buf *out)
{
    struct span line;
    buf_printf(out, "--- symbol\nbinary=%s\n", program);
    while (span_line(&answer, &line))
        add_line(line, strings, out);
    buf_text(out, "---\n");
    if (kind == PROFILE_CPU)
        buf_text(out, "--- profile\n");
    buf_add(out, profile);
}
