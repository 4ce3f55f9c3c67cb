/* SPDX-License-Identifier: BSD-3-Clause
 *
 * reader/proto.c: profiles built by hand, field by field, and what is wrong with damaged ones. */
#include "base_unit.h"

#include "base/wire.h"
#include "reader/reader.h"

/* ---- writing ------------------------------------------------------------------------------------
 */

static const char *texts[64];
static uint32_t n_texts;
static struct buf file;

static void start(void)
{
    n_texts = 0;
    texts[n_texts++] = "";
    buf_free(&file);
    file = BUF_MAX(1 << 20);
}

static uint64_t text(const char *wanted)
{
    for (uint32_t i = 0; i < n_texts; i++) {
        if (strcmp(texts[i], wanted) == 0)
            return i;
    }
    assert_true(n_texts < COUNT_OF(texts));
    texts[n_texts] = wanted;
    return n_texts++;
}

static void put_type(const char *type, const char *unit)
{
    const size_t mark = wire_begin(&file, 1);
    wire_number(&file, 1, text(type));
    wire_number(&file, 2, text(unit));
    wire_end(&file, mark);
}

static void put_sample(const uint64_t *ids, size_t n_ids, const int64_t *values, size_t n_values,
                       bool is_packed)
{
    const size_t mark = wire_begin(&file, 2);
    size_t inner = is_packed ? wire_begin(&file, 1) : 0;
    for (size_t i = 0; i < n_ids; i++) {
        if (is_packed)
            wire_put(&file, ids[i]);
        else
            wire_number(&file, 1, ids[i]);
    }
    if (is_packed)
        wire_end(&file, inner);
    inner = is_packed ? wire_begin(&file, 2) : 0;
    for (size_t i = 0; i < n_values; i++) {
        if (!is_packed)
            wire_put(&file, 2 << 3);
        wire_put(&file, (uint64_t)values[i]);
    }
    if (is_packed)
        wire_end(&file, inner);
    wire_end(&file, mark);
}

#define IDS(...)    (const uint64_t[]){__VA_ARGS__}, sizeof((uint64_t[]){__VA_ARGS__}) / 8
#define VALUES(...) (const int64_t[]){__VA_ARGS__}, sizeof((int64_t[]){__VA_ARGS__}) / 8

static void put_mapping(uint64_t id, uint64_t first, uint64_t limit, uint64_t offset,
                        const char *path, const char *build_id)
{
    const size_t mark = wire_begin(&file, 3);
    wire_number(&file, 1, id);
    wire_number(&file, 2, first);
    wire_number(&file, 3, limit);
    wire_number(&file, 4, offset);
    wire_number(&file, 5, text(path));
    wire_number(&file, 6, text(build_id));
    wire_end(&file, mark);
}

/* Lines of (function, line). */
static void put_location(uint64_t id, uint64_t address, const uint64_t (*lines)[2], size_t n)
{
    const size_t mark = wire_begin(&file, 4);
    wire_number(&file, 1, id);
    wire_number(&file, 3, address);
    for (size_t i = 0; i < n; i++) {
        const size_t line = wire_begin(&file, 4);
        wire_number(&file, 1, lines[i][0]);
        wire_number(&file, 2, lines[i][1]);
        wire_end(&file, line);
    }
    wire_end(&file, mark);
}

#define LINES(...)                                                                                 \
    (const uint64_t[][2]){__VA_ARGS__}, sizeof((uint64_t[][2]){__VA_ARGS__}) / (2 * 8)

static void put_function(uint64_t id, const char *name, const char *system_name, const char *path)
{
    const size_t mark = wire_begin(&file, 5);
    wire_number(&file, 1, id);
    wire_number(&file, 2, text(name));
    wire_number(&file, 3, text(system_name));
    wire_number(&file, 4, text(path));
    wire_end(&file, mark);
}

static void put_texts(void)
{
    for (uint32_t i = 0; i < n_texts; i++) {
        const size_t mark = wire_begin(&file, 6);
        buf_text(&file, texts[i]);
        wire_end(&file, mark);
    }
}

