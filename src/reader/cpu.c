/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary CPU profiles: words of the profiled program's size and byte order, then its mappings as
 * text (docs/formats.md). The one format that comes in gigabytes: the stacks of the common kind, 64
 * bits in this machine's order, are interned straight from the mapped file. */
#include "reader/internal.h"

enum { DEPTH_MAX = 65536 };

/* How words are stored. */
struct layout {
    unsigned word_size;  /* 4 or 8 */
    unsigned word_shift; /* 2 or 3: divisions by a size not known before are slow */
    enum cursor_order order;
};

static bool is_zero(struct span bytes, size_t at, size_t n)
{
    static const char zeros[8] = {0};
    return bytes.n >= at + n && memcmp(bytes.p + at, zeros, n) == 0;
}

/* From the first two words: the first is 0, and the second is so small that its upper half is 0.
 * What is wrong, in the words that users know, or NULL. */
static const char *find_layout(struct span bytes, struct layout *out)
{
    const unsigned size = is_zero(bytes, 0, 8) ? 8 : 4;
    const size_t half = size / 2;
    if (is_zero(bytes, size + half, half))
        *out = (struct layout){.order = CURSOR_LITTLE};
    else if (is_zero(bytes, size, half))
        *out = (struct layout){.order = CURSOR_BIG};
    else
        return size == 8 ? "header size >= 2**32" : "header size >= 2**16";
    out->word_size = size;
    out->word_shift = size == 8 ? 3 : 2;
    return NULL;
}

static inline uint64_t take_word(struct cursor *c, const struct layout *layout)
{
    return layout->word_size == 8 ? cursor_u64(c) : cursor_u32(c);
}

static inline bool has_words(struct window *w, const struct layout *layout, size_t n)
{
    return window_has(w, n << layout->word_shift);
}

/* A profile on its way in. */
struct cpu {
    struct filling *filling;
    struct layout layout;
    struct window w;
    size_t start;      /* of the words in the file */
    uint64_t version;  /* 1: Java's */
    uint64_t *scratch; /* the deepest stack that could not be used in place */
    uint32_t scratch_cap;
};

/* Where the next word stands in the file. */
static size_t file_offset(const struct cpu *cpu)
{
    return cpu->start + window_offset(&cpu->w);
}

struct header {
    uint64_t words, version, period;
};

static bool refuse_header(const struct cpu *cpu, struct error *err, const char *why, size_t word)
{
    return error_set(err, ERROR_FORMAT,
                     "%s: not a profile file, or corrupted profile file: %s at byte %zu",
                     cpu->filling->job->name, why, cpu->start + (word << cpu->layout.word_shift));
}

/* The words before the first record that mean something. */
static bool read_header(struct cpu *cpu, struct header *out, struct error *err)
{
    const uint64_t limit = (uint64_t)1 << 32;
    struct header header;
    if (!has_words(&cpu->w, &cpu->layout, 4))
        return refuse_header(cpu, err, "the file ends inside the header that begins", 0);
    const uint64_t zero = take_word(&cpu->w.c, &cpu->layout);
    header.words = take_word(&cpu->w.c, &cpu->layout);
    header.version = take_word(&cpu->w.c, &cpu->layout);
    header.period = take_word(&cpu->w.c, &cpu->layout);
    if (zero != 0)
        return error_set(err, ERROR_FORMAT,
                         "%s: not a profile file, or old format profile file: the word at byte %zu "
                         "is not 0",
                         cpu->filling->job->name, cpu->start);
    if (header.words < 3 || header.words > limit)
        return refuse_header(cpu, err, "an impossible number of header words", 1);
    if (header.version > limit)
        return refuse_header(cpu, err, "an impossible version", 2);
    if (header.period > limit)
        return refuse_header(cpu, err, "an impossible period", 3);
    *out = header;
    return true;
}

static bool refuse_depth(const struct cpu *cpu, uint64_t depth, struct error *err)
{
    const size_t offset = window_offset(&cpu->w);
    notes_add(cpu->filling->job->notes,
              "At index %zu (address 0%zo):", offset >> cpu->layout.word_shift, offset);
    return error_set(err, ERROR_FORMAT,
                     "%s: stack trace depth >= 2**32: %llu frames are claimed at byte %zu, more "
                     "than %d",
                     cpu->filling->job->name, (unsigned long long)depth,
                     file_offset(cpu) - cpu->layout.word_size, DEPTH_MAX);
}

