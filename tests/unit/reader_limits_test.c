/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a file may make us hold: in each format three stacks, of which one is deeper than the
 * others, are read under limits that they reach, and the error names the limit that was reached. */
#include "reader_unit.h"

struct format {
    const char *name, *text;
};

#define SYMBOLS "--- symbol\nbinary=x\n0x10 a\n---\n"
#define HEAP                                                                                       \
    "heap profile: 3: 3 [3: 3] @ heapprofile\n1: 1 [1: 1] @ 0x10\n1: 1 [1: 1] @ 0x20 0x30\n"       \
    "1: 1 [1: 1] @ 0x40 0x50 0x60 0x70\n"

static const struct format formats[] = {
    {"heap", HEAP},
    {"growth", "heap profile: 3: 3 [3: 3] @ growth\n1: 1 [1: 1] @ 0x10\n1: 1 [1: 1] @ 0x20 0x30\n"
               "1: 1 [1: 1] @ 0x40 0x50 0x60 0x70\n"},
    {"symbolized", SYMBOLS HEAP},
    {"jemalloc", "heap_v2/1\n@ 0x10\n t*: 1: 1 [1: 1]\n@ 0x20 0x30\n t*: 1: 1 [1: 1]\n"
                 "@ 0x40 0x50 0x60 0x70\n t*: 1: 1 [1: 1]\n"},
    {"contention", "--- contention\n1 1 @ 0x10\n1 1 @ 0x20 0x30\n1 1 @ 0x40 0x50 0x60 0x70\n"},
    {"counts", "goroutine profile: total 3\n1 @ 0x10\n1 @ 0x20 0x30\n1 @ 0x40 0x50 0x60 0x70\n"},
    {"threadz", "--- threadz 1 ---\n--- Thread 1 ---\n 0x10\n--- Thread 2 ---\n 0x20\n 0x30\n"
                "--- Thread 3 ---\n 0x40 0x50\n 0x60 0x70\n"},
    {"java", "--- heapz 1 ---\n 1 1 @ 0x10\n 1 1 @ 0x20 0x30\n 1 1 @ 0x40 0x50 0x60 0x70\n"},
    {"collapsed", "a;a 1\nb;c;d 1\ne;f;g;h 1\n"},
};

static void try_limits(struct span bytes, const char *name, struct limits limits,
                       const char *wanted)
{
    struct reading r = {.strings = strings_new()};
    const struct read_job job = {
        .strings = r.strings, .limits = limits, .name = "x", .notes = &r.notes};
    r.is_read = reader_read(bytes, NULL, &job, &r.profile, &r.err);
    if (r.is_read != (wanted == NULL) || (wanted && !strstr(r.err.text, wanted)))
        print_error("%s: %s\n", name, r.is_read ? "was read" : r.err.text);
    assert_int_equal(r.is_read, wanted == NULL);
    if (wanted) {
        assert_int_equal(r.err.kind, ERROR_LIMIT);
        assert_non_null(strstr(r.err.text, wanted));
    }
    reading_free(&r);
}

static void try_all(struct span bytes, const char *name)
{
    struct limits limits = limits_default();
    limits.max_stacks = 3;
    limits.max_frames = 9;
    limits.max_depth = 4;
    try_limits(bytes, name, limits, NULL);
    limits.max_depth = 3;
    try_limits(bytes, name, limits, "more than 3 ");
    limits.max_depth = 4;
    limits.max_stacks = 2;
    try_limits(bytes, name, limits, "more than 2 distinct stacks");
    limits.max_stacks = 3;
    limits.max_frames = 5;
    try_limits(bytes, name, limits, "more than 5 frames in distinct stacks");
}

static void texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(formats); i++)
        try_all(span_of(formats[i].text), formats[i].name);
}

static void binary_words(void **state)
{
    (void)state;
    for (unsigned size = 4; size <= 8; size += 4) {
        for (int is_big = 0; is_big < 2; is_big++) {
            struct buf bytes = BUF_MAX(4096);
            PUT_WORDS(&bytes, size, is_big, 0, 3, 0, 1, 0, 1, 1, 0x10, 1, 2, 0x20, 0x30);
            PUT_WORDS(&bytes, size, is_big, 1, 4, 0x40, 0x50, 0x60, 0x70, 0, 1, 0);
            try_all(buf_span(&bytes), "cpu");
            buf_free(&bytes);
        }
    }
}

/* Three samples of three, two and four of four locations. */
static void proto(void **state)
{
    (void)state;
    static const char bytes[] = "\x0a\x04\x08\x01\x10\x02"                     /* a sample type */
                                "\x12\x06\x0a\x01\x01\x12\x01\x01"             /* 1 */
                                "\x12\x07\x0a\x02\x02\x03\x12\x01\x01"         /* 2 3 */
                                "\x12\x09\x0a\x04\x01\x02\x03\x04\x12\x01\x01" /* 1 2 3 4 */
                                "\x22\x04\x08\x01\x18\x10\x22\x04\x08\x02\x18\x20"
                                "\x22\x04\x08\x03\x18\x30\x22\x04\x08\x04\x18\x40"
                                "\x32\x00\x32\x01\x61\x32\x01\x62";
    try_all(span_make(bytes, sizeof bytes - 1), "proto");
}

/* A count in a file is a claim: nothing is made for what does not follow. */
static void claims(void **state)
{
    (void)state;
    static const uint64_t counts[] = {65536, 1 << 20, UINT32_MAX, UINT64_MAX};
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        struct reading r;
        struct buf bytes = BUF_MAX(4096);
        PUT_WORDS(&bytes, 8, false, 0, 3, 0, 1, 0, 1, counts[i], 0x10, 0x20);
        reading_make(&r, buf_span(&bytes), "cpu");
        if (!r.is_read)
            assert_true(r.err.kind == ERROR_FORMAT || r.err.kind == ERROR_LIMIT);
        reading_free(&r);
        buf_free(&bytes);
    }
    /* A field of profile.proto that says it is as long as a word can tell. */
    assert_refused(span_of("\x0a\x04\x08\x01\x10\x02\x12\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),
                   "proto",
                   "x: at byte 6: no field of a profile: the file is damaged or cut short");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(binary_words),
        cmocka_unit_test(proto),
        cmocka_unit_test(claims),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
