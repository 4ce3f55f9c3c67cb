/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Any bytes as a profile, and all the way to a report on it: the first byte says which one, the
 * next two which options. The invariant: whatever a report leaves out it accounts for
 * (--selfcheck), and a failure says why. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/analysis.h"

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* Bits of the second byte, then of the third. */
static const struct {
    const char *name, *value;
} rows[] = {
    {"focus", "a"},          {"ignore", "b"},       {"nodefraction", "0.1"},
    {"edgefraction", "0.2"}, {"nodecount", "2"},    {"drop_negative", NULL},
    {"cum", NULL},           {"stacks", NULL},      {"lines", NULL},
    {"addresses", NULL},     {"noinlines", NULL},   {"hide", "m"},
    {"show_from", "main"},   {"sample_index", "1"}, {"events", "all"},
    {"thread", "*"},
};

static void set(struct analysis *a, const char *name, const char *value)
{
    struct error err;
    (void)!options_set(analysis_options(a), span_of(name),
                       value ? span_of(value) : (struct span){0}, analysis_settings(a), &err);
}

/* Layouts take their time and have targets of their own. */
static const struct emitter *choose(uint8_t which)
{
    static const char *const names[] = {
        "text", "collapsed", "callgrind", "dot",     "raw",    "proto",  "top",
        "tree", "peek",      "list",      "weblist", "disasm", "traces", "doctor",
    };
    return emitter_find(span_of(names[which % COUNT_OF(names)]));
}

static void report(struct analysis *a, const struct emitter *emitter)
{
    struct error err = {0}, close_err = {0};
    struct buf text = BUF_MAX((size_t)16 << 20);
    struct out *out = out_to_buf(&text);
    if (!analysis_report(a, emitter, out, &err)) {
        require(err.text[0] != '\0');
        require(!strstr(err.text, "add up"));
    }
    (void)!out_close(out, &close_err);
    buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    const struct emitter *emitter = choose(data[0]);
    struct analysis *a = analysis_new();
    struct settings *settings = analysis_settings(a);
    settings->selfcheck = true;
    settings->threads = 1;
    settings->max_samples = 4096;
    settings->max_depth = 256;
    settings->expression = emitter->arg ? base_copy("a|m") : NULL;
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        if (data[1 + i / 8] >> i % 8 & 1)
            set(a, rows[i].name, rows[i].value);
    }
    struct error err = {0};
    const struct span bytes = span_make(data + 3, size - 3);
    if (analysis_load_bytes(a, bytes, "input", LOAD_PROFILE, &err)) {
        report(a, emitter);
        /* Once more, with half of it to be subtracted. */
        if (analysis_load_bytes(a, span_first(bytes, bytes.n / 2), "base", LOAD_BASE, &err))
            report(a, emitter);
    } else {
        require(err.text[0] != '\0');
    }
    analysis_free(a);
    return 0;
}