/* The next n words as they are or, where they cannot be used in place, copied to `scratch`. What is
 * missing at the end of the file reads as -1. */
static const uint64_t *take_stack(struct cpu *cpu, uint32_t n, bool is_whole)
{
    const bool is_native = cpu->layout.word_size == 8 && cpu->layout.order == CURSOR_NATIVE;
    if (is_native && is_whole && (uintptr_t)cpu->w.c.at % sizeof(uint64_t) == 0)
        return (const uint64_t *)(const void *)cursor_bytes(&cpu->w.c, n * sizeof(uint64_t)).p;
    cpu->scratch = base_grow(cpu->scratch, &cpu->scratch_cap, n, sizeof cpu->scratch[0]);
    for (uint32_t i = 0; i < n; i++)
        cpu->scratch[i] =
            has_words(&cpu->w, &cpu->layout, 1) ? take_word(&cpu->w.c, &cpu->layout) : UINT64_MAX;
    return cpu->scratch;
}

static double count_of(uint64_t word, const struct layout *layout)
{
    return layout->word_size == 8 ? (double)(int64_t)word : (double)word;
}

static void note_cut(const struct cpu *cpu)
{
    notes_add(cpu->filling->job->notes, "%s: the file is cut short in a record, at byte %zu",
              cpu->filling->job->name, cpu->filling->whole.n);
}

enum outcome { OUTCOME_READ, OUTCOME_LAST, OUTCOME_END_MARK, OUTCOME_BAD };

static enum outcome read_record(struct cpu *cpu, struct error *err)
{
    struct window *w = &cpu->w;
    const struct layout *layout = &cpu->layout;
    if (!has_words(w, layout, 1)) {
        if (cursor_left(&w->c))
            note_cut(cpu);
        else
            notes_add(cpu->filling->job->notes,
                      "%s: no mark at its end: there may have been more samples",
                      cpu->filling->job->name);
        return OUTCOME_LAST;
    }
    const double count = count_of(take_word(&w->c, layout), layout);
    const bool has_depth = has_words(w, layout, 1);
    const uint64_t depth = has_depth ? take_word(&w->c, layout) : 0;
    if (depth > DEPTH_MAX) {
        (void)refuse_depth(cpu, depth, err);
        return OUTCOME_BAD;
    }
    /* Of an empty stack this is the next record's count. */
    if (has_words(w, layout, 1)) {
        struct cursor ahead = w->c;
        if (take_word(&ahead, layout) == 0) {
            if (count != 0 || depth != 1)
                notes_add(cpu->filling->job->notes,
                          "%s: the end mark at byte %zu is none that a profiler writes: there may "
                          "have been more samples",
                          cpu->filling->job->name,
                          file_offset(cpu) - 2 * (size_t)layout->word_size);
            (void)has_words(w, layout, depth);
            cursor_skip(&w->c, depth << layout->word_shift);
            return OUTCOME_END_MARK;
        }
    }
    const bool is_whole = has_words(w, layout, depth);
    const uint64_t *pcs = take_stack(cpu, (uint32_t)depth, is_whole);
    struct builder *builder = cpu->filling->builder;
    builder_add(builder, builder_stack(builder, pcs, (uint32_t)depth), 0, &count);
    if (has_depth && is_whole)
        return OUTCOME_READ;
    note_cut(cpu);
    return OUTCOME_LAST;
}

/* The records in sight as long as there is nothing special about them: nearly all of a big file. */
static void read_plain(struct cpu *cpu)
{
    enum { AT_ONCE = 16 };
    struct raw_sample samples[AT_ONCE];
    const struct layout *layout = &cpu->layout;
    struct cursor c = cpu->w.c;
    if (layout->word_size != 8 || layout->order != CURSOR_NATIVE ||
        (uintptr_t)c.at % sizeof(uint64_t) != 0)
        return;
    for (uint32_t n = AT_ONCE; n == AT_ONCE;) {
        for (n = 0; n < AT_ONCE && cursor_left(&c) >= 3 * sizeof(uint64_t); n++) {
            struct cursor ahead = c;
            const uint64_t count = cursor_u64(&ahead);
            const uint64_t depth = cursor_u64(&ahead);
            if (depth == 0 || depth > DEPTH_MAX || cursor_left(&ahead) < depth * sizeof(uint64_t))
                break;
            const uint64_t *pcs = (const uint64_t *)(const void *)ahead.at;
            if (pcs[0] == 0)
                break;
            cursor_skip(&ahead, depth * sizeof(uint64_t));
            samples[n] = (struct raw_sample){
                .pcs = pcs,
                .depth = (uint32_t)depth,
                .value = count_of(count, layout),
            };
            c = ahead;
        }
        builder_add_raw(cpu->filling->builder, samples, n);
    }
    cpu->w.c = c;
}

