/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary CPU profiles: words of the profiled program's size and byte order, then its mappings as
 * text (docs/formats.md). The one format that comes in gigabytes: the stacks of the common kind, 64
 * bits in this machine's order, are interned straight from the mapped file. */
#include "reader/internal.h"

#include "base/cursor.h"

enum { DEPTH_MAX = 65536 };

/* How words are stored. */
struct layout {
    unsigned word_size;  /* 4 or 8 */
    unsigned word_shift; /* 2 or 3: divisions by a size not known before are slow */
    enum cursor_order order;
};

static const enum cursor_order native_order =
    __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? CURSOR_LITTLE : CURSOR_BIG;

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

static inline bool has_words(const struct cursor *c, const struct layout *layout, uint64_t n)
{
    return cursor_left(c) >> layout->word_shift >= n;
}

struct header {
    uint64_t words, version, period;
};

/* Moves the cursor to the first record. */
static bool read_header(const struct filling *filling, struct cursor *c,
                        const struct layout *layout, struct header *out, struct error *err)
{
    static const char corrupted[] = "not a profile file, or corrupted profile file";
    const char *name = filling->job->name;
    const size_t start = filling_offset(filling, span_make(c->start, 0));
    const unsigned size = layout->word_size;
    const uint64_t limit = (uint64_t)1 << 32;
    if (!has_words(c, layout, 5))
        return error_set(err, ERROR_FORMAT, "%s: %s: the file ends inside the header at byte %zu",
                         name, corrupted, start);
    struct header header;
    const uint64_t zero = take_word(c, layout);
    header.words = take_word(c, layout);
    header.version = take_word(c, layout);
    header.period = take_word(c, layout);
    if (zero != 0)
        return error_set(err, ERROR_FORMAT,
                         "%s: not a profile file, or old format profile file: the word at byte %zu "
                         "is not 0",
                         name, start);
    if (header.words < 3 || header.words > limit)
        return error_set(err, ERROR_FORMAT,
                         "%s: %s: a header of %llu words at byte %zu, at least 3 are needed", name,
                         corrupted, (unsigned long long)header.words, start + size);
    if (header.version > limit || header.period > limit)
        return error_set(err, ERROR_FORMAT, "%s: %s: version or period beyond 2**32 at byte %zu",
                         name, corrupted, start + 2 * size);
    *out = header;
    cursor_seek(c, 0);
    if (has_words(c, layout, 2 + header.words))
        cursor_skip(c, (2 + header.words) * size);
    else
        cursor_fail(c);
    return true;
}

static bool refuse_depth(const struct filling *filling, const struct cursor *c,
                         const struct layout *layout, uint64_t depth, struct error *err)
{
    const size_t offset = cursor_offset(c);
    notes_add(filling->job->notes, "At index %zu (address 0%zo):", offset / layout->word_size,
              offset);
    return error_set(err, ERROR_FORMAT,
                     "%s: stack trace depth >= 2**32: %llu frames are claimed at byte %zu, more "
                     "than %d",
                     filling->job->name, (unsigned long long)depth,
                     filling_offset(filling, span_make(c->at, 0)) - layout->word_size, DEPTH_MAX);
}

/* The next n words as they are or, where they cannot be used in place, copied to `scratch`. What is
 * missing at the end of the file reads as -1. */
static const uint64_t *take_stack(struct cursor *c, const struct layout *layout, uint32_t n,
                                  uint64_t *scratch)
{
    if (layout->word_size == 8 && layout->order == native_order && has_words(c, layout, n)) {
        const struct span bytes = cursor_bytes(c, (size_t)n * sizeof(uint64_t));
        if ((uintptr_t)bytes.p % sizeof(uint64_t) == 0)
            return (const uint64_t *)(const void *)bytes.p;
        memcpy(scratch, bytes.p, bytes.n);
        return scratch;
    }
    for (uint32_t i = 0; i < n; i++)
        scratch[i] = has_words(c, layout, 1) ? take_word(c, layout) : UINT64_MAX;
    return scratch;
}

static double count_of(uint64_t word, const struct layout *layout)
{
    return layout->word_size == 8 ? (double)(int64_t)word : (double)word;
}

static void note_cut(const struct filling *filling, struct cursor *c)
{
    notes_add(filling->job->notes, "%s: the file is cut short in a record, at byte %zu",
              filling->job->name, filling->whole.n);
    cursor_skip(c, cursor_left(c));
}

/* All records, up to the end marker or the end of the file. */
static bool read_records(const struct filling *filling, struct cursor *c,
                         const struct layout *layout, uint64_t *scratch, struct error *err)
{
    struct builder *builder = filling->builder;
    while (cursor_left(c)) {
        if (!has_words(c, layout, 1)) {
            note_cut(filling, c);
            break;
        }
        const double count = count_of(take_word(c, layout), layout);
        uint64_t depth = 0;
        if (has_words(c, layout, 1))
            depth = take_word(c, layout);
        else
            note_cut(filling, c);
        if (depth > DEPTH_MAX)
            return refuse_depth(filling, c, layout, depth, err);

        struct cursor ahead = *c;
        if (has_words(c, layout, 1) && take_word(&ahead, layout) == 0) {
            cursor_skip(c, depth * layout->word_size);
            break;
        }
        const bool is_whole = has_words(c, layout, depth);
        const uint64_t *pcs = take_stack(c, layout, (uint32_t)depth, scratch);
        builder_add(builder, builder_stack(builder, pcs, (uint32_t)depth), 0, &count);
        if (!is_whole)
            note_cut(filling, c);
    }
    return true;
}

static bool cpu_fill(struct filling *filling, struct span bytes, struct error *err)
{
    bytes = text_after_profile_line(bytes);
    struct layout layout;
    const char *wrong = find_layout(bytes, &layout);
    if (wrong)
        return error_set(err, ERROR_FORMAT, "%s: %s: no header of a CPU profile at byte %zu",
                         filling->job->name, wrong, filling_offset(filling, bytes));
    struct cursor c = cursor_over(bytes, layout.order);
    struct header header = {0};
    if (!read_header(filling, &c, &layout, &header, err))
        return false;

    struct builder *builder = filling->builder;
    builder_kind(builder, PROFILE_CPU);
    builder_default_column(builder, builder_column(builder, "samples", "count"));
    builder_period(builder, (int64_t)header.period);
    builder_digits(builder, layout.word_size * 2);
    if (cursor_failed(&c)) {
        note_cut(filling, &c);
        return true;
    }
    uint64_t *scratch = base_alloc(DEPTH_MAX, sizeof *scratch);
    const bool is_read = read_records(filling, &c, &layout, scratch, err);
    base_free(scratch);
    if (is_read)
        builder_maps(builder, cursor_bytes(&c, cursor_left(&c)));
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
