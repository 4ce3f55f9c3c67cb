/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a server answers when it is asked for symbols, its program and names. Whatever that is, the
 * profile that is composed with it has the samples of the one without. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/internal.h"

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* A heap profile, and a CPU profile: 8-byte words, a header, two records and the trailer. */
static const char heap[] = "heap profile: 1: 100 [2: 300] @\n 1: 100 [2: 300] @ 0x1001 0x2002\n";
static const uint64_t cpu[] = {0, 3, 0, 10000, 0, 5, 2, 0x1001, 0x2002, 7, 1, 0x1001, 0, 1, 0};

static double read_total(struct span bytes, struct strings *strings, bool *is_symbolized)
{
    struct notes notes = {0};
    struct error err = {0};
    struct profile profile;
    const struct read_job job = {
        .strings = strings, .limits = limits_default(), .name = "input", .notes = &notes};
    double total = 0;
    require(reader_read(bytes, NULL, &job, &profile, &err));
    for (uint32_t i = 0; i < profile.n_samples; i++)
        total += profile.sample_value[i];
    *is_symbolized = profile.is_symbolized;
    profile_free(&profile);
    notes_free(&notes);
    return total;
}

static void compose(struct span answer, const char *program, enum profile_kind kind,
                    struct span profile)
{
    struct strings *strings = strings_new();
    struct buf out = BUF_MAX((size_t)64 << 20);
    bool is_symbolized;
    const double before = read_total(profile, strings, &is_symbolized);
    require(!is_symbolized);
    answer_compose(answer, program, kind, profile, strings, &out);
    if (!out.is_full) {
        require(read_total(buf_span(&out), strings, &is_symbolized) == before);
        require(is_symbolized);
    }
    buf_free(&out);
    strings_free(strings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct span answer = span_make(data, size);
    struct error err = {0};
    require(answer_has_symbols(answer, "http://host", &err) || err.text[0] != '\0');
    struct arena *arena = arena_new();
    const struct span program = answer_program(answer);
    const char *name = program.n ? arena_text(arena, program) : "program";
    compose(answer, name, PROFILE_HEAP, span_of(heap));
    compose(answer, name, PROFILE_CPU, span_make(cpu, sizeof cpu));
    arena_free(arena);
    return 0;
}
