/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Recognises a profile format and turns its bytes into a profile. Each format is one file and one
 * row in `readers`; docs/formats.md describes them. Readers trust nothing: what can be read of a
 * damaged file is read, with a note; what cannot is an error that names the file, the byte and the
 * cause. */
#pragma once

#include "base/file.h"
#include "profile/profile.h"

struct read_job {
    struct strings *strings;
    struct limits limits;
    const char *name;        /* of the file, for messages */
    const struct file *file; /* whose `bytes` are read, or NULL: big ones go faster with it */
    struct notes *notes;
};

/* How sure a reader is: 0 not mine, 100 certainly. The surest reads. */
struct reader {
    const char *name, *help;
    int (*sniff)(struct span bytes);
    bool (*read)(struct span bytes, const struct read_job *job, struct profile *out,
                 struct error *err);
};

extern const struct reader *const readers[]; /* ends with NULL */

const struct reader *reader_find(struct span name); /* NULL: no such reader */

/* Reads bytes (unpacked already) with the reader of that name, or, with NULL, with the surest.
 * `out` is written only on success. */
bool reader_read(struct span bytes, const struct reader *forced, const struct read_job *job,
                 struct profile *out, struct error *err) CHECKED;

/* Whether the bytes are a profile in any known format, and whether one that carries its own names;
 * for telling the program from the profiles on a command line. */
bool reader_is_profile(struct span bytes);
bool reader_is_symbolized(struct span bytes);