/* Mappings; of Java's virtual machine, names for the numbers that stand for addresses there. */
static void read_text(struct cpu *cpu, struct span text)
{
    enum { JAVA_VERSION = 1 };
    struct span rest = text, line;
    while (cpu->version == JAVA_VERSION && span_line(&rest, &line))
        (void)java_location(cpu->filling, line);
    builder_maps(cpu->filling->builder, text);
    if (text.n > 0 && text.p[text.n - 1] != '\n')
        builder_cut_short(cpu->filling->builder);
}

static bool read_records(struct cpu *cpu, uint64_t header_words, struct error *err)
{
    for (uint64_t i = 2; i < header_words; i++) {
        if (!has_words(&cpu->w, &cpu->layout, 1)) {
            note_cut(cpu);
            builder_cut_short(cpu->filling->builder);
            return true;
        }
        (void)take_word(&cpu->w.c, &cpu->layout);
    }
    enum outcome outcome;
    do {
        read_plain(cpu);
        outcome = read_record(cpu, err);
    } while (outcome == OUTCOME_READ);
    if (outcome == OUTCOME_LAST) /* the profiler writes a mark when it stops */
        builder_cut_short(cpu->filling->builder);
    if (outcome == OUTCOME_END_MARK)
        read_text(cpu, span_skip(cpu->w.all, window_offset(&cpu->w)));
    return outcome != OUTCOME_BAD;
}

static bool cpu_fill(struct filling *filling, struct span bytes, struct error *err)
{
    bytes = text_after_profile_line(bytes);
    struct cpu cpu = {.filling = filling, .start = filling_offset(filling, bytes)};
    const char *wrong = find_layout(bytes, &cpu.layout);
    if (wrong)
        return error_set(err, ERROR_FORMAT, "%s: %s: no header of a CPU profile at byte %zu",
                         filling->job->name, wrong, cpu.start);
    cpu.w = window_over(filling, bytes, cpu.layout.order);

    struct header header = {0};
    bool is_read = read_header(&cpu, &header, err);
    if (is_read) {
        struct builder *builder = filling->builder;
        builder_kind(builder, PROFILE_CPU);
        builder_default_column(builder, builder_column(builder, "samples", "count"));
        builder_period(builder, (int64_t)header.period);
        builder_digits(builder, cpu.layout.word_size * 2);
        cpu.version = header.version;
        is_read = read_records(&cpu, header.words, err);
    }
    base_free(cpu.scratch);
    window_free(&cpu.w);
    return is_read;
}

static int sniff_bytes(struct span bytes)
{
    if (text_is_header(span_first(bytes, 64), "profile"))
        return 60;
    struct layout layout;
    if (!is_zero(bytes, 0, 4) || find_layout(bytes, &layout))
        return 0;
    struct cursor c = cursor_over(bytes, layout.order);
    const uint64_t zero = take_word(&c, &layout);
    const uint64_t words = take_word(&c, &layout);
    (void)take_word(&c, &layout);
    const uint64_t period = take_word(&c, &layout);
    const uint64_t limit = (uint64_t)1 << 32;
    const bool is_header = !cursor_failed(&c) && zero == 0 && words >= 3 && words <= limit;
    return !is_header ? 10 : period <= limit ? 90 : 20;
}

static int sniff(struct span bytes)
{
    return section_sniff(&cpu_section, bytes);
}

static bool read_cpu(struct span bytes, const struct read_job *job, struct profile *out,
                     struct error *err)
{
    return section_read(&cpu_section, bytes, job, out, err);
}

const struct section cpu_section = {.sniff = sniff_bytes, .fill = cpu_fill};

const struct reader reader_cpu = {
    .name = "cpu",
    .help = "binary CPU profile, 32 or 64 bits, either byte order",
    .sniff = sniff,
    .read = read_cpu,
};