/* ---- reading ------------------------------------------------------------------------------------
 */

static struct strings *strings;
static struct profile profile;
static struct notes notes;
static struct error err;

static void forget(void)
{
    profile_free(&profile);
    profile = (struct profile){0};
    notes_free(&notes);
    notes = (struct notes){0};
}

static bool read_bytes(struct span bytes)
{
    forget();
    if (!strings)
        strings = strings_new();
    const struct read_job job = {
        .strings = strings,
        .limits = limits_default(),
        .name = "x.pb",
        .notes = &notes,
    };
    /* In memory of just that size. */
    char *exact = malloc(bytes.n ? bytes.n : 1);
    memcpy(exact, bytes.p, bytes.n);
    const bool is_read =
        reader_read(span_make(exact, bytes.n), reader_find(span_of("proto")), &job, &profile, &err);
    free(exact);
    return is_read;
}

static void read_file(void)
{
    if (!read_bytes(buf_span(&file)))
        fail_msg("%s", err.text);
}

static void refuse_file(const char *wanted)
{
    assert_false(read_bytes(buf_span(&file)));
    assert_string_equal(err.text, wanted);
}

static int teardown(void **state)
{
    (void)state;
    forget();
    strings_free(strings);
    strings = NULL;
    buf_free(&file);
    return 0;
}

static const char *in_strings(str_id id)
{
    return strings_text(strings, id);
}

/* "pc[name file:line; ...] pc[...]", addresses that are made up as "-". */
static const char *stack_text(stack_ix s)
{
    static char out[1024];
    size_t n = 0;
    out[0] = '\0';
    for (uint32_t i = profile.stack_at[s]; i < profile.stack_at[s + 1]; i++) {
        const uint64_t pc = profile.addr_pc[profile.stack_addr[i]];
        const char *space = n ? " " : "";
        if (pc >= PC_MADE_UP && pc < 2 * PC_MADE_UP)
            n += (size_t)snprintf(out + n, sizeof out - n, "%s-", space);
        else
            n += (size_t)snprintf(out + n, sizeof out - n, "%s%llx", space, (unsigned long long)pc);
        for (uint32_t k = 0; k < profile.n_carried; k++) {
            if (profile.carried_pc[k] != pc)
                continue;
            const uint32_t at = profile.carried_at[k];
            for (uint32_t f = at; f < profile.carried_at[k + 1]; f++) {
                const struct carried_frame *frame = &profile.carried_frames[f];
                n +=
                    (size_t)snprintf(out + n, sizeof out - n, "%s%s %s:%u", f == at ? "[" : "; ",
                                     in_strings(frame->name), in_strings(frame->file), frame->line);
            }
            n += (size_t)snprintf(out + n, sizeof out - n, "]");
        }
    }
    return out;
}

static double value(column_ix column, uint32_t sample)
{
    assert_true(column < profile.n_columns && sample < profile.n_samples);
    return profile.sample_value[(size_t)column * profile.n_samples + sample];
}

static void check_column(column_ix column, const char *name, const char *unit)
{
    assert_true(column < profile.n_columns);
    assert_string_equal(in_strings(profile.columns[column].name), name);
    assert_string_equal(in_strings(profile.columns[column].unit), unit);
}

/* ---- tests --------------------------------------------------------------------------------------
 */

