/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The batch: which unit claims each address, a job for each touched unit, and the answer put
 * together in the order of the addresses. A job reads its unit (or finds it read) and looks its
 * addresses up; when all have told how many frames they need, a second round writes the frames
 * where they belong. Nothing that a job does depends on another, so the answer does not depend on
 * how many threads there are. */
#include "object/dwarf.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/jobs.h"
#include "object/dwarf_internal.h"

/* ---- which unit claims an address ---- */

/* At this depth the first of equal intervals wins. Several units have one and the same range where
 * the linker kept one copy of a function that each had: addr2line too asks the first. */
#define CLAIM_DEPTH 1

/* One table of .debug_aranges; the cursor stands behind its length and ends with it. */
static void read_aranges_set(struct dwarf *dwarf, struct cursor *c, size_t start,
                             uint8_t offset_size, bool *is_listed, struct dwarf_intervals *out)
{
    cursor_u16(c); /* version */
    const uint64_t offset = cursor_uint(c, offset_size);
    const uint8_t size = cursor_u8(c);
    const uint8_t segment_size = cursor_u8(c);
    const struct dwarf_unit *unit = dwarf_file_unit(&dwarf->main, offset);
    if (cursor_failed(c) || !unit || unit->offset != offset || segment_size != 0 ||
        (size != 2 && size != 4 && size != 8))
        return;
    const uint32_t what = (uint32_t)(unit - dwarf->main.units);
    const size_t odd = (cursor_offset(c) - start) % ((size_t)2 * size);
    cursor_skip(c, odd ? (size_t)2 * size - odd : 0);
    while (cursor_left(c) > 0) {
        const uint64_t low = cursor_uint(c, size), length = cursor_uint(c, size);
        if (cursor_failed(c) || (low == 0 && length == 0))
            break;
        is_listed[what] = true;
        if (low + length > low && !dwarf_is_gone(low, size))
            dwarf_intervals_add(out, low, low + length, what, CLAIM_DEPTH);
    }
}

static void read_aranges(struct dwarf *dwarf, bool *is_listed, struct dwarf_intervals *out)
{
    const struct dwarf_sections *s = &dwarf->main.sections;
    struct cursor c = cursor_over(s->aranges, s->order);
    while (cursor_left(&c) > 0) {
        const size_t start = cursor_offset(&c);
        uint64_t length = cursor_u32(&c);
        uint8_t offset_size = 4;
        if (length == 0xffffffffu) {
            length = cursor_u64(&c);
            offset_size = 8;
        }
        if (cursor_failed(&c) || length > cursor_left(&c))
            return; /* units that are not listed are asked themselves */
        const size_t at = cursor_offset(&c), end = at + (size_t)length;
        struct cursor set = cursor_over(span_first(s->aranges, end), s->order);
        cursor_seek(&set, at);
        read_aranges_set(dwarf, &set, start, offset_size, is_listed, out);
        cursor_seek(&c, end);
    }
}

/* Asks a unit that .debug_aranges does not list. */
static void claim(struct dwarf_unit *unit, uint32_t what, struct dwarf_scratch *scratch)
{
    struct dwarf_intervals *out = &scratch->intervals;
    if (unit->type == DW_UT_type || unit->type == DW_UT_split_type || !dwarf_unit_open(unit))
        return;
    if (unit->ranges.kind != DWARF_VALUE_NONE) {
        if (!dwarf_intervals_read(out, unit, &unit->ranges, what, CLAIM_DEPTH) && !unit->damage)
            unit->damage = "its range list cannot be read";
        return;
    }
    if (unit->has_low && unit->high.kind != DWARF_VALUE_NONE) {
        uint64_t high = unit->high.number;
        if (unit->high.kind == DWARF_VALUE_NUMBER)
            high += unit->low;
        if (!dwarf_is_gone(unit->low, unit->shape.address_size))
            dwarf_intervals_add(out, unit->low, high, what, CLAIM_DEPTH);
        return;
    }
    /* Partial units hold what others share: no code, and there are very many of them. */
    if (unit->type != DW_UT_partial)
        (void)dwarf_unit_functions(unit, scratch, what, CLAIM_DEPTH);
}

