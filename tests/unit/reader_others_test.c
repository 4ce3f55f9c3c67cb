/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Formats of other families: Go's counts and comments, threads, Java, collapsed stacks. */
#include "reader/reader.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct fixture {
    struct strings *strings;
    struct notes notes;
    struct profile profile;
    struct error err;
};

static bool read_text(struct fixture *f, const char *text)
{
    *f = (struct fixture){.strings = strings_new()};
    const struct read_job job = {
        .strings = f->strings, .limits = limits_default(), .name = "in", .notes = &f->notes};
    return reader_read(span_of(text), NULL, &job, &f->profile, &f->err);
}

static void finish(struct fixture *f)
{
    profile_free(&f->profile);
    notes_free(&f->notes);
    strings_free(f->strings);
}

static double value_of(const struct fixture *f, uint32_t sample, column_ix column)
{
    return f->profile.sample_value[(size_t)column * f->profile.n_samples + sample];
}

/* "NAME FILE:LINE" of the carried frames of a pc, innermost first. */
static const char *names_of(const struct fixture *f, uint64_t pc, char text[256])
{
    const struct profile *p = &f->profile;
    size_t n = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < p->n_carried; i++) {
        if (p->carried_pc[i] != pc)
            continue;
        for (uint32_t k = p->carried_at[i]; k < p->carried_at[i + 1]; k++) {
            const struct carried_frame *frame = &p->carried_frames[k];
            n += (size_t)snprintf(text + n, 256 - n, "%s%s %s:%d", n ? ", " : "",
                                  strings_text(f->strings, frame->name),
                                  strings_text(f->strings, frame->file), (int)frame->line);
        }
    }
    return text;
}

static void counts_and_comments(void **state)
{
    (void)state;
    struct fixture f;
    char text[256];
    assert_true(read_text(&f, "goroutine profile: total 3\n"
                              "2 @ 0x1000 0x2001 0x3001\n"
                              "#\t0x2000\tmain.inlined+0x10\t/src/a.go:7\n"
                              "#\t0x2000\tmain.work+0x10\t\t/src/a.go:9\n"
                              "#\t0x3000\tmain.main+0x5\t\t/src/b.go:3\n"
                              "\n"
                              "1 @ 0x1000\n"));
    assert_int_equal(f.profile.kind, PROFILE_OTHER);
    assert_string_equal(strings_text(f.strings, f.profile.columns[0].name), "goroutine");
    assert_int_equal(f.profile.n_samples, 2);
    assert_true(value_of(&f, 0, 0) == 2);
    assert_string_equal(names_of(&f, 0x2000, text),
                        "main.inlined /src/a.go:7, main.work /src/a.go:9");
    assert_string_equal(names_of(&f, 0x3000, text), "main.main /src/b.go:3");
    assert_string_equal(names_of(&f, 0x1000, text), "");
    assert_false(f.profile.is_symbolized); /* the rest is looked up in files */
    finish(&f);
}

static void comments_of_heaps_and_mutexes(void **state)
{
    (void)state;
    struct fixture f;
    char text[256];
    assert_true(read_text(&f, "heap profile: 1: 8 [1: 8] @ heap/2\n"
                              "1: 8 [1: 8] @ 0x2001 0x3001\n"
                              "#\t0x2000\tmain.leaf+0x1\ta.go:1\n"
                              "#\t0x3000\tmain.main+0x1\ta.go:2\n"));
    assert_string_equal(names_of(&f, 0x2001, text), "main.leaf a.go:1");
    assert_string_equal(names_of(&f, 0x3000, text), "main.main a.go:2");
    finish(&f);
    assert_true(read_text(&f, "--- mutex:\ncycles/second=1000000000\nsampling period=1\n"
                              "50 2 @ 0x2001\n#\t0x2000\tsync.Unlock+0x1\tm.go:1\n"));
    assert_int_equal(f.profile.kind, PROFILE_CONTENTION);
    assert_true(value_of(&f, 0, 1) == 50);
    assert_string_equal(names_of(&f, 0x2001, text), "sync.Unlock m.go:1");
    finish(&f);
}

