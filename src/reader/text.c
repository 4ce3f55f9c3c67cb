/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The pieces that text formats are made of: "%" lines, headers, lines without carriage returns,
 * numbers, lists of addresses. Apart so that a new text format is only its own grammar. */
#include "reader/internal.h"

/* A sniff looks no further: commands before a header are few and short. */
static const size_t head_size = 65536;

int text_width(struct span span)
{
    return span.n < 400 ? (int)span.n : 400;
}

static void note_command(struct span line, struct notes *notes)
{
    struct span rest = line;
    if (span_take(&rest, "%warn") && (rest.n == 0 || span_is_space(rest.p[0]))) {
        rest = span_trim_left(rest);
        notes_add(notes, "WARNING: %.*s", TEXT_ARGS(rest));
        return;
    }
    notes_add(notes, "Ignoring unknown command from profile header: %.*s", TEXT_ARGS(line));
}

void text_commands(struct span *rest, struct notes *notes)
{
    struct span line;
    while (rest->n && rest->p[0] == '%' && span_line(rest, &line))
        note_command(line, notes);
}

struct span text_head(struct span bytes)
{
    struct span head = span_first(bytes, head_size);
    text_commands(&head, NULL);
    return head;
}

bool text_is_header(struct span line, const char *name)
{
    if (!span_take(&line, "---"))
        return false;
    while (line.n && line.p[0] == ' ')
        line = span_skip(line, 1);
    return span_starts(line, name);
}

struct span text_after_profile_line(struct span bytes)
{
    struct span rest = bytes, line;
    if (!text_is_header(span_first(bytes, 64), "profile"))
        return bytes;
    return span_line(&rest, &line) ? rest : bytes;
}

struct text_lines text_lines_over(struct span text)
{
    return (struct text_lines){.rest = text, .scratch = BUF_MAX(text.n)};
}

bool text_line(struct text_lines *lines, struct span *line)
{
    lines->at = lines->rest.p;
    if (!span_line(&lines->rest, line))
        return false;
    size_t at = span_find(*line, '\r');
    if (at == SIZE_MAX)
        return true;
    buf_clear(&lines->scratch);
    struct span rest = *line;
    for (; at != SIZE_MAX; at = span_find(rest, '\r')) {
        buf_add(&lines->scratch, span_first(rest, at));
        rest = span_skip(rest, at + 1);
    }
    buf_add(&lines->scratch, rest);
    *line = buf_span(&lines->scratch);
    return true;
}

void text_skip(struct text_lines *lines, struct span line)
{
    const struct span text = span_trim_left(line);
    if (text.n == 0 || text.p[0] == '#')
        return;
    if (lines->n_skipped++ == 0)
        lines->first_skipped = lines->at;
}

void text_tell_skipped(const struct text_lines *lines, const struct filling *filling,
                       const char *what)
{
    if (lines->n_skipped == 0)
        return;
    struct span before =
        span_first(filling->whole, (size_t)(lines->first_skipped - filling->whole.p));
    struct span line;
    size_t number = 1;
    while (span_line(&before, &line))
        number++;
    notes_add(filling->job->notes, "%s: %u lines are no %s, the first is line %zu",
              filling->job->name, lines->n_skipped, what, number);
}

void text_lines_free(struct text_lines *lines)
{
    buf_free(&lines->scratch);
}

bool text_is_word(char c)
{
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool text_take_space(struct span *rest)
{
    const struct span after = span_trim_left(*rest);
    if (after.n == rest->n)
        return false;
    *rest = after;
    return true;
}

bool text_take_count(struct span *rest, double *value)
{
    struct span s = *rest;
    const bool is_negative = span_take(&s, "-");
    uint64_t whole;
    double v = 0;
    if (span_take_u64(&s, &whole)) {
        v = (double)whole;
    } else {
        size_t n = 0;
        for (; n < s.n && s.p[n] >= '0' && s.p[n] <= '9'; n++)
            v = v * 10 + (s.p[n] - '0');
        if (n == 0)
            return false;
        s = span_skip(s, n);
    }
    *value = is_negative ? -v : v;
    *rest = s;
    return true;
}

bool text_starts_maps(struct span line)
{
    return span_starts(line, "MAPPED_LIBRARIES:") || span_starts(line, "--- Memory map:");
}

/* The address, or an impossible one; the number of hex digits it was spelled with. */
static uint64_t read_address(struct span word, uint32_t *digits, struct notes *notes)
{
    struct span hex = word;
    if (!span_take(&hex, "0x"))
        (void)span_take(&hex, "0X");
    *digits = hex.n < UINT32_MAX ? (uint32_t)hex.n : UINT32_MAX;
    uint64_t pc;
    struct span rest = hex;
    while (rest.n > 16 && rest.p[0] == '0')
        rest = span_skip(rest, 1);
    if (span_take_hex(&rest, &pc) && rest.n == 0)
        return pc;
    if (rest.n > 16)
        notes_add(notes, "Warning: address %.*s is longer than address length 16", TEXT_ARGS(rest));
    return UINT64_MAX;
}

/* " 0x" and up to 16 digits, with a space or nothing behind them: nearly every address there is. */
static bool take_plain_address(struct span *words, uint64_t *pc, uint32_t *digits)
{
    struct span rest = *words;
    if (rest.n < 3 || rest.p[0] != ' ' || rest.p[1] != '0' || rest.p[2] != 'x')
        return false;
    rest = span_skip(rest, 3);
    const size_t before = rest.n;
    if (!span_take_hex(&rest, pc) || before - rest.n > 16 || (rest.n && rest.p[0] != ' '))
        return false;
    *digits = (uint32_t)(before - rest.n);
    *words = rest;
    return true;
}

static bool take_address(struct span *words, uint64_t *pc, uint32_t *digits, struct notes *notes)
{
    struct span word;
    if (take_plain_address(words, pc, digits))
        return true;
    if (!span_word(words, &word))
        return false;
    *pc = read_address(word, digits, notes);
    return true;
}

void text_stack_read(struct text_stack *stack, struct span words, const struct read_job *job)
{
    uint64_t pc;
    uint32_t digits;
    stack->n = 0;
    stack->digits = 0;
    while (stack->n <= job->limits.max_depth && take_address(&words, &pc, &digits, job->notes)) {
        stack->pcs = base_grow(stack->pcs, &stack->cap, (size_t)stack->n + 1, sizeof stack->pcs[0]);
        stack->pcs[stack->n] = pc;
        if (stack->n == 0)
            stack->digits = digits;
        stack->n++;
    }
}

void text_stack_free(struct text_stack *stack)
{
    base_free(stack->pcs);
    *stack = (struct text_stack){0};
}