static void make_claims(struct dwarf *dwarf)
{
    if (dwarf->has_claims)
        return;
    dwarf->has_claims = true;
    struct dwarf_scratch *scratch = base_alloc(1, sizeof *scratch);
    struct dwarf_intervals *intervals = &scratch->intervals;
    struct dwarf_file *file = &dwarf->main;
    const struct dwarf_sections *s = &file->sections;
    intervals->budget = 4 * ((uint64_t)s->info.n + s->ranges.n + s->rnglists.n) + 1024;
    bool *is_listed = base_alloc(file->n_units, sizeof *is_listed);
    read_aranges(dwarf, is_listed, intervals);
    for (uint32_t i = 0; i < file->n_units; i++) {
        if (!is_listed[i])
            claim(&file->units[i], i, scratch);
    }
    dwarf_segments_make(scratch);
    dwarf->claims = scratch->segments;
    scratch->segments = (struct dwarf_segments){0};
    base_free(is_listed);
    dwarf_scratch_free(scratch);
}

/* ---- jobs ---- */

/* What is known about an address after the first round. */
struct place {
    uint32_t node; /* DWARF_NONE: none */
    uint32_t file, line;
    bool has_row;
};

struct job {
    struct dwarf_unit *unit;
    uint32_t first, n; /* its addresses: order[first] .. order[first + n - 1] */
};

struct batch {
    struct dwarf *dwarf;
    const uint64_t *sorted;
    uint32_t *order; /* places of addresses, those of a unit together */
    struct place *places;
    struct job *jobs;
    uint32_t n_jobs;
    struct object_answer *out;
    const struct progress *progress;
    atomic_bool
        is_stopped; /* units that are left are passed over: their addresses have no frames */
};

/* Reads what is wanted now; of earlier batches only names are known. */
static void read_code(struct dwarf_unit *unit, const struct dwarf_wanted *wanted,
                      struct dwarf_scratch *scratch)
{
    struct dwarf_code *code = unit->code;
    if (!code) {
        code = unit->code = base_alloc(1, sizeof *code);
        code->arena = arena_new();
        code->unit = unit->split ? unit->split : unit;
        code->others_budget = 16 * (code->unit->end - code->unit->offset) + (1u << 20);
    }
    dwarf_code_walk(code, wanted, scratch);
    const char *damage = NULL;
    scratch->n_sequences = 0;
    if (unit->has_line_budget &&
        !dwarf_lines_read(unit, wanted, code->arena, scratch, &code->lines, &damage) &&
        !code->damage)
        code->damage = damage;
}

static void free_code(struct dwarf_code *code)
{
    if (!code)
        return;
    for (uint32_t i = 0; i < code->n_others; i++) {
        dwarf_scopes_free(code->others[i]);
        base_free(code->others[i]);
    }
    base_free(code->others);
    dwarf_scopes_free(&code->scopes);
    base_free(code->names);
    idmap_free(&code->names_at);
    arena_free(code->arena);
    base_free(code);
}

/* Looks the addresses of a job up. False: one that has a line has no function. */
static bool look_up(struct batch *batch, const struct job *job, const struct dwarf_scratch *scratch)
{
    const struct dwarf_code *code = job->unit->code;
    bool has_all = true;
    for (uint32_t i = job->first; i < job->first + job->n; i++) {
        const uint32_t at = batch->order[i];
        const uint64_t address = batch->sorted[at];
        const struct dwarf_row *row = dwarf_lines_find(scratch, address);
        struct place *place = &batch->places[at];
        place->node = dwarf_segments_find(&scratch->segments, address);
        place->has_row = row != NULL;
        place->file = row ? row->file : 0;
        place->line = row ? row->line : 0;
        uint32_t n_frames = 0;
        if (place->node != DWARF_NONE)
            n_frames = code->nodes[place->node].depth + 1;
        else if (row)
            n_frames = 1;
        batch->out->at[at + 1] = n_frames;
        has_all = has_all && place->node != DWARF_NONE;
    }
    return has_all;
}

