/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The table of formats, and what all of them need: choosing one, sealing what it filled, saying
 * what a file is that nobody wants. */
#include "reader/internal.h"

const struct reader *const readers[] = {
    /* clang-format off */
    &reader_symbolized,
    &reader_heap,
    &reader_jemalloc,
    &reader_contention,
    &reader_cpu,
    &reader_proto,
    &reader_counts,
    &reader_threadz,
    &reader_java,
    &reader_collapsed,
    &reader_addresses,
    NULL,
    /* clang-format on */
};

/* Less sure than this, a reader only explains what is wrong with a file that nobody else wants. */
enum { SURE_ENOUGH = 50 };

const struct reader *reader_find(struct span name)
{
    for (size_t i = 0; readers[i]; i++) {
        if (span_is(name, readers[i]->name))
            return readers[i];
    }
    return NULL;
}

/* The surest one, of equals the first; NULL where nobody wants the bytes. */
static const struct reader *find_surest(struct span bytes, int *how_sure)
{
    const struct reader *surest = NULL;
    *how_sure = 0;
    for (size_t i = 0; readers[i]; i++) {
        const int sure = readers[i]->sniff(bytes);
        if (sure > *how_sure) {
            *how_sure = sure;
            surest = readers[i];
        }
    }
    return surest;
}

/* Nothing but "%" lines is a profile that says why it has no samples. */
static bool refuse(struct span bytes, const struct read_job *job, struct error *err)
{
    const char *name = foreign_name(bytes);
    struct span rest = bytes;
    text_commands(&rest, NULL);
    if (rest.n == 0 && strcmp(name, "text") == 0) {
        rest = bytes;
        text_commands(&rest, job->notes);
        return error_set(err, ERROR_FORMAT, "Profile is empty.");
    }
    return error_set(err, ERROR_FORMAT, "%s: not a profile (it looks like %s)", job->name, name);
}

bool reader_read(struct span bytes, const struct reader *forced, const struct read_job *job,
                 struct profile *out, struct error *err)
{
    /* No address at all is a fair question for whoever asks for addresses by name. */
    if (bytes.n == 0 && forced != &reader_addresses)
        return error_set(err, ERROR_FORMAT, "%s: empty file", job->name);
    int how_sure;
    const struct reader *reader = forced ? forced : find_surest(bytes, &how_sure);
    return reader ? reader->read(bytes, job, out, err) : refuse(bytes, job, err);
}

bool reader_is_profile(struct span bytes)
{
    int how_sure;
    (void)find_surest(bytes, &how_sure);
    return how_sure >= SURE_ENOUGH;
}

bool reader_is_symbolized(struct span bytes)
{
    return reader_symbolized.sniff(bytes) >= SURE_ENOUGH;
}

int section_sniff(const struct section *section, struct span bytes)
{
    return section->sniff(text_head(bytes));
}

bool section_read(const struct section *section, struct span bytes, const struct read_job *job,
                  struct profile *out, struct error *err)
{
    struct filling filling = {
        .builder = builder_new(job->strings, &job->limits),
        .job = job,
        .whole = bytes,
    };
    struct span rest = bytes;
    text_commands(&rest, job->notes);
    if (!section->fill(&filling, rest, err)) {
        builder_free(filling.builder);
        return false;
    }
    return filling_seal(&filling, CALLERS_LESS_ONE, out, err);
}

bool filling_seal(struct filling *filling, enum caller_fix fix, struct profile *out,
                  struct error *err)
{
    const bool is_sealed = builder_seal(filling->builder, fix, out, err);
    builder_free(filling->builder);
    return is_sealed || error_wrap(err, "%s", filling->job->name);
}

size_t filling_offset(const struct filling *filling, struct span at)
{
    return filling->whole.n && at.p ? (size_t)(at.p - filling->whole.p) : 0;
}
