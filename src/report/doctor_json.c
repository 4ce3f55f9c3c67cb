/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The doctor's findings for programs: one JSON object, described in docs/reports.md. Keys are never
 * left out; what is not known is null. */
#include "report/doctor.h"

void json_text(struct out *out, const char *text)
{
    struct span rest = span_of(text);
    while (rest.n) {
        uint32_t code;
        const size_t n = span_character(rest, &code);
        if (n == 0)
            out_text(out, "\\ufffd");
        else if (code < 0x20 || code == 0x7f)
            out_printf(out, "\\u%04x", code);
        else if (code == '"' || code == '\\')
            out_printf(out, "\\%c", (char)code);
        else
            out_bytes(out, span_first(rest, n));
        rest = span_skip(rest, n ? n : 1);
    }
}

/* `text` NULL or empty: null. */
static void write_text(struct out *out, const char *key, const char *text, const char *after)
{
    out_printf(out, "\"%s\": ", key);
    if (text && *text) {
        out_byte(out, '"');
        json_text(out, text);
        out_byte(out, '"');
    } else {
        out_text(out, "null");
    }
    out_text(out, after);
}

static void write_flag(struct out *out, const char *key, bool is_on)
{
    out_printf(out, "\"%s\": %s, ", key, is_on ? "true" : "false");
}

static void write_share(const struct exam *exam, struct out *out, const char *key, double value)
{
    char text[UNITS_TEXT];
    out_printf(out, "\"%s\": %s, ", key, units_fixed(text, exam_share(exam, value), 6));
}

static void write_item(struct out *out, bool is_first, const char *text)
{
    out_text(out, is_first ? "\"" : ", \"");
    json_text(out, text);
    out_byte(out, '"');
}

static void write_debug(const struct exam_module *m, struct out *out)
{
    const struct object_facts *f = &m->facts;
    write_text(out, "symbols", f->has_symtab ? ".symtab" : f->has_dynsym ? ".dynsym" : NULL, ", ");
    out_text(out, "\"debug_looked_for\": [");
    const char *place;
    for (uint32_t i = 0; m->object && (place = object_place(m->object, i)); i++)
        write_item(out, i == 0, place);
    out_text(out, "], ");
    write_text(out, "debug_refused", f->refused, ",\n     \"dwarf\": ");
    if (!f->dwarf_path) {
        out_text(out, "null");
        return;
    }
    out_byte(out, '{');
    write_text(out, "file", f->dwarf_path, ", ");
    out_printf(out, "\"versions\": [%u, %u], \"units\": %u, ", f->dwarf_low, f->dwarf_high,
               f->n_units);
    write_text(out, "packed", f->packed, ", ");
    out_printf(out, "\"split\": %u, \"split_missing\": %u, ", f->n_split, f->n_split_missing);
    write_text(out, "package", f->package_path, ", ");
    write_text(out, "shared", f->shared_path, "}");
}

static void write_module(const struct exam *exam, const struct exam_module *m, struct out *out)
{
    const struct strings *strings = exam->report->view->profile->strings;
    const struct symbols *symbols = exam->report->view->symbols;
    const struct image *image = m->image;
    out_text(out, "    {");
    write_text(out, "path", image ? m->path : NULL, ", ");
    write_flag(out, "is_program", image && image->is_program);
    write_flag(out, "is_deleted", image && image->is_deleted);
    write_text(out, "file", m->object ? object_path(m->object) : NULL, ", ");
    out_text(out, "\"looked_for\": [");
    for (uint32_t i = 0; image && i < image->n_places; i++)
        write_item(out, i == 0, strings_text(strings, symbols->places[image->place + i]));
    out_text(out, "], ");
    write_text(out, "trouble", image ? strings_text(strings, image->trouble) : NULL,
               ",\n     \"build_id\": {");
    write_text(out, "wanted", image ? strings_text(strings, image->build_id) : NULL, ", ");
    write_text(out, "found", image ? strings_text(strings, image->found_id) : NULL, "}, ");
    write_debug(m, out);
    out_text(out, ",\n     \"load_bias\": ");
    if (m->has_bias)
        out_printf(out, "\"0x%llx\", ", (unsigned long long)m->bias);
    else
        out_text(out, "null, ");
    write_share(exam, out, "begin", m->begin);
    write_share(exam, out, "through", m->pass);
    write_share(exam, out, "unnamed_begin", m->unnamed_begin);
    write_share(exam, out, "unnamed_through", m->unnamed_pass);
    write_flag(out, "is_ill", m->is_ill);
    out_text(out, "\n     ");
    write_text(out, "because", m->what, ", ");
    write_text(out, "mend", m->mend, ", ");
    write_text(out, "note", m->remark, "}");
}

static void write_finding(const struct exam_finding *finding, struct out *out)
{
    out_text(out, "    {");
    write_text(out, "key", finding->key, ", ");
    write_flag(out, "is_ill", finding->is_ill);
    write_text(out, "because", finding->what, ", ");
    write_text(out, "mend", finding->mend, "}");
}

void exam_write_json(const struct exam *exam, struct out *out)
{
    const struct view *view = exam->report->view;
    char total[UNITS_TEXT];
    out_text(out, "{\n  ");
    write_flag(out, "is_ill", exam->is_ill);
    write_text(out, "program", exam->report->options->program, ", ");
    out_printf(out, "\"total\": %s, ", units_general(total, exam->total));
    write_text(out, "unit",
               strings_text(view->profile->strings, view->profile->columns[view->column].unit),
               ", ");
    out_printf(out, "\"stacks\": %u, ", view->profile->n_stacks);
    write_share(exam, out, "unnamed_begin", exam->unnamed_begin);
    write_share(exam, out, "unnamed_through", exam->unnamed_pass);
    out_text(out, "\n  \"findings\": [");
    for (uint32_t i = 0; i < exam->n_findings; i++) {
        out_text(out, i ? ",\n" : "\n");
        write_finding(&exam->findings[i], out);
    }
    out_text(out, exam->n_findings ? "\n  ],\n  \"modules\": [" : "],\n  \"modules\": [");
    for (uint32_t i = 0; i < exam->n_modules; i++) {
        out_text(out, i ? ",\n" : "\n");
        write_module(exam, &exam->modules[i], out);
    }
    out_text(out, exam->n_modules ? "\n  ]\n}\n" : "]\n}\n");
}