void dwarf_scratch_free(struct dwarf_scratch *scratch)
{
    while (scratch) {
        struct dwarf_scratch *next = scratch->next;
        base_free(scratch->intervals.list);
        base_free(scratch->sorting);
        base_free(scratch->heap);
        base_free(scratch->segments.starts);
        base_free(scratch->segments.whats);
        base_free(scratch->levels);
        base_free(scratch->nodes);
        base_free(scratch->rows);
        base_free(scratch->sequences);
        base_free(scratch->addresses);
        base_free(scratch);
        scratch = next;
    }
}

/* A scratch that no other job has: at most one a thread comes into being. */
static struct dwarf_scratch *take_scratch(struct dwarf *dwarf)
{
    pthread_mutex_lock(&dwarf->lock);
    struct dwarf_scratch *scratch = dwarf->scratch;
    if (scratch)
        dwarf->scratch = scratch->next;
    pthread_mutex_unlock(&dwarf->lock);
    return scratch ? scratch : base_alloc(1, sizeof *scratch);
}

static void give_scratch(struct dwarf *dwarf, struct dwarf_scratch *scratch)
{
    pthread_mutex_lock(&dwarf->lock);
    scratch->next = dwarf->scratch;
    dwarf->scratch = scratch;
    pthread_mutex_unlock(&dwarf->lock);
}

static struct dwarf_wanted list_wanted(const struct batch *batch, const struct job *job,
                                       struct dwarf_scratch *scratch)
{
    scratch->addresses =
        base_grow(scratch->addresses, &scratch->cap_addresses, job->n, sizeof *scratch->addresses);
    for (uint32_t i = 0; i < job->n; i++)
        scratch->addresses[i] = batch->sorted[batch->order[job->first + i]];
    return (struct dwarf_wanted){.addresses = scratch->addresses, .n = job->n};
}

static void read_and_look_up(void *shared, uint32_t i)
{
    struct batch *batch = shared;
    const struct job *job = &batch->jobs[i];
    if (atomic_load_explicit(&batch->is_stopped, memory_order_relaxed))
        return;
    struct dwarf_scratch *scratch = take_scratch(batch->dwarf);
    const struct dwarf_wanted wanted = list_wanted(batch, job, scratch);
    read_code(job->unit, &wanted, scratch);
    if (!look_up(batch, job, scratch) && job->unit->code->has_skipped) {
        /* Functions can hide in what the walk passes over: compilers nest them in types, or in
         * functions that nobody asks for. */
        dwarf_code_walk(job->unit->code, NULL, scratch);
        (void)look_up(batch, job, scratch);
    }
    give_scratch(batch->dwarf, scratch);
}

static void tick(void *shared, uint32_t done)
{
    struct batch *batch = shared;
    if (progress_is_stopped(batch->progress))
        atomic_store_explicit(&batch->is_stopped, true, memory_order_relaxed);
    progress_step(batch->progress, "reading debug information",
                  batch->n_jobs ? (double)done / batch->n_jobs : 1);
}

static void fill_frames(struct dwarf_code *code, const char *comp_dir, const struct place *place,
                        struct object_frame *out)
{
    const char *file = NULL;
    uint32_t line = place->line;
    if (place->has_row)
        file = dwarf_lines_path(&code->lines, code->arena, comp_dir, place->file);
    if (place->node == DWARF_NONE) {
        *out = (struct object_frame){.file = file, .line = line};
        return;
    }
    for (uint32_t at = place->node; at != DWARF_NONE; at = code->nodes[at].parent) {
        struct dwarf_node *node = &code->nodes[at];
        const struct dwarf_name *name = dwarf_name_of(code, node);
        *out++ = (struct object_frame){

            .name = name->text,
            .is_linkage_name = name->is_linkage,
            .file = file,
            .line = line,
            .func_line = name->line};
        file = dwarf_lines_path(&code->lines, code->arena, comp_dir, node->call_file);
        line = node->call_line;
    }
}

