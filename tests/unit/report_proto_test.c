/* SPDX-License-Identifier: BSD-3-Clause
 *
 * report/proto.c: what it writes, field by field, and that it is read back as the view it was. */
#include "graph_unit.h"

#include "base/file.h"
#include "base/wire.h"
#include "reader/reader.h"
#include "report/report.h"

/* The unpacked message, in the arena's memory; *packed, if wanted, is as it was written. */
static struct span emit_with(struct fixture *f, struct report_options options, struct span *packed)
{
    const struct emitter *emitter = emitter_find(span_of("proto"));
    assert_non_null(emitter);
    struct buf bytes = BUF_MAX(1 << 20);
    struct out *out = out_to_buf(&bytes);
    const struct report report = {
        .view = &f->view, .options = &options, .notes = &f->notes, .arena = f->arena};
    struct error err = {0};
    assert_true(emitter->emit(&report, out, &err));
    assert_true(out_close(out, &err));
    if (packed)
        *packed = span_make(arena_text(f->arena, buf_span(&bytes)), bytes.n);
    struct file file = {.bytes = buf_span(&bytes), .name = calloc(1, 1)};
    assert_true(file_unpack(&file, 1 << 20, &f->notes, &err));
    const struct span made = span_make(arena_text(f->arena, file.bytes), file.bytes.n);
    file_close(&file);
    buf_free(&bytes);
    return made;
}

static struct span emit(struct fixture *f)
{
    return emit_with(f, (struct report_options){0}, NULL);
}

/* "NUMBER:VALUE" for each field; messages in braces, packed numbers in brackets, as `shape` says by
 * field: 'm' message, 'p' packed, 't' text. */
static void dump(struct span message, const char *const shapes[], const char *shape,
                 struct buf *out)
{
    struct cursor c = cursor_over(message, CURSOR_LITTLE);
    struct wire_field field;
    for (bool is_first = true; wire_next(&c, &field); is_first = false) {
        if (!is_first)
            buf_byte(out, ' ');
        buf_printf(out, "%u:", field.number);
        if (field.type != WIRE_BYTES) {
            buf_printf(out, "%llx", (unsigned long long)field.value);
            continue;
        }
        assert_true(field.number <= strlen(shape));
        const char kind = shape[field.number - 1];
        if (kind == 't') {
            buf_printf(out, "'%.*s'", (int)field.bytes.n, field.bytes.p);
        } else if (kind == 'p') {
            uint64_t value;
            struct wire_numbers numbers = wire_numbers_of(&field);
            buf_byte(out, '[');
            for (bool is_one = true; wire_take(&numbers, &value); is_one = false)
                buf_printf(out, "%s%lld", is_one ? "" : " ", (long long)value);
            buf_byte(out, ']');
        } else {
            assert_int_equal(kind, 'm');
            buf_byte(out, '{');
            dump(field.bytes, NULL, shapes ? shapes[field.number] : "", out);
            buf_byte(out, '}');
        }
    }
    assert_false(cursor_failed(&c));
}

static void assert_message(struct span message, const char *wanted)
{
    static const char *const shapes[] = {
        [1] = "", [2] = "pp", [3] = "", [4] = "   m", [5] = "", [11] = "",
    };
    struct buf out = BUF_MAX(1 << 20);
    struct cursor c = cursor_over(message, CURSOR_LITTLE);
    struct wire_field field;
    const char *from = message.p;
    /* A line a field. */
    while (wire_next(&c, &field)) {
        const char *end = (const char *)c.at;
        dump(span_make(from, (size_t)(end - from)), shapes, "mmmmmt    m", &out);
        buf_byte(&out, '\n');
        from = end;
    }
    assert_false(cursor_failed(&c));
    assert_string_equal(buf_c(&out), wanted);
    buf_free(&out);
}

static struct mapping mapping(struct fixture *f, uint64_t start, const char *path, const char *id)
{
    return (struct mapping){
        .start = start,
        .limit = start + 0x1000,
        .offset = 0x200,
        .path = strings_add_text(f->strings, path),
        .build_id = strings_add_text(f->strings, id),
    };
}

static void make_cpu(struct fixture *f)
{
    fixture_begin(f, PROFILE_CPU);
    const struct mapping prog = mapping(f, 0x1000, "/bin/prog", "abcd");
    const struct mapping lib = mapping(f, 0x5000, "/lib/libx.so", "");
    const struct mapping idle = mapping(f, 0x9000, "/lib/libidle.so", "");
    builder_mapping(f->builder, &lib);
    builder_mapping(f->builder, &prog);
    builder_mapping(f->builder, &idle);
    builder_period(f->builder, 10000);
    SAMPLE(f, 5, 0x1020, 0x1010);
    SAMPLE(f, 2.6, 0x5010, 0x1010);
    SAMPLE(f, 0.2, 0x5020);
    fixture_seal(f);
    f->profile.maps[0].is_program = true;
    fixture_frame(
        f, 0x1010,
        (struct frame_text){
            .name = "inner", .full = "inner(int)", .file = "a.h", .line = 7, .is_inlined = true});
    fixture_frame(f, 0x1010,
                  (struct frame_text){.name = "main", .full = "main()", .file = "a.c", .line = 9});
    fixture_name(f, 0x1020, "leaf");
    fixture_view(f, NULL);
}