static void put_cpu(bool is_packed)
{
    start();
    put_type("samples", "count");
    put_type("cpu", "nanoseconds");
    put_sample(IDS(1, 2), VALUES(3, 30), is_packed);
    put_sample(IDS(3, 2), VALUES(1, 10), is_packed);
    put_sample(IDS(1, 2), VALUES(-2, 5), is_packed);
    put_mapping(1, 0x400000, 0x500000, 0x1000, "/bin/prog (deleted)", "0aFF");
    put_mapping(2, 0x7f0000000000, 0x7f0000001000, 0, "/lib/libx.so.1", "not/hex");
    put_mapping(3, 0x7fff00000000, 0x7fff00001000, 0, "[vdso]", "");
    put_location(1, 0x400100, LINES({1, 10}, {2, 20}));
    put_location(2, 0x400200, LINES({2, 21}));
    put_location(3, 0x7f0000000010, NULL, 0);
    put_function(1, "inner()", "_Z5innerv", "a.c");
    put_function(2, "", "outer", "");
    wire_number(&file, 9, 123456);
    wire_number(&file, 12, 10000000);
    put_texts();
}

static void all_parts_of_a_profile(void **state)
{
    (void)state;
    for (int is_packed = 0; is_packed < 2; is_packed++) {
        put_cpu(is_packed);
        read_file();
        assert_int_equal(profile.kind, PROFILE_OTHER);
        assert_int_equal(profile.n_columns, 2);
        check_column(0, "samples", "count");
        check_column(1, "cpu", "nanoseconds");
        assert_int_equal(profile.default_column, 1);
        assert_int_equal(profile.period, 10000000);
        assert_false(profile.is_symbolized);
        assert_string_equal(in_strings(profile.program), "/bin/prog");

        assert_int_equal(profile.n_samples, 2);
        assert_int_equal(value(0, 0), 1);
        assert_int_equal(value(1, 0), 35);
        assert_int_equal(value(0, 1), 1);
        assert_int_equal(value(1, 1), 10);
        assert_string_equal(stack_text(0), "400100[inner() a.c:10; outer ??:0] 400200[outer ??:0]");
        assert_string_equal(stack_text(1), "7f0000000010 400200[outer ??:0]");

        assert_int_equal(profile.n_maps, 3);
        const struct mapping *map = profile.maps;
        assert_true(map[2].is_vdso && !map[0].is_vdso);
        assert_true(map[0].start == 0x400000 && map[0].limit == 0x500000);
        assert_int_equal(map[0].offset, 0x1000);
        assert_string_equal(in_strings(map[0].path), "/bin/prog");
        assert_string_equal(in_strings(map[0].build_id), "0aff");
        assert_true(map[0].is_deleted && !map[0].is_library);
        assert_string_equal(in_strings(map[1].path), "/lib/libx.so.1");
        assert_string_equal(in_strings(map[1].build_id), "");
        assert_true(map[1].is_library && !map[1].is_deleted);
    }
}

static void the_shown_column_is_the_default_or_the_last(void **state)
{
    (void)state;
    static const struct {
        const char *named;
        column_ix shown;
    } cases[] = {{"", 2}, {"a", 0}, {"b", 1}, {"unheard", 2}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        start();
        put_type("a", "count");
        put_type("b", "bytes");
        put_type("c", "");
        wire_number(&file, 14, text(cases[i].named));
        put_texts();
        read_file();
        assert_int_equal(profile.default_column, cases[i].shown);
        assert_int_equal(profile.n_samples, 0);
        check_column(2, "c", "");
    }
}

