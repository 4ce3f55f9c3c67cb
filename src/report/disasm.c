/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Machine code with values: each routine that matches, instruction by instruction, under the source
 * lines it was made of, inlined ones included. */
#include "report/internal.h"

#include <stdio.h>

/* Longer paths are cut at their front. */
#define SHOWN_MAX 58
#define SHOWN_END 55

struct writer {
    const struct report *report;
    struct out *out;
    struct sources *sources;
    struct buf text;
};

static void write_file(struct out *out, const char *path)
{
    if (path[0] == '.' && path[1] == '/')
        path += 2;
    const struct span whole = span_of(path);
    out_text(out, "-------------------- ");
    if (whole.n >= SHOWN_MAX) {
        out_text(out, "...");
        out_bytes(out, span_skip(whole, whole.n - SHOWN_END));
    } else {
        out_bytes(out, whole);
    }
    out_byte(out, '\n');
}

static void write_source(struct writer *w, const struct instruction *run, double flat, double cum)
{
    const struct view *view = w->report->view;
    char flat_text[UNITS_TEXT], cum_text[UNITS_TEXT];
    const struct source *source =
        run->inner_file ? sources_find(w->sources, run->inner_file) : NULL;
    if (!source || run->inner_line == 0 || run->inner_line > source_count(source))
        return;
    out_printf(w->out, "%6s %6s %5u: ", report_cell(view, flat, flat_text),
               report_cell(view, cum, cum_text), run->inner_line);
    out_bytes(w->out, span_trim_left(source_line(source, run->inner_line)));
    out_byte(w->out, '\n');
}

static void write_instruction(struct writer *w, const struct routine *routine,
                              const struct instruction *instruction)
{
    const struct view *view = w->report->view;
    char flat[UNITS_TEXT], cum[UNITS_TEXT], address[20];
    const struct span bytes = span_skip(routine->bytes, instruction->address - routine->low);
    buf_clear(&w->text);
    assembly_text(routine->assembly, bytes, instruction->address, &w->text);
    (void)snprintf(address, sizeof address, "%llx", (unsigned long long)instruction->address);
    out_printf(w->out, "%6s %6s    %8s: %6s\n", report_cell(view, instruction->flat, flat),
               report_cell(view, instruction->cum, cum), address, buf_c(&w->text));
}

static bool write_routine(void *to, const struct routine *routine, double flat_total)
{
    struct writer *w = to;
    const struct view *view = w->report->view;
    char flat_text[UNITS_TEXT], cum_text[UNITS_TEXT], share[UNITS_TEXT];
    out_text(w->out, "ROUTINE ====================== ");
    out_text(w->out, routine->name);
    out_printf(w->out, "\n%6s %6s %s (flat, cumulative) %s of total\n",
               view_value_text(view, routine->flat, flat_text),
               view_value_text(view, routine->cum, cum_text), view->format.unit,
               units_percent(share, routine->cum, flat_total));
    const char *file = NULL;
    for (uint32_t i = 0, end; i < routine->n_code && !out_failed(w->out); i = end) {
        const struct instruction *run = &routine->code[i];
        double flat = 0, cum = 0;
        for (end = i; end < routine->n_code && routine->code[end].inner_line == run->inner_line;
             end++) {
            flat += routine->code[end].flat;
            cum += routine->code[end].cum;
        }
        if (run->inner_file && !source_is_same(run->inner_file, file)) {
            file = run->inner_file;
            write_file(w->out, file);
        }
        write_source(w, run, flat, cum);
        for (uint32_t k = i; k < end; k++)
            write_instruction(w, routine, &routine->code[k]);
    }
    return !out_failed(w->out);
}

static bool emit(const struct report *report, struct out *out, struct error *err)
{
    struct writer w = {
        .report = report,
        .out = out,
        .sources = sources_new(report),
        .text = BUF_MAX(WORDS_MAX),
    };
    const bool is_written = routines_each(report, "--disasm", write_routine, &w, err);
    sources_free(w.sources);
    buf_free(&w.text);
    return is_written;
}

const struct emitter disasm_emitter = {
    .name = "disasm",
    .help = "machine code of the routines that match, with values",
    .extension = "txt",
    .more =
        "Each routine whose full or short name matches the expression and that samples fell in: "
        "its instructions with their flat and cumulative values, under the source lines they were "
        "made of. Addresses are those in the file. x86 is in AT&T syntax.",
    .arg = "regex",
    .grain = GRANULARITY_ADDRESSES,
    .has_fixed_grain = true,
    .wants_heading = true,
    .needs_program = true,
    .is_classic = true,
    .emit = emit,
};