static void fill(void *shared, uint32_t i)
{
    struct batch *batch = shared;
    const struct job *job = &batch->jobs[i];
    for (uint32_t k = job->first; k < job->first + job->n; k++) {
        const uint32_t at = batch->order[k], frame = batch->out->at[at];
        if (batch->out->at[at + 1] > frame)
            fill_frames(job->unit->code, job->unit->comp_dir, &batch->places[at],
                        &batch->out->frames[frame]);
    }
}

/* ---- the batch ---- */

/* Heaviest first, so that no thread is left alone with the last big one. */
static int compare_jobs(const void *a, const void *b)
{
    const struct dwarf_unit *x = ((const struct job *)a)->unit, *y = ((const struct job *)b)->unit;
    const uint64_t x_size = x->end - x->offset, y_size = y->end - y->offset;
    if (x_size != y_size)
        return x_size > y_size ? -1 : 1;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Makes a unit ready for its job: what takes the lock, the caller's files or a budget happens here,
 * in the order of the addresses. */
static bool prepare(struct dwarf *dwarf, struct dwarf_unit *unit)
{
    if (!dwarf_unit_open(unit))
        return false;
    if (unit->code)
        return true;
    dwarf_unit_find_split(unit);
    const uint64_t size = dwarf_lines_size(unit);
    unit->has_line_budget = size <= dwarf->line_budget;
    if (unit->has_line_budget)
        dwarf->line_budget -= size;
    else if (!unit->damage)
        unit->damage = "its line table is shared with too many units";
    return true;
}

/* Makes a job of each unit that claims an address. */
static void make_jobs(struct dwarf *dwarf, uint32_t n, struct batch *batch)
{
    struct dwarf_file *file = &dwarf->main;
    uint32_t *jobs_of = base_alloc(file->n_units, sizeof *jobs_of); /* unit to job + 1 */
    uint32_t *claimed = base_alloc(n, sizeof *claimed);             /* address to job + 1 */
    uint32_t cap = 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t unit = dwarf_segments_find(&dwarf->claims, batch->sorted[i]);
        if (unit == DWARF_NONE)
            continue;
        if (!jobs_of[unit]) {
            if (!prepare(dwarf, &file->units[unit])) {
                jobs_of[unit] = DWARF_NONE;
                continue;
            }
            batch->jobs =
                base_grow(batch->jobs, &cap, (size_t)batch->n_jobs + 1, sizeof *batch->jobs);
            batch->jobs[batch->n_jobs++] = (struct job){.unit = &file->units[unit]};
            jobs_of[unit] = batch->n_jobs;
        }
        if (jobs_of[unit] == DWARF_NONE)
            continue;
        claimed[i] = jobs_of[unit];
        batch->jobs[claimed[i] - 1].n++;
    }
    uint32_t first = 0;
    for (uint32_t i = 0; i < batch->n_jobs; i++) {
        batch->jobs[i].first = first;
        first += batch->jobs[i].n;
        batch->jobs[i].n = 0;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (claimed[i]) {
            struct job *job = &batch->jobs[claimed[i] - 1];
            batch->order[job->first + job->n++] = i;
        }
    }
    base_free(jobs_of);
    base_free(claimed);
    if (batch->n_jobs > 1)
        qsort(batch->jobs, batch->n_jobs, sizeof *batch->jobs, compare_jobs);
}

/* From counts to places; what would not fit in 32 bits goes without frames. */
static void add_up(struct object_answer *out, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t next = (uint64_t)out->at[i] + out->at[i + 1];
        out->at[i + 1] = next > UINT32_MAX ? out->at[i] : (uint32_t)next;
    }
}