static void more_types_than_columns(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
    static const int64_t values[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    for (size_t shown = 0; shown < COUNT_OF(names); shown++) {
        start();
        for (size_t i = 0; i < COUNT_OF(names); i++)
            put_type(names[i], "count");
        put_sample(NULL, 0, values, COUNT_OF(values), true);
        wire_number(&file, 14, text(names[shown]));
        put_texts();
        read_file();
        assert_int_equal(profile.n_columns, COLUMNS_MAX);
        check_column(profile.default_column, names[shown], "count");
        assert_int_equal(value(profile.default_column, 0), values[shown]);
        assert_int_equal(value(3, 0), 4);
        assert_int_equal(notes.n, 1);
        assert_string_equal(notes.lines[0], "x.pb: only 8 of 10 sample types are kept");
    }
}

/* Go's order is not ours. */
static void heap_and_contention_are_known(void **state)
{
    (void)state;
    start();
    put_type("alloc_objects", "count");
    put_type("alloc_space", "bytes");
    put_type("inuse_objects", "count");
    put_type("inuse_space", "bytes");
    put_sample(IDS(1), VALUES(1, 2, 3, 4), true);
    put_location(1, 0x1000, NULL, 0);
    put_texts();
    read_file();
    assert_int_equal(profile.kind, PROFILE_HEAP);
    check_column(0, "alloc_objects", "count"); /* numbers choose as in the file */
    check_column(3, "inuse_space", "bytes");
    assert_int_equal(profile.default_column, 3);
    for (column_ix c = 0; c < 4; c++)
        assert_int_equal(value(c, 0), c + 1);

    start();
    put_type("contentions", "count");
    put_type("delay", "nanoseconds");
    put_sample(IDS(1), VALUES(4, 100), true);
    put_sample(IDS(2), VALUES(0, 100), true);
    put_location(1, 0x1000, NULL, 0);
    put_location(2, 0x2000, NULL, 0);
    put_texts();
    read_file();
    assert_int_equal(profile.kind, PROFILE_CONTENTION);
    assert_int_equal(profile.default_column, 1);
    check_column(2, "mean_delay", "nanoseconds");
    assert_int_equal(value(2, 0), 25);
    assert_int_equal(value(2, 1), 0);

    start(); /* only half a heap */
    put_type("inuse_objects", "count");
    put_type("inuse_space", "bytes");
    put_texts();
    read_file();
    assert_int_equal(profile.kind, PROFILE_OTHER);
}

static void put_times(const char *unit, uint64_t period, uint64_t second_time)
{
    start();
    put_type("cpu", unit);
    put_type("samples", "count");
    put_sample(IDS(1), VALUES(30000000, 3), true);
    put_sample(IDS(2), VALUES((int64_t)second_time, 2), false);
    put_location(1, 0x1000, NULL, 0);
    put_location(2, 0x2000, NULL, 0);
    wire_number(&file, 12, period);
    wire_number(&file, 14, text("cpu"));
    put_texts();
    read_file();
}

static void samples_of_processor_time_are_known(void **state)
{
    (void)state;
    put_times("nanoseconds", 10000000, 20000000);
    assert_int_equal(profile.kind, PROFILE_CPU);
    assert_int_equal(profile.n_columns, 1);
    check_column(0, "samples", "count");
    assert_int_equal(value(0, 0), 3);
    assert_int_equal(value(0, 1), 2);
    assert_int_equal(profile.period, 10000);
    assert_true(profile.signals_left_out);

    static const struct {
        const char *unit;
        uint64_t period, second_time;
    } others[] = {
        {"nanoseconds", 10000000, 20000001}, /* not what two samples take */
        {"nanoseconds", 0, 20000000},
        {"nanoseconds", 10000001, 20000002}, /* no whole microseconds */
        {"microseconds", 10000000, 20000000},
    };
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        put_times(others[i].unit, others[i].period, others[i].second_time);
        assert_int_equal(profile.kind, PROFILE_OTHER);
        assert_int_equal(profile.n_columns, 2);
        assert_int_equal(profile.default_column, 0);
    }
}

static void put_labelled(uint32_t n_labels, uint64_t unit)
{
    start();
    put_type("n", "count");
    const size_t mark = wire_begin(&file, 2);
    wire_number(&file, 1, 1);
    wire_number(&file, 2, 7);
    for (uint32_t i = 0; i < n_labels; i++) {
        const size_t label = wire_begin(&file, 3);
        wire_number(&file, 1, text("key"));
        wire_number(&file, 3, (uint64_t)-1 - i);
        wire_number(&file, 4, unit);
        wire_end(&file, label);
    }
    wire_end(&file, mark);
    put_location(1, 0x1000, NULL, 0);
    wire_number(&file, 13, text("a note"));
    put_texts();
}

