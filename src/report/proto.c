/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The view as profile.proto (docs/formats.md), packed with gzip: stacks after filters, all columns,
 * and the names that were found, so that google/pprof and what reads its files need no program. The
 * invariant: everything is numbered in the order in which stacks, sorted, speak of it, and nothing
 * but the view gets into the bytes. */
#include "report/internal.h"

#include "base/gzip.h"
#include "base/idmap.h"
#include "base/wire.h"

enum { /* of the profile */
       FIELD_SAMPLE_TYPE = 1,
       FIELD_SAMPLE = 2,
       FIELD_MAPPING = 3,
       FIELD_LOCATION = 4,
       FIELD_FUNCTION = 5,
       FIELD_TEXT = 6,
       FIELD_TIME = 9,
       FIELD_DURATION = 10,
       FIELD_PERIOD_TYPE = 11,
       FIELD_PERIOD = 12,
       FIELD_COMMENT = 13,
       FIELD_DEFAULT_TYPE = 14,
};

#define BYTES_MAX ((size_t)1 << 36) /* of a profile that is not packed yet */

struct mapping_use {
    uint32_t id; /* 0: nobody speaks of it */
    bool has_functions, has_files, has_lines, has_inlined;
};

struct function {
    str_id name, file; /* file "": unknown */
};

struct writer {
    const struct report *report;
    const struct view *view;
    struct buf bytes;

    struct idmap text_ids;
    str_id *texts;
    uint32_t n_texts, texts_cap;

    struct idmap function_ids;
    struct function *functions;
    uint32_t n_functions, functions_cap;

    struct mapping_use *uses; /* by mapping */
    map_ix *maps;             /* in order of their ids */
    uint32_t n_maps;
    uint32_t *location_of; /* by address; 0: nobody speaks of it */
    addr_ix *locations;    /* in order of their ids */
    uint32_t n_locations;
};

/* ---- numbering ----------------------------------------------------------------------------------
 */

static uint32_t text_id(struct writer *w, str_id text)
{
    bool is_new;
    const uint32_t id = idmap_add(&w->text_ids, text, w->n_texts, &is_new);
    if (is_new) {
        w->texts = base_grow(w->texts, &w->texts_cap, (size_t)id + 1, sizeof w->texts[0]);
        w->texts[w->n_texts++] = text;
    }
    return id;
}

/* Frames of an address; none where its only one stands in for what is not known. */
static uint32_t count_frames(const struct view *view, addr_ix addr)
{
    const struct symbols *symbols = view->symbols;
    return symbols && symbols->addr_state[addr] == ADDRESS_NAMED ? view_n_frames(view, addr) : 0;
}

static str_id file_of(const struct view *view, const struct frame *frame)
{
    const struct span file = strings_span(view->profile->strings, frame->file);
    return span_is(file, "??") || span_is(file, "?") ? 0 : frame->file;
}

static uint32_t line_of(const struct frame *frame)
{
    return frame->line == LINE_NONE ? 0 : frame->line;
}

static uint32_t function_id(struct writer *w, const struct frame *frame)
{
    const struct function function = {.name = frame->full, .file = file_of(w->view, frame)};
    bool is_new;
    const uint32_t at = idmap_add(&w->function_ids, (uint64_t)function.name << 32 | function.file,
                                  w->n_functions, &is_new);
    if (is_new) {
        w->functions =
            base_grow(w->functions, &w->functions_cap, (size_t)at + 1, sizeof w->functions[0]);
        w->functions[w->n_functions++] = function;
    }
    return at + 1;
}

/* A program at fixed addresses was taken out of its mapping, which is named here all the same. */
static map_ix find_map(const struct profile *profile, addr_ix addr)
{
    const uint64_t pc = profile->addr_pc[addr];
    if (profile->addr_map[addr] != MAP_NONE)
        return profile->addr_map[addr];
    for (map_ix m = 0; m < profile->n_maps; m++) {
        const struct mapping *map = &profile->maps[m];
        if (map->is_program && map->start <= pc && pc < map->limit)
            return m;
    }
    return MAP_NONE;
}

static void number_map(struct writer *w, map_ix m)
{
    if (w->uses[m].id)
        return;
    w->maps[w->n_maps++] = m;
    w->uses[m].id = w->n_maps;
}