static void tell_file(struct dwarf_file *file, struct notes *notes)
{
    const char *path = file->sections.path ? file->sections.path : "?";
    if (file->damage && !file->is_told)
        notes_add(notes, "%s: DWARF unit at 0x%llx: %s", path, (unsigned long long)file->damage_at,
                  file->damage);
    file->is_told = true;
    for (uint32_t i = 0; i < file->n_units; i++) {
        struct dwarf_unit *unit = &file->units[i];
        const struct dwarf_unit *at = unit;
        const char *damage = unit->damage;
        if (!damage && unit->code) {
            damage = unit->code->damage;
            at = unit->code->unit;
        }
        if (!damage || unit->is_told)
            continue;
        unit->is_told = true;
        const char *at_path = at->file->sections.path;
        notes_add(notes, "%s: DWARF unit at 0x%llx: %s", at_path ? at_path : path,
                  (unsigned long long)at->offset, damage);
    }
}

static void tell(struct dwarf *dwarf, struct notes *notes)
{
    tell_file(&dwarf->main, notes);
    if (dwarf->has_alt)
        tell_file(&dwarf->alt, notes);
    for (uint32_t i = 0; i < dwarf->n_splits; i++)
        tell_file(dwarf->splits[i], notes);
}

void dwarf_frames(struct dwarf *dwarf, const uint64_t *sorted, uint32_t n, unsigned threads,
                  const struct progress *progress, struct notes *notes, struct object_answer *out)
{
    make_claims(dwarf);
    struct object_answer answer = {.at = base_alloc((size_t)n + 1, sizeof *answer.at)};
    struct batch batch = {
        .dwarf = dwarf,
        .sorted = sorted,
        .order = base_alloc(n, sizeof *batch.order),
        .places = base_alloc(n, sizeof *batch.places),
        .out = &answer,
        .progress = progress,
    };
    make_jobs(dwarf, n, &batch);
    jobs_run(read_and_look_up, &batch, batch.n_jobs, threads,
             progress && progress->step ? tick : NULL);
    add_up(&answer, n);
    answer.frames = base_alloc(answer.at[n], sizeof *answer.frames);
    dwarf_scratch_free(dwarf->scratch);
    dwarf->scratch = NULL;
    jobs_run(fill, &batch, batch.n_jobs, threads, NULL);
    tell(dwarf, notes);
    base_free(batch.order);
    base_free(batch.places);
    base_free(batch.jobs);
    *out = answer;
}

struct dwarf *dwarf_new(const struct dwarf_sections *sections, const struct dwarf_sections *alt,
                        const struct dwarf_files *files)
{
    struct dwarf *dwarf = base_alloc(1, sizeof *dwarf);
    dwarf->arena = arena_new();
    pthread_mutex_init(&dwarf->lock, NULL);
    dwarf_file_open(dwarf, sections, &dwarf->main);
    /* Sane units have a line program each. */
    dwarf->line_budget = 4 * (uint64_t)sections->line.n + 4096;
    if (alt) {
        dwarf_file_open(dwarf, alt, &dwarf->alt);
        dwarf->has_alt = true;
        dwarf->main.alt = &dwarf->alt;
    }
    if (files)
        dwarf->files = *files;
    return dwarf;
}

static void free_file(struct dwarf_file *file)
{
    for (uint32_t i = 0; i < file->n_units; i++)
        free_code(file->units[i].code);
    dwarf_file_close(file);
}

void dwarf_free(struct dwarf *dwarf)
{
    if (!dwarf)
        return;
    free_file(&dwarf->main);
    if (dwarf->has_alt)
        free_file(&dwarf->alt);
    for (uint32_t i = 0; i < dwarf->n_splits; i++) {
        free_file(dwarf->splits[i]);
        base_free(dwarf->splits[i]);
    }
    base_free(dwarf->splits);
    base_free(dwarf->claims.starts);
    base_free(dwarf->claims.whats);
    pthread_mutex_destroy(&dwarf->lock);
    arena_free(dwarf->arena);
    base_free(dwarf);
}