static void labels_and_comments_are_kept(void **state)
{
    (void)state;
    put_labelled(LABELS_MAX, 0);
    read_file();
    assert_int_equal(profile.parts.n, 1);
    assert_int_equal(profile.parts.value[0], 7);
    const str_id labels = profile.parts.labels[0];
    assert_int_equal(labels_count(profile.strings, labels), LABELS_MAX);
    const struct label last = labels_at(profile.strings, labels, LABELS_MAX - 1);
    assert_string_equal(in_strings(last.key), "key");
    assert_true(last.is_number);
    assert_int_equal(last.number, -LABELS_MAX);
    assert_int_equal(last.text, 0);
    assert_int_equal(profile.n_comments, 1);
    assert_string_equal(in_strings(profile.comments[0]), "a note");

    put_labelled(LABELS_MAX + 1, 0);
    refuse_file("x.pb: at byte 975: sample.label: more than 64 labels");
    put_labelled(1, 99);
    refuse_file("x.pb: at byte 14: label.num_unit: text 99 of 5");
}

static void put_places(void)
{
    start();
    put_type("n", "count");
    put_sample(IDS(1, 2), VALUES(1), true);
    put_sample(IDS(3, 4), VALUES(1), true);
    put_sample(IDS(5, 6), VALUES(1), true);
    put_sample(IDS(7, 8), VALUES(1), true);
    put_sample(IDS(9), VALUES(1), true);
    put_location(1, 0, LINES({1, 1}));
    put_location(2, 0, LINES({2, 2}));
    put_location(3, 0x1000, LINES({1, 1})); /* two names for one address */
    put_location(4, 0x1000, LINES({1, 2}));
    put_location(5, 0, LINES({1, 1})); /* the same place once more */
    put_location(6, 0x1000, NULL, 0);
    put_location(7, UINT64_C(0xffffffff81000000), LINES({3, 0}));
    put_location(8, UINT64_C(0xffffffff81000000), NULL, 0);
    put_location(9, 0, NULL, 0);
    put_function(1, "f", "", "f.py");
    put_function(2, "g", "", "f.py");
    put_function(3, "kernel", "", "");
    put_texts();
}

static void places_without_an_address_of_their_own(void **state)
{
    (void)state;
    put_places();
    read_file();
    assert_int_equal(profile.n_stacks, 5);
    assert_string_equal(stack_text(0), "-[f f.py:1] -[g f.py:2]");
    assert_string_equal(stack_text(1), "1000[f f.py:1] -[f f.py:2]");
    assert_string_equal(stack_text(2), "-[f f.py:1] 1000[f f.py:1]");
    assert_string_equal(stack_text(3), "-[kernel ??:0] ffffffff81000000");
    assert_string_equal(stack_text(4), "0");
    assert_int_equal(profile.stack_addr[profile.stack_at[0]],
                     profile.stack_addr[profile.stack_at[2]]);
}

/* Whatever else was read before, and in whatever order. */
static void equal_names_meet_across_profiles(void **state)
{
    (void)state;
    put_places();
    read_file();
    struct profile first = profile;
    profile = (struct profile){0};
    start();
    put_type("n", "count");
    put_sample(IDS(77, 3), VALUES(5), true);
    put_location(3, 0, LINES({1, 2}));
    put_location(77, 0, LINES({2, 1}));
    put_function(1, "g", "", "f.py");
    put_function(2, "f", "", "f.py");
    put_texts();
    read_file();
    struct profile second = profile, sum;
    profile = (struct profile){0};
    const struct profile *const in[] = {&first, &second};
    const int sign[] = {1, 1};
    assert_true(profile_merge(in, sign, 2, false, &sum, &err));
    profile = sum;
    assert_int_equal(profile.n_stacks, 5);
    assert_int_equal(value(0, 0), 6);
    assert_string_equal(stack_text(0), "-[f f.py:1] -[g f.py:2]");
    profile_free(&first);
    profile_free(&second);
}