static void number_address(struct writer *w, addr_ix addr)
{
    const struct view *view = w->view;
    const uint32_t n = count_frames(view, addr);
    w->locations[w->n_locations++] = addr;
    w->location_of[addr] = w->n_locations;
    struct mapping_use none = {0}, *use = &none;
    const map_ix m = find_map(view->profile, addr);
    if (m != MAP_NONE) {
        number_map(w, m);
        use = &w->uses[m];
    }
    use->has_functions |= n != 0;
    use->has_inlined |= n > 1;
    for (uint32_t i = 0; i < n; i++) {
        const struct frame *frame = view_frame(view, addr, i);
        (void)function_id(w, frame);
        use->has_files |= file_of(view, frame) != 0;
        use->has_lines |= line_of(frame) != 0;
    }
}

/* The first mapping is the program's, for those who read this. */
static void number_all(struct writer *w, const uint32_t *order, const uint8_t *is_there)
{
    const struct view *view = w->view;
    const struct profile *profile = view->profile;
    for (map_ix m = 0; m < profile->n_maps; m++) {
        if (profile->maps[m].is_program) {
            number_map(w, m);
            break;
        }
    }
    for (uint32_t i = 0; i < view->n_stacks; i++) {
        if (!is_there[order[i]])
            continue;
        for (uint32_t k = view->stack_at[order[i]]; k < view->stack_at[order[i] + 1]; k++) {
            if (!w->location_of[view->stack_addr[k]])
                number_address(w, view->stack_addr[k]);
        }
    }
}

/* ---- columns ------------------------------------------------------------------------------------
 */

/* A value of each sample: of a column, times something. */
struct value_type {
    str_id name, unit;
    column_ix column;
    double times;
};

struct value_types {
    struct value_type types[COLUMNS_MAX + 1];
    uint32_t n;
    str_id shown; /* the name of the one that is shown */
    const char *period_name, *period_unit;
    double period;
};

static void find_period(const struct profile *profile, struct value_types *out)
{
    static const struct {
        const char *column, *name, *unit;
    } known[] = {
        {"cpu", "cpu", "nanoseconds"},
        {"inuse_space", "space", "bytes"},
        {"contentions", "contentions", "count"},
    };
    for (uint32_t i = 0; i < out->n && !out->period_name; i++) {
        const struct span name = strings_span(profile->strings, out->types[i].name);
        for (size_t k = 0; k < COUNT_OF(known); k++) {
            if (!span_is(name, known[k].column))
                continue;
            out->period_name = known[k].name;
            out->period_unit = known[k].unit;
        }
    }
}

/* The columns, without means, which would be added up; to samples of CPU time belongs the time. */
static struct value_types choose_types(const struct view *view)
{
    const struct profile *profile = view->profile;
    struct value_types made = {.period = (double)profile->period};
    for (column_ix c = 0; c < profile->n_columns; c++) {
        const struct column *column = &profile->columns[c];
        const struct span name = strings_span(profile->strings, column->name);
        if (profile->kind == PROFILE_CONTENTION && span_is(name, "mean_delay"))
            continue;
        if (c == view->column)
            made.shown = column->name;
        made.types[made.n++] = (struct value_type){
            .name = column->name, .unit = column->unit, .column = c, .times = 1};
    }
    if (profile->kind == PROFILE_CPU && profile->period > 0 && made.n) {
        const double nanoseconds = (double)profile->period * 1000;
        made.period = nanoseconds;
        made.shown = strings_add_text(profile->strings, "cpu");
        made.types[made.n++] = (struct value_type){
            .name = made.shown,
            .unit = strings_add_text(profile->strings, "nanoseconds"),
            .column = view->column,
            .times = nanoseconds,
        };
    }
    find_period(profile, &made);
    return made;
}

/* ---- writing ------------------------------------------------------------------------------------
 */

static void put_type(struct writer *w, uint32_t field, str_id name, str_id unit)
{
    const size_t mark = wire_begin(&w->bytes, field);
    wire_number(&w->bytes, 1, text_id(w, name));
    wire_number(&w->bytes, 2, text_id(w, unit));
    wire_end(&w->bytes, mark);
}

static int64_t nearest(double value)
{
    return units_to_i64(value < 0 ? value - 0.5 : value + 0.5);
}

static void put_labels(struct writer *w, str_id labels)
{
    const struct strings *strings = w->view->profile->strings;
    const uint32_t n = labels_count(strings, labels);
    for (uint32_t i = 0; i < n; i++) {
        const struct label label = labels_at(strings, labels, i);
        const size_t mark = wire_begin(&w->bytes, 3);
        wire_number(&w->bytes, 1, text_id(w, label.key));
        wire_number(&w->bytes, 2, text_id(w, label.text));
        wire_number(&w->bytes, 3, (uint64_t)label.number);
        wire_number(&w->bytes, 4, text_id(w, label.unit));
        wire_end(&w->bytes, mark);
    }
}

