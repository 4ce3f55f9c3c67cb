/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The public face: an analysis behind a few functions without structs, for other people's programs.
 * The invariant: every call starts with an empty message and leaves one exactly when it fails. */
#include "cprof/cprof.h"

#include "analysis/analysis.h"

/* Hidden is the rule in this tree. */
#define PUBLIC __attribute__((visibility("default")))

struct cprof {
    struct analysis *analysis;
    struct error err;
};

static int result(bool is_fine)
{
    return is_fine ? 0 : -1;
}

static void start(cprof *c)
{
    c->err = (struct error){0};
}

static bool refuse_null(cprof *c, const void *p, const char *what)
{
    return p ? true : error_set(&c->err, ERROR_USAGE, "no %s was given", what);
}

PUBLIC cprof *cprof_new(void)
{
    cprof *c = base_alloc(1, sizeof *c);
    c->analysis = analysis_new();
    return c;
}

PUBLIC void cprof_free(cprof *c)
{
    if (!c)
        return;
    analysis_free(c->analysis);
    base_free(c);
}

PUBLIC int cprof_set(cprof *c, const char *option, const char *value)
{
    start(c);
    return result(refuse_null(c, option, "option") &&
                  options_set(analysis_options(c->analysis), span_of(option), span_of(value),
                              analysis_settings(c->analysis), &c->err));
}

PUBLIC int cprof_load(cprof *c, const char *path)
{
    start(c);
    if (!refuse_null(c, path, "path"))
        return -1;
    const bool is_first = analysis_count(c->analysis) == 0 && !analysis_program(c->analysis);
    return result(analysis_load(c->analysis, path, is_first ? LOAD_FIRST : LOAD_PROFILE, &c->err));
}

PUBLIC int cprof_load_bytes(cprof *c, const void *bytes, size_t n, const char *name)
{
    start(c);
    if (n > 0 && !refuse_null(c, bytes, "bytes"))
        return -1;
    return result(analysis_load_bytes(c->analysis, span_make(bytes, n), name ? name : "memory",
                                      LOAD_PROFILE, &c->err));
}

PUBLIC int cprof_report(cprof *c, const char *emitter,
                        int (*write)(void *to, const void *bytes, size_t n), void *to)
{
    start(c);
    const struct emitter *chosen = NULL;
    if (emitter) {
        chosen = emitter_find(span_of(emitter));
        if (!chosen)
            return result(error_set(&c->err, ERROR_MISSING, "%s: no such output", emitter));
    }
    struct error close_err = {0};
    struct out *out = out_to_function(write, to);
    const bool is_written = analysis_report(c->analysis, chosen, out, &c->err);
    const bool is_closed = out_close(out, &close_err);
    if (is_written && !is_closed)
        c->err = close_err;
    return result(is_written && is_closed);
}

PUBLIC const char *cprof_message(const cprof *c)
{
    return c->err.text;
}

PUBLIC const char *cprof_note(const cprof *c, size_t i)
{
    const struct notes *notes = analysis_notes(c->analysis);
    return i < notes->n ? notes->lines[i] : NULL;
}