static void put_moved(uint64_t base, const char *name)
{
    start();
    put_type("n", "count");
    put_sample(IDS(1), VALUES(1), true);
    put_sample(IDS(2), VALUES(1), true);
    put_mapping(1, base, base + 0x1000, 0, "/bin/pie", "abcd");
    put_location(1, base + 0x10, LINES({1, 1}));
    put_location(2, base + 0x20, NULL, 0);
    put_function(1, name, "", "f.c");
    put_texts();
}

/* One run's names do not go to what the other had at the same address. */
static void names_move_with_their_image(void **state)
{
    (void)state;
    put_moved(0x10000, "f");
    read_file();
    struct profile first = profile;
    profile = (struct profile){0};
    put_moved(0x10010, "f");
    read_file();
    struct profile second = profile, sum;
    profile = (struct profile){0};
    const struct profile *const in[] = {&first, &second};
    const int sign[] = {1, 1};
    assert_true(profile_merge(in, sign, 2, false, &sum, &err));
    profile = sum;
    assert_int_equal(profile.n_stacks, 2);
    assert_int_equal(profile.n_carried, 1);
    assert_string_equal(stack_text(0), "10010[f f.c:1]");
    assert_string_equal(stack_text(1), "10020");
    assert_int_equal(value(0, 0), 2);
    profile_free(&first);
    profile_free(&second);
}

static void unwanted_frames_are_left_out(void **state)
{
    (void)state;
    start();
    put_type("n", "count");
    put_sample(IDS(1, 2, 3), VALUES(1), true); /* malloc_hook, my_new(int), main */
    put_sample(IDS(1, 4), VALUES(2), true);    /* malloc_hook, malloc_info in main */
    put_sample(IDS(1, 1), VALUES(3), true);    /* nothing but */
    put_sample(IDS(3, 5, 3), VALUES(4), true); /* malloc_keep stays */
    put_location(1, 0x1000, LINES({1, 1}));
    put_location(2, 0x2000, LINES({2, 2}));
    put_location(3, 0x3000, LINES({3, 3}));
    put_location(4, 0x4000, LINES({4, 4}, {3, 5}));
    put_location(5, 0x5000, LINES({5, 5}));
    put_function(1, "malloc_hook", "", "");
    put_function(2, "my_new(int)", "", "");
    put_function(3, "main", "", "");
    put_function(4, "malloc_info", "", "");
    put_function(5, "malloc_keep", "", "");
    wire_number(&file, 7, text("malloc_.*|my_new|mai"));
    wire_number(&file, 8, text(".*_keep"));
    put_texts();
    read_file();
    assert_int_equal(profile.n_stacks, 4);
    assert_string_equal(stack_text(0), "3000[main ??:0]");
    assert_string_equal(stack_text(1), "1000[malloc_hook ??:0] 4000[main ??:0]");
    assert_string_equal(stack_text(2), "1000[malloc_hook ??:0] 1000[malloc_hook ??:0]");
    assert_string_equal(stack_text(3), "3000[main ??:0] 5000[malloc_keep ??:0] 3000[main ??:0]");
}

static void a_broken_expression_leaves_out_nothing(void **state)
{
    (void)state;
    start();
    put_type("n", "count");
    put_sample(IDS(1), VALUES(1), true);
    put_location(1, 0x1000, LINES({1, 1}));
    put_function(1, "f", "", "");
    wire_number(&file, 7, text("f("));
    put_texts();
    read_file();
    assert_string_equal(stack_text(0), "1000[f ??:0]");
    assert_int_equal(notes.n, 1);
    assert_non_null(strstr(notes.lines[0], "x.pb: drop_frames"));
}

static void odd_but_sound(void **state)
{
    (void)state;
    start();
    put_type("n", "count");
    put_sample(IDS(9), VALUES(INT64_C(1) << 40), true);
    put_sample(NULL, 0, VALUES(7), true);
    put_location(9, 0x1000, LINES({0, 5}, {1, UINT64_MAX}, {2, UINT32_MAX}));
    put_function(1, "f", "", "f.c");
    put_function(2, "", "", "g.c");
    wire_bytes(&file, 31, span_of("from a later version"));
    wire_number(&file, 500, 1);
    put_texts();
    read_file();
    assert_string_equal(stack_text(0), "1000[f f.c:0]");
    assert_string_equal(stack_text(1), "");
    assert_true(value(0, 0) == (double)(INT64_C(1) << 40));
    assert_int_equal(value(0, 1), 7);
}