/* A sample of these values, by column; none where they are all 0. */
static void put_sample(struct writer *w, const struct value_types *types, const double *row,
                       uint32_t s, str_id labels)
{
    const struct view *view = w->view;
    int64_t values[COLUMNS_MAX + 1];
    bool has_any = false;
    for (uint32_t i = 0; i < types->n; i++) {
        values[i] = nearest(row[types->types[i].column] * types->types[i].times);
        has_any |= values[i] != 0;
    }
    for (uint32_t i = 0; i < types->n; i++) {
        const struct value_type *type = &types->types[i];
        if (type->times != 1)
            continue; /* another of the columns once more */
        tally_add(w->report, TALLY_ROWS, type->column, (double)values[i]);
        tally_add(w->report, TALLY_ROUNDED, type->column, row[type->column] - (double)values[i]);
    }
    if (!has_any)
        return;
    const size_t mark = wire_begin(&w->bytes, FIELD_SAMPLE);
    size_t packed = wire_begin(&w->bytes, 1);
    for (uint32_t k = view->stack_at[s]; k < view->stack_at[s + 1]; k++)
        wire_put(&w->bytes, w->location_of[view->stack_addr[k]]);
    wire_end(&w->bytes, packed);
    packed = wire_begin(&w->bytes, 2);
    for (uint32_t i = 0; i < types->n; i++)
        wire_put(&w->bytes, (uint64_t)values[i]);
    wire_end(&w->bytes, packed);
    put_labels(w, labels);
    wire_end(&w->bytes, mark);
}

/* A sample for each part that came with labels, and one for the rest. */
static void put_stack(struct writer *w, const struct value_types *types, const double *columns,
                      const struct view_parts *split, uint32_t s)
{
    const struct view *view = w->view;
    const struct profile *profile = view->profile;
    double rest[COLUMNS_MAX] = {0};
    for (column_ix c = 0; c < profile->n_columns; c++)
        rest[c] = columns[(size_t)c * view->n_stacks + s];
    for (uint32_t k = split->at[s]; k < split->at[s + 1]; k++) {
        const uint32_t part = split->part[k];
        const double *row = profile->parts.value + (size_t)part * profile->n_columns;
        put_sample(w, types, row, s, profile->parts.labels[part]);
        for (column_ix c = 0; c < profile->n_columns; c++)
            rest[c] -= row[c];
    }
    put_sample(w, types, rest, s, 0);
}

static void put_map(struct writer *w, map_ix m)
{
    const struct mapping *map = &w->view->profile->maps[m];
    const struct mapping_use *use = &w->uses[m];
    const size_t mark = wire_begin(&w->bytes, FIELD_MAPPING);
    wire_number(&w->bytes, 1, use->id);
    wire_number(&w->bytes, 2, map->start);
    wire_number(&w->bytes, 3, map->limit);
    wire_number(&w->bytes, 4, map->offset);
    wire_number(&w->bytes, 5, text_id(w, map->path));
    wire_number(&w->bytes, 6, text_id(w, map->build_id));
    wire_number(&w->bytes, 7, use->has_functions);
    wire_number(&w->bytes, 8, use->has_files);
    wire_number(&w->bytes, 9, use->has_lines);
    wire_number(&w->bytes, 10, use->has_inlined);
    wire_end(&w->bytes, mark);
}

static void put_location(struct writer *w, addr_ix addr)
{
    const struct view *view = w->view;
    const uint32_t n = count_frames(view, addr);
    const uint64_t pc = view->profile->addr_pc[addr];
    const bool is_made_up = n && pc >= PC_MADE_UP && pc < 2 * PC_MADE_UP;
    const map_ix m = find_map(view->profile, addr);
    const size_t mark = wire_begin(&w->bytes, FIELD_LOCATION);
    wire_number(&w->bytes, 1, w->location_of[addr]);
    wire_number(&w->bytes, 2, m == MAP_NONE ? 0 : w->uses[m].id);
    wire_number(&w->bytes, 3, is_made_up ? 0 : pc);
    for (uint32_t i = 0; i < n; i++) {
        const struct frame *frame = view_frame(view, addr, i);
        const size_t line = wire_begin(&w->bytes, 4);
        wire_number(&w->bytes, 1, function_id(w, frame));
        wire_number(&w->bytes, 2, line_of(frame));
        wire_end(&w->bytes, line);
    }
    wire_end(&w->bytes, mark);
}

