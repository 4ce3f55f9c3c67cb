/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The doctor's findings for people: first how it stands, then each module with all that is known,
 * those that miss most first. Nothing is found out here. */
#include "report/doctor.h"

#define LABEL_WIDTH 12

static const char *kind_text(const struct profile *profile)
{
    switch (profile->kind) {
    case PROFILE_CPU:
        return "CPU profile";
    case PROFILE_HEAP:
        return "heap profile";
    case PROFILE_GROWTH:
        return "heap growth profile";
    case PROFILE_CONTENTION:
        return "contention profile";
    case PROFILE_OTHER:
    case PROFILE_ADDRESSES:
        break;
    }
    return "profile";
}

static void write_mark(struct out *out, bool is_ill, bool is_note)
{
    out_printf(out, "  %-6s", is_ill ? "ill" : is_note ? "note" : "well");
}

static void write_label(struct out *out, const char *label)
{
    out_printf(out, "        %-*s", LABEL_WIDTH, label);
}

static void write_row(struct out *out, const char *label, const char *text)
{
    write_label(out, label);
    out_printf(out, "%s\n", text);
}

static const char *share_text(const struct exam *exam, double value, char text[UNITS_TEXT])
{
    return units_percent(text, value, exam->total > 0 ? exam->total : 1);
}

/* ---- the profile --------------------------------------------------------------------------------
 */

static void write_profile(const struct exam *exam, struct out *out)
{
    const struct view *view = exam->report->view;
    const struct profile *profile = view->profile;
    const char *program = exam->report->options->program;
    char value[UNITS_TEXT];
    out_printf(out, "%s of %s: %s %s in %u different stacks\n\nProfile\n", kind_text(profile),
               program ? program : "(unknown)", view_value_text(view, exam->total, value),
               view->format.unit, profile->n_stacks);
    for (uint32_t i = 0; i < exam->n_findings; i++) {
        const struct exam_finding *finding = &exam->findings[i];
        write_mark(out, finding->is_ill, true);
        out_printf(out, "%s\n", finding->what);
        if (finding->mend)
            write_row(out, "mend", finding->mend);
    }
    if (exam->n_findings == 0) {
        write_mark(out, false, false);
        out_text(out, "whole, and with enough samples\n");
    }
}

/* ---- modules ------------------------------------------------------------------------------------
 */

static void write_table(const struct exam *exam, struct out *out)
{
    char begin[UNITS_TEXT], pass[UNITS_TEXT], unnamed_begin[UNITS_TEXT], unnamed_pass[UNITS_TEXT];
    out_text(out, "\nModules           in it   unnamed   through it   unnamed\n");
    for (uint32_t i = 0; i < exam->n_modules; i++) {
        const struct exam_module *m = &exam->modules[i];
        write_mark(out, m->is_ill, m->remark != NULL);
        out_printf(out, "%16s  %8s     %8s  %8s   %s\n", share_text(exam, m->begin, begin),
                   share_text(exam, m->unnamed_begin, unnamed_begin),
                   share_text(exam, m->pass, pass), share_text(exam, m->unnamed_pass, unnamed_pass),
                   m->path);
    }
}

static void write_file(const struct exam *exam, const struct exam_module *m, struct out *out)
{
    const struct strings *strings = exam->report->view->profile->strings;
    const struct symbols *symbols = exam->report->view->symbols;
    const struct image *image = m->image;
    write_label(out, "file");
    if (m->object)
        out_printf(out, "found%s%s\n", strcmp(m->path, object_path(m->object)) == 0 ? "" : ": ",
                   strcmp(m->path, object_path(m->object)) == 0 ? "" : object_path(m->object));
    else
        out_printf(out, "%s; looked for at\n",
                   image->found_id ? "refused" : strings_text(strings, image->trouble));
    for (uint32_t i = 0; !m->object && i < image->n_places; i++)
        write_row(out, "", strings_text(strings, symbols->places[image->place + i]));

    const char *wanted = strings_text(strings, image->build_id);
    const char *found = strings_text(strings, image->found_id);
    write_label(out, "build ID");
    if (*wanted && *found && image->build_id == image->found_id)
        out_printf(out, "equal: %s\n", found);
    else if (*wanted && *found)
        out_printf(out, "differs: %s here, %s in the profile\n", found, wanted);
    else if (*found)
        out_printf(out, "%s; the profile does not say which it had\n", found);
    else
        out_printf(out, "%s\n", m->object ? "the file has none" : *wanted ? wanted : "unknown");
}