/* ---- what is wrong ------------------------------------------------------------------------------
 */

static void indices_are_looked_up(void **state)
{
    (void)state;
    start();
    put_texts();
    refuse_file("x.pb: the profile has no sample type");

    start();
    text("a");
    const size_t type = wire_begin(&file, 1);
    wire_number(&file, 1, 1);
    wire_number(&file, 2, 2);
    wire_end(&file, type);
    put_texts();
    refuse_file("x.pb: at byte 2: value_type.unit: text 2 of 2");

    start();
    text("a");
    const size_t negative = wire_begin(&file, 1);
    wire_number(&file, 1, UINT64_MAX);
    wire_end(&file, negative);
    put_texts();
    refuse_file("x.pb: at byte 2: value_type.type: text -1 of 2");

    start();
    put_type("n", "count");
    put_sample(IDS(1), VALUES(1), true);
    put_texts();
    refuse_file("x.pb: at byte 8: sample.location_id: there is no location 1");

    start();
    put_type("n", "count");
    put_sample(IDS(1), VALUES(1, 2), true);
    put_location(1, 0x10, NULL, 0);
    put_texts();
    refuse_file("x.pb: at byte 8: sample.value: 2 values for 1 sample types");

    start();
    put_type("n", "count");
    put_location(1, 0x10, LINES({3, 0}));
    put_texts();
    refuse_file("x.pb: at byte 14: line.function_id: there is no function 3");

    start();
    put_type("n", "count");
    put_location(1, 0x10, NULL, 0);
    put_location(1, 0x20, NULL, 0);
    put_texts();
    refuse_file("x.pb: at byte 14: location.id: 1 comes twice");

    start();
    put_type("n", "count");
    put_function(8, "f", "", "");
    put_function(8, "f", "", "");
    put_texts();
    refuse_file("x.pb: at byte 14: function.id: 8 comes twice");

    start();
    put_type("n", "count");
    put_location(1, 0x10, LINES({1, 0}));
    const size_t function = wire_begin(&file, 5);
    wire_number(&file, 1, 1);
    wire_number(&file, 2, 99);
    wire_end(&file, function);
    put_texts();
    refuse_file("x.pb: at byte 18: function.name: text 99 of 3");

    start();
    put_type("n", "count");
    const size_t mapping = wire_begin(&file, 3);
    wire_number(&file, 5, 99);
    wire_end(&file, mapping);
    put_texts();
    refuse_file("x.pb: at byte 8: mapping.filename: text 99 of 3");

    start();
    put_type("n", "count");
    wire_number(&file, 14, 99);
    put_texts();
    refuse_file("x.pb: at byte 0: default_sample_type: text 99 of 3");

    start();
    put_type("n", "count");
    wire_number(&file, 7, 99);
    put_texts();
    refuse_file("x.pb: at byte 0: drop_frames: text 99 of 3");
}

static void damage_is_told_with_its_place(void **state)
{
    (void)state;
    start();
    put_type("n", "count");
    wire_number(&file, 2, 5); /* a sample is no number */
    refuse_file("x.pb: at byte 6: no field of a profile: the file is damaged or cut short");

    start();
    put_type("n", "count");
    wire_bytes(&file, 4, span_make("\x08\x01\x18\x80", 4));
    refuse_file("x.pb: at byte 10: no field of a location: the file is damaged or cut short");

    start();
    put_type("n", "count");
    wire_bytes(&file, 2, span_make("\x0a\x02\x01\x80", 4));
    put_location(1, 0x10, NULL, 0);
    put_texts();
    refuse_file("x.pb: at byte 11: no field of a sample: the file is damaged or cut short");

    start();
    put_type("n", "count");
    wire_bytes(&file, 4, span_make("\x22\x03\x08\x01\x0a", 5));
    put_texts();
    refuse_file("x.pb: at byte 12: no field of a line: the file is damaged or cut short");
}

