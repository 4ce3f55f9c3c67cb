/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What Go programs write as text (runtime/pprof with debug=1): counts of stacks, such as
 * goroutines, and beneath a sample of any of Go's formats a comment for each frame with its name
 * and place. The comments name addresses that no file may be at hand for; all others are looked up
 * as ever. */
#include "reader/internal.h"

/* "#<tab>0xPC<tab>NAME+0xOFFSET<tab>FILE:LINE", fields padded with spaces by tabwriter. */
static bool take_comment(struct span line, uint64_t *pc, struct carried_frame *frame,
                         struct strings *strings)
{
    struct span rest = line, word;
    if (!span_take(&rest, "#") || !span_word(&rest, &word) || !span_hex(word, pc))
        return false;
    rest = span_trim(rest);
    const size_t tab = span_find(rest, '\t');
    struct span name = span_trim(tab == SIZE_MAX ? rest : span_first(rest, tab));
    const struct span place = tab == SIZE_MAX ? (struct span){0} : span_trim(span_skip(rest, tab));
    const size_t plus = span_find_last(name, '+');
    uint64_t offset;
    if (plus != SIZE_MAX && span_hex(span_skip(name, plus + 1), &offset))
        name = span_first(name, plus);
    if (name.n == 0)
        return false;
    const size_t colon = span_find_last(place, ':');
    uint64_t number = 0;
    const bool has_line =
        colon != SIZE_MAX && span_u64(span_skip(place, colon + 1), &number) && number < LINE_NONE;
    *frame = (struct carried_frame){
        .name = strings_add(strings, name),
        .file = place.n ? strings_add(strings, has_line ? span_first(place, colon) : place)
                        : strings_add_text(strings, "??"),
        .line = has_line ? (uint32_t)number : 0,
    };
    return true;
}

static void hand_over(struct go_names *names, struct filling *filling)
{
    if (names->n_frames && names->at < names->n_pcs) {
        const uint64_t pc = names->pcs[names->at];
        builder_names(filling->builder, names->at ? pc - 1 : pc, names->frames, names->n_frames);
    }
    names->n_frames = 0;
}

void go_names_begin(struct go_names *names, struct filling *filling, const struct text_stack *stack)
{
    hand_over(names, filling);
    names->pcs = base_grow(names->pcs, &names->pcs_cap, stack->n, sizeof names->pcs[0]);
    if (stack->n)
        memcpy(names->pcs, stack->pcs, stack->n * sizeof names->pcs[0]);
    names->n_pcs = stack->n;
    names->at = 0;
}

/* Comments come in the order of the stack, leaf first; inlined frames repeat the address. The
 * runtime prints where the call is, one before the return address that stands in the stack. */
void go_names_comment(struct go_names *names, struct filling *filling, struct span line)
{
    uint64_t pc;
    struct carried_frame frame;
    if (!take_comment(line, &pc, &frame, filling->job->strings))
        return;
    uint32_t at = names->at;
    while (at < names->n_pcs && names->pcs[at] != pc && names->pcs[at] != pc + 1)
        at++;
    if (at == names->n_pcs)
        return;
    if (at != names->at) {
        hand_over(names, filling);
        names->at = at;
    }
    names->frames = base_grow(names->frames, &names->frames_cap, (size_t)names->n_frames + 1,
                              sizeof names->frames[0]);
    names->frames[names->n_frames++] = frame;
}

void go_names_end(struct go_names *names, struct filling *filling)
{
    hand_over(names, filling);
    base_free(names->pcs);
    base_free(names->frames);
    *names = (struct go_names){0};
}

/* ---- counts ------------------------------------------------------------------------------------
 */

/* "NAME profile: total N", and NAME */
static bool take_header(struct span line, struct span *name)
{
    const size_t at = span_find_text(line, " profile: total ");
    if (at == SIZE_MAX || at == 0)
        return false;
    for (size_t i = 0; i < at; i++) {
        if (!text_is_word(line.p[i]) && line.p[i] != '/' && line.p[i] != '.' && line.p[i] != '-')
            return false;
    }
    struct span rest = span_skip(line, at + strlen(" profile: total "));
    double total;
    *name = span_first(line, at);
    return text_take_count(&rest, &total) && span_trim(rest).n == 0;
}

static bool counts_fill(struct filling *filling, struct span bytes, struct error *err)
{
    struct text_lines lines = text_lines_over(text_after_profile_line(bytes));
    struct text_stack stack = {0};
    struct go_names names = {0};
    struct span line, name;
    if (!text_line(&lines, &line) || !take_header(line, &name)) {
        text_lines_free(&lines);
        return error_set(err, ERROR_FORMAT, "%s: no \"NAME profile: total N\" at byte %zu",
                         filling->job->name, filling_offset(filling, bytes));
    }
    struct buf column = BUF_MAX(256);
    buf_add(&column, name);
    builder_kind(filling->builder, PROFILE_OTHER);
    builder_default_column(filling->builder,
                           builder_column(filling->builder, buf_c(&column), "count"));
    buf_free(&column);
    bool is_in_maps = false;
    while (text_line(&lines, &line)) {
        struct span rest = span_trim(line);
        double count;
        if (text_starts_maps(line)) {
            is_in_maps = true;
        } else if (is_in_maps) {
            builder_maps(filling->builder, line);
        } else if (text_take_count(&rest, &count) && text_take_space(&rest) &&
                   span_take(&rest, "@")) {
            text_stack_read(&stack, rest, filling->job);
            builder_add(filling->builder, builder_stack(filling->builder, stack.pcs, stack.n), 0,
                        &count);
            go_names_begin(&names, filling, &stack);
        } else {
            go_names_comment(&names, filling, line);
            text_skip(&lines, line);
        }
    }
    text_tell_skipped(&lines, filling, "stack with a count");
    go_names_end(&names, filling);
    text_stack_free(&stack);
    text_lines_free(&lines);
    return true;
}

static int sniff_bytes(struct span bytes)
{
    struct span rest = text_after_profile_line(bytes), line, name;
    return span_line(&rest, &line) && take_header(line, &name) ? 95 : 0;
}

static int sniff(struct span bytes)
{
    return section_sniff(&counts_section, bytes);
}

static bool read_counts(struct span bytes, const struct read_job *job, struct profile *out,
                        struct error *err)
{
    return section_read(&counts_section, bytes, job, out, err);
}

const struct section counts_section = {.sniff = sniff_bytes, .fill = counts_fill};

const struct reader reader_counts = {
    .name = "counts",
    .help = "Go's counts of stacks as text: goroutines, threads created",
    .sniff = sniff,
    .read = read_counts,
};
