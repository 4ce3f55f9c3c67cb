/* SPDX-License-Identifier: BSD-3-Clause
 *
 * For the tests of reader/proto.c: a profile.proto written field by field, and what came of reading
 * it. */
#pragma once

#include "base_unit.h"

#include "base/wire.h"
#include "reader/reader.h"

/* ---- writing ------------------------------------------------------------------------------------
 */

static const char *texts[64];
static uint32_t n_texts;
static struct buf file;

static inline void start(void)
{
    n_texts = 0;
    texts[n_texts++] = "";
    buf_free(&file);
    file = BUF_MAX(1 << 20);
}

static inline uint64_t text(const char *wanted)
{
    for (uint32_t i = 0; i < n_texts; i++) {
        if (strcmp(texts[i], wanted) == 0)
            return i;
    }
    assert_true(n_texts < COUNT_OF(texts));
    texts[n_texts] = wanted;
    return n_texts++;
}

static inline void put_type(const char *type, const char *unit)
{
    const size_t mark = wire_begin(&file, 1);
    wire_number(&file, 1, text(type));
    wire_number(&file, 2, text(unit));
    wire_end(&file, mark);
}

static inline void put_sample(const uint64_t *ids, size_t n_ids, const int64_t *values,
                              size_t n_values, bool is_packed)
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

static inline void put_mapping(uint64_t id, uint64_t first, uint64_t limit, uint64_t offset,
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
static inline void put_location(uint64_t id, uint64_t address, const uint64_t (*lines)[2], size_t n)
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

static inline void put_function(uint64_t id, const char *name, const char *system_name,
                                const char *path)
{
    const size_t mark = wire_begin(&file, 5);
    wire_number(&file, 1, id);
    wire_number(&file, 2, text(name));
    wire_number(&file, 3, text(system_name));
    wire_number(&file, 4, text(path));
    wire_end(&file, mark);
}

static inline void put_texts(void)
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

static inline void forget(void)
{
    profile_free(&profile);
    profile = (struct profile){0};
    notes_free(&notes);
    notes = (struct notes){0};
}

static inline bool read_bytes(struct span bytes)
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

static inline void read_file(void)
{
    if (!read_bytes(buf_span(&file)))
        fail_msg("%s", err.text);
}

static inline void refuse_file(const char *wanted)
{
    assert_false(read_bytes(buf_span(&file)));
    assert_string_equal(err.text, wanted);
}

static inline int teardown(void **state)
{
    (void)state;
    forget();
    strings_free(strings);
    strings = NULL;
    buf_free(&file);
    return 0;
}

static inline const char *in_strings(str_id id)
{
    return strings_text(strings, id);
}

/* "pc[name file:line; ...] pc[...]", addresses that are made up as "-". */
static inline const char *stack_text(stack_ix s)
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

static inline double value(column_ix column, uint32_t sample)
{
    assert_true(column < profile.n_columns && sample < profile.n_samples);
    return profile.sample_value[(size_t)column * profile.n_samples + sample];
}

static inline void check_column(column_ix column, const char *name, const char *unit)
{
    assert_true(column < profile.n_columns);
    assert_string_equal(in_strings(profile.columns[column].name), name);
    assert_string_equal(in_strings(profile.columns[column].unit), unit);
}

static inline void put_cpu(bool is_packed)
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