/* Hexadecimal, but for packed numbers. */
static void everything_is_written(void **state)
{
    (void)state;
    struct fixture f;
    make_cpu(&f);
    assert_message(emit(&f), "1:{1:1 2:2}\n"
                             "1:{1:3 2:4}\n"
                             "2:{1:[1 2] 2:[5 50000000]}\n"
                             "2:{1:[3 2] 2:[3 26000000]}\n"
                             "2:{1:[4] 2:[0 2000000]}\n"
                             "3:{1:1 2:1000 3:2000 4:200 5:5 6:6 7:1 8:1 9:1 10:1}\n"
                             "3:{1:2 2:5000 3:6000 4:200 5:7}\n"
                             "4:{1:1 2:1 3:1020 4:{1:1}}\n"
                             "4:{1:2 2:1 3:1010 4:{1:2 2:7} 4:{1:3 2:9}}\n"
                             "4:{1:3 2:2 3:5010}\n"
                             "4:{1:4 2:2 3:5020}\n"
                             "5:{1:1 2:8 3:8}\n"
                             "5:{1:2 2:9 3:9 4:a}\n"
                             "5:{1:3 2:b 3:b 4:c}\n"
                             "11:{1:3 2:4}\n"
                             "12:989680\n"
                             "14:3\n"
                             "6:''\n"
                             "6:'samples'\n"
                             "6:'count'\n"
                             "6:'cpu'\n"
                             "6:'nanoseconds'\n"
                             "6:'/bin/prog'\n"
                             "6:'abcd'\n"
                             "6:'/lib/libx.so'\n"
                             "6:'leaf'\n"
                             "6:'inner(int)'\n"
                             "6:'a.h'\n"
                             "6:'main()'\n"
                             "6:'a.c'\n");
    fixture_end(&f);
}

static void only_what_is_in_view(void **state)
{
    (void)state;
    struct fixture f;
    make_cpu(&f);
    struct error err = {0};
    struct regex *focus = regex_new("--focus", span_of("leaf"), &err);
    fixture_view(&f, &(struct view_options){.focus = focus});
    assert_message(emit_with(&f, (struct report_options){.date = 1000000000}, NULL),
                   "1:{1:1 2:2}\n"
                   "1:{1:3 2:4}\n"
                   "2:{1:[1 2] 2:[5 50000000]}\n"
                   "3:{1:1 2:1000 3:2000 4:200 5:5 6:6 7:1 8:1 9:1 10:1}\n"
                   "4:{1:1 2:1 3:1020 4:{1:1}}\n"
                   "4:{1:2 2:1 3:1010 4:{1:2 2:7} 4:{1:3 2:9}}\n"
                   "5:{1:1 2:7 3:7}\n"
                   "5:{1:2 2:8 3:8 4:9}\n"
                   "5:{1:3 2:a 3:a 4:b}\n"
                   "11:{1:3 2:4}\n"
                   "12:989680\n"
                   "14:3\n"
                   "9:de0b6b3a7640000\n"
                   "6:''\n"
                   "6:'samples'\n"
                   "6:'count'\n"
                   "6:'cpu'\n"
                   "6:'nanoseconds'\n"
                   "6:'/bin/prog'\n"
                   "6:'abcd'\n"
                   "6:'leaf'\n"
                   "6:'inner(int)'\n"
                   "6:'a.h'\n"
                   "6:'main()'\n"
                   "6:'a.c'\n");
    regex_free(focus);
    fixture_end(&f);
}

/* Heaps have four columns and no period of time; the column that is asked for is the one to show.
 */
static void all_columns_and_the_one_that_is_shown(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_HEAP);
    builder_period(f.builder, 4096);
    builder_add(f.builder, builder_stack(f.builder, (const uint64_t[]){0x10}, 1), 0,
                (const double[]){1, -2.5, 3, INT64_C(1) << 40});
    builder_add(f.builder, builder_stack(f.builder, NULL, 0), 0, (const double[]){0, 0, 1, 1});
    builder_add(f.builder, builder_stack(f.builder, (const uint64_t[]){0x20}, 1), 0,
                (const double[]){0, 0, 0, 0});
    fixture_seal(&f);
    fixture_state(&f, 0x10, ADDRESS_BLANK);
    fixture_view(&f, &(struct view_options){.column = "alloc_space"});
    assert_message(emit(&f), "1:{1:1 2:2}\n"
                             "1:{1:3 2:4}\n"
                             "1:{1:5 2:2}\n"
                             "1:{1:6 2:4}\n"
                             "2:{1:[] 2:[0 0 1 1]}\n"
                             "2:{1:[1] 2:[1 -3 3 1099511627776]}\n"
                             "4:{1:1 3:10}\n"
                             "11:{1:7 2:4}\n"
                             "12:1000\n"
                             "14:6\n"
                             "6:''\n"
                             "6:'inuse_objects'\n"
                             "6:'count'\n"
                             "6:'inuse_space'\n"
                             "6:'bytes'\n"
                             "6:'alloc_objects'\n"
                             "6:'alloc_space'\n"
                             "6:'space'\n");
    fixture_end(&f);
}