static void threads(void **state)
{
    (void)state;
    struct fixture f;
    assert_true(read_text(&f, "--- threadz 1 ---\n\n"
                              "--- Thread 7f1 (name: main/1) stack: ---\n"
                              "  PC: 0x1000 foo\n  0x2001 bar\n"
                              "--- Thread 7f2 (name: main/2) stack: ---\n"
                              "  [same as previous thread]\n"
                              "--- Thread 7f3 (name: main/3) stack: ---\n  0x3000\n"
                              "--- Memory map: ---\n"
                              "00001000-00004000 r-xp 00000000 08:01 1 /bin/prog\n"));
    assert_int_equal(f.profile.n_samples, 2);
    assert_true(value_of(&f, 0, 0) == 2);
    assert_true(value_of(&f, 1, 0) == 1);
    assert_int_equal(f.profile.n_maps, 1);
    assert_int_equal(f.profile.addr_pc[f.profile.stack_addr[1]], 0x2000);
    finish(&f);
}

static void java(void **state)
{
    (void)state;
    struct fixture f;
    char text[256];
    assert_true(read_text(&f, "--- contentionz 1 ---\nformat = java\nresolution = microseconds\n"
                              "sampling period = 100\nms since reset = 6\n"
                              "  1 3 @ 0x00000003 0x00000004\n\n"
                              "  0x00000003 com.example.f (Work.java:42)\n"
                              "  0x00000004 com.example.main (libmain.so)\n"));
    assert_true(value_of(&f, 0, 0) == 100);
    assert_true(value_of(&f, 0, 1) == 300e3);
    assert_string_equal(names_of(&f, 3, text), "com.example.f Work.java:42");
    assert_string_equal(names_of(&f, 4, text), "com.example.main libmain.so:0");
    finish(&f);
    assert_true(read_text(&f, "--- heapz 1 ---\nformat = java\nresolution = bytes\n"
                              "  2 1048576 @ 0x1\n  0x1 A.b (A.java:1)\n"));
    assert_int_equal(f.profile.kind, PROFILE_HEAP);
    assert_true(fabs(value_of(&f, 0, 1) - 1048576 / (1 - exp(-1.0))) < 1);
    finish(&f);
}

static void java_cpu(void **state)
{
    (void)state;
    struct fixture f;
    char text[256];
    uint64_t words[] = {0, 3, 1, 10000, 0, 4, 2, 3, 5, 0, 1, 0};
    static const char names[] = "  0x3 com.example.f (Work.java:42)\n  0x5 com.example.main (x)\n";
    char bytes[sizeof words + sizeof names];
    memcpy(bytes, words, sizeof words);
    memcpy(bytes + sizeof words, names, sizeof names - 1);
    f = (struct fixture){.strings = strings_new()};
    const struct read_job job = {.strings = f.strings, .limits = limits_default(), .name = "in"};
    assert_true(reader_read(span_make(bytes, sizeof words + sizeof names - 1), NULL, &job,
                            &f.profile, &f.err));
    assert_true(value_of(&f, 0, 0) == 4);
    assert_true(f.profile.is_symbolized);
    assert_string_equal(names_of(&f, 5, text), "com.example.main x:0"); /* no caller is made less */
    finish(&f);
}

static void collapsed(void **state)
{
    (void)state;
    struct fixture f;
    assert_true(read_text(&f, "main;run it;leaf 3\nmain 2\n\nmain;run it;leaf 1.5\n"));
    assert_int_equal(f.profile.n_samples, 2);
    assert_true(value_of(&f, 0, 0) == 4.5);
    assert_int_equal(f.profile.stack_at[1], 3);
    finish(&f);
    assert_false(read_text(&f, "prose that ends in a number 12\nand goes on; like this 3\nend\n"));
    assert_non_null(strstr(f.err.text, "not a profile"));
    finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_and_comments),
        cmocka_unit_test(comments_of_heaps_and_mutexes),
        cmocka_unit_test(threads),
        cmocka_unit_test(java),
        cmocka_unit_test(java_cpu),
        cmocka_unit_test(collapsed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