/* Later: the name as the linker knows it, where a symbol gave it. */
static void put_function(struct writer *w, uint32_t at)
{
    const uint32_t name = text_id(w, w->functions[at].name);
    const size_t mark = wire_begin(&w->bytes, FIELD_FUNCTION);
    wire_number(&w->bytes, 1, at + 1);
    wire_number(&w->bytes, 2, name);
    wire_number(&w->bytes, 3, name);
    wire_number(&w->bytes, 4, text_id(w, w->functions[at].file));
    wire_end(&w->bytes, mark);
}

static void put_texts(struct writer *w)
{
    for (uint32_t i = 0; i < w->n_texts; i++) {
        const size_t mark = wire_begin(&w->bytes, FIELD_TEXT);
        buf_utf8(&w->bytes, strings_span(w->view->profile->strings, w->texts[i]));
        wire_end(&w->bytes, mark);
    }
}

static void put_all(struct writer *w, const struct report *report)
{
    const struct view *view = w->view;
    const struct value_types types = choose_types(view);
    const double *columns = view_columns(view);
    const uint32_t *order = view_stack_order(view);
    const struct view_parts split = view_parts(view);
    (void)text_id(w, 0); /* the first text is the empty one */
    number_all(w, order, view_nonzero(view, columns, &split));
    for (uint32_t i = 0; i < types.n; i++)
        put_type(w, FIELD_SAMPLE_TYPE, types.types[i].name, types.types[i].unit);
    for (uint32_t i = 0; i < view->n_stacks; i++)
        put_stack(w, &types, columns, &split, order[i]);
    for (uint32_t i = 0; i < w->n_maps; i++)
        put_map(w, w->maps[i]);
    for (uint32_t i = 0; i < w->n_locations; i++)
        put_location(w, w->locations[i]);
    for (uint32_t i = 0; i < w->n_functions; i++)
        put_function(w, i);
    if (types.period_name && types.period > 0) {
        struct strings *strings = view->profile->strings;
        put_type(w, FIELD_PERIOD_TYPE, strings_add_text(strings, types.period_name),
                 strings_add_text(strings, types.period_unit));
        wire_number(&w->bytes, FIELD_PERIOD, (uint64_t)units_to_i64(types.period));
    }
    for (uint32_t i = 0; i < view->profile->n_comments; i++)
        wire_number(&w->bytes, FIELD_COMMENT, text_id(w, view->profile->comments[i]));
    wire_number(&w->bytes, FIELD_DEFAULT_TYPE, text_id(w, types.shown));
    if (view->profile->time_ns)
        wire_number(&w->bytes, FIELD_TIME, (uint64_t)view->profile->time_ns);
    else if (report->options->date > 0)
        wire_number(&w->bytes, FIELD_TIME, (uint64_t)report->options->date * 1000000000);
    if (view->profile->duration_ns)
        wire_number(&w->bytes, FIELD_DURATION, (uint64_t)view->profile->duration_ns);
    put_texts(w);
}

static bool emit(const struct report *report, struct out *out, struct error *err)
{
    const struct profile *profile = report->view->profile;
    struct arena *arena = report->arena;
    struct writer w = {
        .report = report,
        .view = report->view,
        .bytes = BUF_MAX(BYTES_MAX),
        .uses = arena_alloc(arena, profile->n_maps, sizeof *w.uses),
        .maps = arena_alloc(arena, profile->n_maps, sizeof *w.maps),
        .location_of = arena_alloc(arena, profile->n_addrs, sizeof *w.location_of),
        .locations = arena_alloc(arena, profile->n_addrs, sizeof *w.locations),
    };
    put_all(&w, report);
    struct buf packed = BUF_MAX(BYTES_MAX);
    const bool is_whole = !w.bytes.is_full && gzip_pack(buf_span(&w.bytes), &packed);
    if (is_whole)
        out_bytes(out, buf_span(&packed));
    buf_free(&packed);
    buf_free(&w.bytes);
    idmap_free(&w.text_ids);
    idmap_free(&w.function_ids);
    base_free(w.texts);
    base_free(w.functions);
    return is_whole ||
           error_set(err, ERROR_LIMIT, "the profile has more than %zu bytes", BYTES_MAX);
}

const struct emitter proto_emitter = {
    .name = "proto",
    .help = "profile.proto, for google/pprof and its kin",
    .extension = "pb.gz",
    .more = "The stacks that are left after filters, with the values of all columns and all names "
            "that were found, packed with gzip. To samples of CPU time their duration is added.",
    .form = OUTPUT_BYTES,
    .grain = GRANULARITY_ADDRESSES,
    .has_fixed_grain = true,
    .is_single = true,
    .emit = emit,
};
