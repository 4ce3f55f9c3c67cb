/* SPDX-License-Identifier: BSD-3-Clause
 *
 * PCRE2 behind four functions. The invariant: matching always ends; an expression that explodes
 * costs a bounded number of steps a text and then does not match. */
#include "base/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Steps back a match may take: well above what an honest expression needs on a name of some
 * thousand bytes, and some thousandths of a second for one that explodes. */
#define MATCH_LIMIT 1000000u
#define HEAP_LIMIT  (64u << 10) /* KiB */
#define JIT_STACK   ((size_t)1 << 20)

struct regex {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *context;
    pcre2_jit_stack *stack; /* NULL without just-in-time code */
};

/* A pattern for a message, with room left for the reason behind it. */
#define SHOWN_MAX ((size_t)400)

static bool explain(const char *option, struct span expression, int code, size_t offset,
                    struct error *err)
{
    PCRE2_UCHAR reason[256];
    if (pcre2_get_error_message(code, reason, sizeof reason) < 0)
        reason[0] = '\0';
    const struct span shown = span_first(expression, SHOWN_MAX);
    return error_set(err, ERROR_USAGE, "%s=%.*s%s: %s at offset %zu", option, (int)shown.n, shown.p,
                     shown.n < expression.n ? "..." : "", (const char *)reason, offset);
}

struct regex *regex_new(const char *option, struct span expression, struct error *err)
{
    if (!expression.p)
        expression = span_make("", 0);
    int code;
    PCRE2_SIZE offset;
    /* (*UTF) in a pattern would refuse texts that are not valid: names are bytes. */
    pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)expression.p, expression.n, PCRE2_NEVER_UTF,
                                         &code, &offset, NULL);
    if (!compiled) {
        explain(option, expression, code, offset, err);
        return NULL;
    }
    struct regex *regex = base_alloc(1, sizeof *regex);
    regex->code = compiled;
    regex->match = pcre2_match_data_create(1, NULL);
    regex->context = pcre2_match_context_create(NULL);
    if (!regex->match || !regex->context)
        base_oom();
    (void)pcre2_set_match_limit(regex->context, MATCH_LIMIT);
    (void)pcre2_set_heap_limit(regex->context, HEAP_LIMIT);
    /* Without just-in-time code (no support, or no executable memory) it is merely slower. */
    if (pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE) == 0) {
        regex->stack = pcre2_jit_stack_create((size_t)32 << 10, JIT_STACK, NULL);
        if (regex->stack)
            pcre2_jit_stack_assign(regex->context, NULL, regex->stack);
    }
    return regex;
}

void regex_free(struct regex *regex)
{
    if (!regex)
        return;
    pcre2_jit_stack_free(regex->stack);
    pcre2_match_context_free(regex->context);
    pcre2_match_data_free(regex->match);
    pcre2_code_free(regex->code);
    base_free(regex);
}

bool regex_matches(const struct regex *regex, struct span text)
{
    const PCRE2_SPTR p = (PCRE2_SPTR)(text.p ? text.p : "");
    int found = pcre2_match(regex->code, p, text.n, 0, 0, regex->match, regex->context);
    /* The interpreter keeps its state in the heap, and gets by with what the stack has no room for.
     */
    if (found == PCRE2_ERROR_JIT_STACKLIMIT)
        found = pcre2_match(regex->code, p, text.n, 0, PCRE2_NO_JIT, regex->match, regex->context);
    return found >= 0;
}