/* Every beginning of a file: an error or a profile, and no byte read behind it. */
static void every_cut_is_survived(void **state)
{
    (void)state;
    put_cpu(true);
    for (size_t n = 0; n < file.n; n++)
        (void)read_bytes(span_make(file.p, n));
    assert_true(read_bytes(buf_span(&file)));
}

static void too_deep_for_the_limits(void **state)
{
    (void)state;
    put_cpu(true);
    struct limits limits = limits_default();
    limits.max_depth = 1;
    strings = strings_new();
    const struct read_job job = {.strings = strings, .limits = limits, .name = "x.pb"};
    assert_false(reader_read(buf_span(&file), NULL, &job, &profile, &err));
    assert_int_equal(err.kind, ERROR_LIMIT);
    assert_non_null(strstr(err.text, "sample.location_id: more than 1 locations"));
}

/* ---- whose file it is ---------------------------------------------------------------------------
 */

static int sniff(struct span bytes)
{
    return reader_find(span_of("proto"))->sniff(bytes);
}

static void it_is_known_by_its_structure(void **state)
{
    (void)state;
    put_cpu(true);
    assert_true(sniff(buf_span(&file)) >= 50);
    assert_true(reader_is_profile(buf_span(&file)));
    assert_false(reader_is_symbolized(buf_span(&file)));
    assert_true(sniff(span_make(file.p, file.n - 5)) >= 50);
    put_cpu(false);
    assert_true(sniff(buf_span(&file)) >= 50);

    static const char *const others[] = {
        "",
        "heap profile: 1: 2 [3: 4] @ heapprofile",
        "--- symbol\n",
        "\n\n\n\n",
        "\n0x12345 0x12345\n",
        "abc",
        "\x7f"
        "ELF\x02\x01\x01",
    };
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_int_equal(sniff(span_of(others[i])), 0);
    const uint64_t cpu[] = {0, 3, 0, 10000, 0, 1, 1, 0x400000, 0, 1, 0};
    assert_int_equal(sniff(span_make(cpu, sizeof cpu)), 0);
    const uint32_t cpu32[] = {0, 3, 0, 10000, 0, 1, 1, 0x400000, 0, 1, 0};
    assert_int_equal(sniff(span_make(cpu32, sizeof cpu32)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(all_parts_of_a_profile, teardown),
        cmocka_unit_test_teardown(the_shown_column_is_the_default_or_the_last, teardown),
        cmocka_unit_test_teardown(more_types_than_columns, teardown),
        cmocka_unit_test_teardown(heap_and_contention_are_known, teardown),
        cmocka_unit_test_teardown(samples_of_processor_time_are_known, teardown),
        cmocka_unit_test_teardown(labels_and_comments_are_kept, teardown),
        cmocka_unit_test_teardown(places_without_an_address_of_their_own, teardown),
        cmocka_unit_test_teardown(equal_names_meet_across_profiles, teardown),
        cmocka_unit_test_teardown(names_move_with_their_image, teardown),
        cmocka_unit_test_teardown(unwanted_frames_are_left_out, teardown),
        cmocka_unit_test_teardown(a_broken_expression_leaves_out_nothing, teardown),
        cmocka_unit_test_teardown(odd_but_sound, teardown),
        cmocka_unit_test_teardown(indices_are_looked_up, teardown),
        cmocka_unit_test_teardown(damage_is_told_with_its_place, teardown),
        cmocka_unit_test_teardown(every_cut_is_survived, teardown),
        cmocka_unit_test_teardown(too_deep_for_the_limits, teardown),
        cmocka_unit_test_teardown(it_is_known_by_its_structure, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
