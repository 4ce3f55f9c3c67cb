/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the readers share: how a format fills a builder, and the pieces that text formats are made
 * of. A new format is a file with a row here and in reader.c. */
#pragma once

#include "base/buf.h"
#include "base/cursor.h"
#include "base/span.h"
#include "reader/reader.h"

/* A file on its way into a builder. */
struct filling {
    struct builder *builder;
    const struct read_job *job;
    struct span whole; /* the file: places in messages are counted from its start */
};

/* A format that stands alone or behind a symbol section. Both functions get the bytes from the
 * header on, without "%" lines before it. */
struct section {
    int (*sniff)(struct span bytes);
    bool (*fill)(struct filling *filling, struct span bytes, struct error *err);
};

extern const struct section cpu_section, heap_section, jemalloc_section, contention_section,
    counts_section, threadz_section, java_section;

extern const struct reader reader_symbolized, reader_heap, reader_jemalloc, reader_contention,
    reader_cpu, reader_proto, reader_counts, reader_threadz, reader_java, reader_collapsed,
    reader_addresses;

/* The two functions of a reader whose format is a section. */
int section_sniff(const struct section *section, struct span bytes);
bool section_read(const struct section *section, struct span bytes, const struct read_job *job,
                  struct profile *out, struct error *err) CHECKED;
/* Seals what was filled and frees the builder; err names the file. */
bool filling_seal(struct filling *filling, enum caller_fix fix, struct profile *out,
                  struct error *err) CHECKED;
/* Where `at` stands in the file. */
size_t filling_offset(const struct filling *filling, struct span at);

/* ---- binary ---------------------------------------------------------------------------------- */

/* A cursor over bytes that may be more than should be touched at once. */
struct window {
    struct cursor c; /* over what is in sight; its failure says nothing about the whole */
    size_t at;       /* where that begins in `all` */
    struct span all;
    const struct file *file; /* NULL: all of it is in sight */
    size_t file_at;          /* where `all` begins in the file */
    char *buffer;
    size_t size;
};
struct window window_over(const struct filling *filling, struct span bytes,
                          enum cursor_order order);
/* Moves on so that n bytes from the cursor on are in sight; false where there are not as many. */
bool window_move(struct window *window, size_t n);
static inline bool window_has(struct window *window, size_t n)
{
    return cursor_left(&window->c) >= n || window_move(window, n);
}
/* Where the cursor stands in `all`. */
static inline size_t window_offset(const struct window *window)
{
    return window->at + cursor_offset(&window->c);
}
void window_free(struct window *window);

/* What a file that no reader wants looks like: "an ELF program". */
const char *foreign_name(struct span bytes);

/* ---- text ------------------------------------------------------------------------------------ */

/* For "%.*s": a span, cut where it would fill a screen. */
#define TEXT_ARGS(span) text_width(span), (span).n ? (span).p : ""
int text_width(struct span span);

/* Cuts the "%" lines off the front; each becomes a note. */
void text_commands(struct span *rest, struct notes *notes);
/* Enough of the file to tell its format, without the "%" lines. */
struct span text_head(struct span bytes);
/* Whether a line is the header "--- NAME", with any number of spaces between. */
bool text_is_header(struct span line, const char *name);
/* Without a "--- profile" line at the front: text formats may stand behind one. */
struct span text_after_profile_line(struct span bytes);

/* Lines without any carriage return. A line is valid until the next one is asked for. */
struct text_lines {
    struct span rest;
    struct buf scratch;
    const char *at; /* where the line begins in the file */
    const char *first_skipped;
    uint32_t n_skipped;
};
struct text_lines text_lines_over(struct span text);
bool text_line(struct text_lines *lines, struct span *line);
/* Takes note that the line is in no form that the format has, unless it is blank or a comment. What
 * is lost with it is not known: text_tell_skipped says that there are such lines. */
void text_skip(struct text_lines *lines, struct span line);
void text_tell_skipped(const struct text_lines *lines, const struct filling *filling,
                       const char *what);
void text_lines_free(struct text_lines *lines);

/* Whether mappings start behind this line. */
bool text_starts_maps(struct span line);

bool text_is_word(char c); /* letter, digit or underscore: Perl's \w */
/* Cuts white space off the front; false where there is none. */
bool text_take_space(struct span *rest);
/* Cuts a whole number off the front, which may be negative and longer than 64 bits. */
bool text_take_count(struct span *rest, double *value);

/* A stack as text spells it: hex numbers with or without 0x, leaf first. Kept from line to line so
 * that nothing is allocated for each. */
struct text_stack {
    uint64_t *pcs;
    uint32_t n, cap;
    uint32_t digits; /* that the first one was spelled with */
};
/* Reads them all, or one more than a stack may have. A word that is no address of 64 bits keeps its
 * place as an impossible one. */
void text_stack_read(struct text_stack *stack, struct span words, const struct read_job *job);
void text_stack_free(struct text_stack *stack);

/* ---- heap formats ------------------------------------------------------------------------------
 */

enum { INUSE_OBJECTS, INUSE_SPACE, ALLOC_OBJECTS, ALLOC_SPACE, HEAP_COLUMNS };

enum sampling_kind {
    SAMPLING_NONE,
    SAMPLING_BY_BYTES,   /* version 1: each bucket scaled by its mean size over the rate */
    SAMPLING_BY_POISSON, /* version 2: by the chance that an object of its mean size was seen */
};

struct heap_sampling {
    enum sampling_kind kind;
    double rate; /* mean bytes between samples; 0: not said */
};

void heap_columns(struct builder *builder);
/* Cuts "N1: S1 [N2: S2]" off the front. */
bool heap_take_counts(struct span *rest, double values[HEAP_COLUMNS]);
/* Takes the usual rate where none is said; notes tell what is undone. */
void heap_settle_rate(struct heap_sampling *sampling, struct notes *notes);
void heap_unsample(const struct heap_sampling *sampling, double values[HEAP_COLUMNS]);

/* ---- contention ------------------------------------------------------------------------------ */

enum { CONTENTIONS, DELAY, MEAN_DELAY, CONTENTION_COLUMNS };
void contention_columns(struct builder *builder);

/* ---- names in comments and lists ------------------------------------------------------------- */

/* Go's comments: the frames of the sample above them. Zero is a valid start. */
struct go_names {
    uint64_t *pcs; /* of that sample, as written */
    uint32_t n_pcs, pcs_cap, at;
    struct carried_frame *frames; /* of pcs[at], innermost first */
    uint32_t n_frames, frames_cap;
};
void go_names_begin(struct go_names *names, struct filling *filling,
                    const struct text_stack *stack);
/* Anything but a comment is left alone. */
void go_names_comment(struct go_names *names, struct filling *filling, struct span line);
void go_names_end(struct go_names *names, struct filling *filling);

/* "0xNUMBER NAME (FILE:LINE)", Java's; false: the line is something else. */
bool java_location(struct filling *filling, struct span line);