static void write_dwarf(const struct exam_module *m, struct out *out)
{
    const struct object_facts *f = &m->facts;
    write_label(out, "DWARF");
    if (!f->dwarf_path) {
        out_text(out,
                 object_place(m->object, 0) ? "none; a debug file was looked for at\n" : "none\n");
        const char *place;
        for (uint32_t i = 0; (place = object_place(m->object, i)); i++)
            write_row(out, "", place);
        if (f->refused)
            out_printf(out, "        %-*s%s: it is of another build\n", LABEL_WIDTH, "refused",
                       f->refused);
        return;
    }
    if (f->dwarf_low == f->dwarf_high)
        out_printf(out, "version %u", f->dwarf_low);
    else
        out_printf(out, "versions %u to %u", f->dwarf_low, f->dwarf_high);
    out_printf(out, ", %u unit%s%s%s, in %s\n", f->n_units, f->n_units == 1 ? "" : "s",
               f->packed ? ", packed with " : "", f->packed ? f->packed : "",
               strcmp(f->dwarf_path, object_path(m->object)) == 0 ? "the file itself"
                                                                  : f->dwarf_path);
    if (f->n_split) {
        write_label(out, "split");
        out_printf(out, "%u unit%s in .dwo files", f->n_split, f->n_split == 1 ? "" : "s");
        if (f->package_path)
            out_printf(out, ", together in %s", f->package_path);
        if (f->n_split_missing)
            out_printf(out, "; not there of those that were needed: %s", f->split_missing);
        if (f->n_split_missing > 1)
            out_printf(out, " and %u more", f->n_split_missing - 1);
        out_byte(out, '\n');
    }
    if (f->shared_path)
        write_row(out, "shared", f->shared_path);
    else if (f->lacks_shared)
        write_row(out, "shared", "the file that its debug information refers to is not there");
}

static void write_module(const struct exam *exam, const struct exam_module *m, struct out *out)
{
    const struct object_facts *f = &m->facts;
    char text[UNITS_TEXT];
    out_byte(out, '\n');
    write_mark(out, m->is_ill, m->remark != NULL);
    out_printf(out, "%s%s\n", m->path, m->image && m->image->is_program ? " (the program)" : "");
    if (m->image)
        write_file(exam, m, out);
    if (m->object && object_is_elf(m->object)) {
        write_row(out, "symbols",
                  f->has_symtab   ? "all (.symtab)"
                  : f->has_dynsym ? "those that others may use (.dynsym); it was stripped"
                                  : "none; it was stripped");
        write_dwarf(m, out);
    }
    if (m->has_bias) {
        write_label(out, "load bias");
        out_printf(out, "0x%llx%s\n", (unsigned long long)m->bias,
                   m->has_biases ? ", and others" : "");
    }
    if (m->is_ill) {
        write_label(out, "unnamed");
        out_printf(out, "%s of all samples begin in it without a name,\n",
                   share_text(exam, m->unnamed_begin, text));
        write_label(out, "");
        out_printf(out, "%s pass through it without one\n",
                   share_text(exam, m->unnamed_pass, text));
    }
    if (m->what)
        write_row(out, "because", m->what);
    if (m->mend)
        write_row(out, "mend", m->mend);
    if (m->remark)
        write_row(out, "note", m->remark);
}

bool exam_needs_archive(const struct exam *exam)
{
    for (uint32_t i = 0; i < exam->n_modules; i++) {
        const char *mend = exam->modules[i].mend;
        if (mend && strstr(mend, "-dbgsym"))
            return true;
    }
    return false;
}

void exam_write_text(const struct exam *exam, struct out *out)
{
    char begin[UNITS_TEXT], pass[UNITS_TEXT];
    write_profile(exam, out);
    if (exam->n_modules)
        write_table(exam, out);
    for (uint32_t i = 0; i < exam->n_modules && !out_failed(out); i++)
        write_module(exam, &exam->modules[i], out);
    if (exam->total <= 0) {
        out_text(out, "\nThere is nothing to show.\n");
    } else if (exam->is_ill) {
        out_printf(out,
                   "\nNames are missing: %s of the samples begin at a place without a name, %s "
                   "pass through one.\nWhat helps stands behind \"mend\".\n",
                   share_text(exam, exam->unnamed_begin, begin),
                   share_text(exam, exam->unnamed_pass, pass));
        if (exam_needs_archive(exam))
            out_text(out, "Packages -dbgsym are in an archive of their own: man cprof, WHERE NAMES "
                          "ARE MISSING.\n");
    } else {
        out_text(out, "\nAll is well: every sample has its names.\n");
    }
}