/* A mean is nothing to add up; a place without an address has none here either. */
static void means_and_made_up_addresses_stay_here(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_CONTENTION);
    SAMPLE(&f, 4, PC_MADE_UP + 1, PC_MADE_UP + 2);
    fixture_seal(&f);
    fixture_frame(&f, PC_MADE_UP + 1, (struct frame_text){.name = "lock", .file = "a.py"});
    fixture_view(&f, &(struct view_options){.column = "mean_delay"});
    assert_message(emit(&f), "1:{1:1 2:2}\n"
                             "1:{1:3 2:4}\n"
                             "2:{1:[1 2] 2:[4 4]}\n"
                             "4:{1:1 4:{1:1}}\n"
                             "4:{1:2 3:4000000000000002}\n"
                             "5:{1:1 2:5 3:5 4:6}\n"
                             "6:''\n"
                             "6:'contentions'\n"
                             "6:'count'\n"
                             "6:'delay'\n"
                             "6:'nanoseconds'\n"
                             "6:'lock'\n"
                             "6:'a.py'\n");
    fixture_end(&f);
}

/* A program at fixed addresses is looked up without its mapping, and has it all the same. */
static void a_fixed_program_keeps_its_mapping(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_OTHER);
    const struct mapping prog = mapping(&f, 0x401000, "/bin/prog", "");
    builder_mapping(f.builder, &prog);
    SAMPLE(&f, 4, 0x401010, 0x403000);
    fixture_seal(&f);
    f.profile.maps[0].is_program = true;
    f.profile.addr_map[fixture_address(&f, 0x401010)] = MAP_NONE;
    fixture_carried(&f, 0x401010, "main");
    fixture_view(&f, NULL);
    assert_message(emit(&f), "1:{1:1 2:2}\n"
                             "2:{1:[1 2] 2:[4]}\n"
                             "3:{1:1 2:401000 3:402000 4:200 5:3 7:1}\n"
                             "4:{1:1 2:1 3:401010 4:{1:1}}\n"
                             "4:{1:2 3:403000}\n"
                             "5:{1:1 2:4 3:4}\n"
                             "14:1\n"
                             "6:''\n"
                             "6:'samples'\n"
                             "6:'count'\n"
                             "6:'/bin/prog'\n"
                             "6:'main'\n");
    fixture_end(&f);
}

static void an_empty_profile_is_one_too(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_CPU);
    fixture_seal(&f);
    fixture_view(&f, NULL);
    assert_message(emit(&f), "1:{1:1 2:2}\n14:1\n6:''\n6:'samples'\n6:'count'\n");
    fixture_end(&f);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct fixture f;
    make_cpu(&f);
    const struct span bytes = emit(&f);
    const struct read_job job = {
        .strings = f.strings, .limits = limits_default(), .name = "x", .notes = &f.notes};
    struct profile back;
    struct error err = {0};
    assert_true(reader_is_profile(bytes));
    assert_true(reader_read(bytes, NULL, &job, &back, &err));
    assert_int_equal(back.n_columns, 2);
    assert_int_equal(back.default_column, 1);
    assert_int_equal(back.n_stacks, 3);
    assert_true(back.sample_value[back.n_samples] == 50000000);
    assert_int_equal(back.n_maps, 2);
    assert_int_equal(back.n_carried, 2);
    assert_string_equal(strings_text(f.strings, back.carried_frames[0].name), "inner(int)");
    assert_string_equal(strings_text(f.strings, back.carried_frames[1].file), "a.c");
    assert_string_equal(strings_text(f.strings, back.program), "/bin/prog");
    profile_free(&back);
    fixture_end(&f);
}

static void the_same_bytes_each_time(void **state)
{
    (void)state;
    struct span packed[2];
    struct fixture f[2];
    for (int i = 0; i < 2; i++) {
        make_cpu(&f[i]);
        (void)emit_with(&f[i], (struct report_options){0}, &packed[i]);
    }
    assert_true(span_equal(packed[0], packed[1]));
    assert_memory_equal(packed[0].p, "\x1f\x8b\x08\x00\x00\x00\x00\x00", 8); /* no time */
    for (int i = 0; i < 2; i++)
        fixture_end(&f[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_written),
        cmocka_unit_test(only_what_is_in_view),
        cmocka_unit_test(all_columns_and_the_one_that_is_shown),
        cmocka_unit_test(means_and_made_up_addresses_stay_here),
        cmocka_unit_test(a_fixed_program_keeps_its_mapping),
        cmocka_unit_test(an_empty_profile_is_one_too),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(the_same_bytes_each_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
