/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the tests of readers share: reading bytes that stand in the test, and looking at what came
 * of them. */
#pragma once

#include "profile_unit.h"

#include "reader/reader.h"

struct reading {
    struct strings *strings;
    struct notes notes;
    struct error err;
    struct profile profile;
    bool is_read;
};

static inline void reading_make(struct reading *r, struct span bytes, const char *forced)
{
    *r = (struct reading){.strings = strings_new()};
    const struct read_job job = {
        .strings = r->strings, .limits = limits_default(), .name = "x", .notes = &r->notes};
    r->is_read = reader_read(bytes, forced ? reader_find(span_of(forced)) : NULL, &job, &r->profile,
                             &r->err);
}

static inline void read_text(struct reading *r, const char *text)
{
    reading_make(r, span_of(text), NULL);
    if (!r->is_read)
        print_error("%s\n", r->err.text);
    assert_true(r->is_read);
}

/* All notes, each ended by a newline. */
static inline void show_notes(const struct notes *notes, struct buf *out)
{
    buf_clear(out);
    for (uint32_t i = 0; i < notes->n; i++)
        buf_printf(out, "%s\n", notes->lines[i]);
}

static inline void reading_free(struct reading *r)
{
    profile_free(&r->profile);
    notes_free(&r->notes);
    strings_free(r->strings);
}

#define assert_notes(reading, wanted) ASSERT_SHOWN(show_notes, &(reading)->notes, wanted)

#define assert_refused(bytes, forced, wanted)                                                      \
    do {                                                                                           \
        struct reading refused_;                                                                   \
        reading_make(&refused_, (bytes), (forced));                                                \
        assert_false(refused_.is_read);                                                            \
        assert_int_equal(refused_.err.kind, ERROR_FORMAT);                                         \
        assert_string_equal(refused_.err.text, (wanted));                                          \
        reading_free(&refused_);                                                                   \
    } while (0)

/* Words in a given size and byte order. */
static inline void put_word(struct buf *out, uint64_t word, unsigned size, bool is_big)
{
    for (unsigned i = 0; i < size; i++)
        buf_byte(out, (char)(word >> 8 * (is_big ? size - 1 - i : i)));
}

#define PUT_WORDS(out, size, is_big, ...)                                                          \
    do {                                                                                           \
        const uint64_t words_[] = {__VA_ARGS__};                                                   \
        for (size_t i_ = 0; i_ < COUNT_OF(words_); i_++)                                           \
            put_word((out), words_[i_], (size), (is_big));                                         \
    } while (0)
