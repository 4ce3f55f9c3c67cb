/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of the proto reader share: proto.c takes the message apart and reads its tables,
 * proto_columns.c makes columns of its sample types, proto_places.c addresses with names of its
 * locations, proto_samples.c adds its samples. The invariant:
 * a text is an index until somebody needs it, and its place in the file stays known until then, for
 * the message that says what is wrong there. */
#pragma once

#include "base/regex.h"
#include "base/wire.h"
#include "reader/internal.h"

/* Fields of the profile. */
enum {
    FIELD_SAMPLE_TYPE = 1,
    FIELD_SAMPLE = 2,
    FIELD_MAPPING = 3,
    FIELD_LOCATION = 4,
    FIELD_FUNCTION = 5,
    FIELD_TEXT = 6,
    FIELD_DROP_FRAMES = 7,
    FIELD_KEEP_FRAMES = 8,
    FIELD_TIME = 9,
    FIELD_DURATION = 10,
    FIELD_PERIOD = 12,
    FIELD_COMMENT = 13,
    FIELD_DEFAULT_TYPE = 14,
};

/* Which fields a message has and how they are spelled: bits of their numbers. */
struct shape {
    const char *name;
    uint32_t numbers, bytes; /* a repeated number is in both */
};

enum proto_message {
    MESSAGE_PROFILE,
    MESSAGE_VALUE_TYPE,
    MESSAGE_SAMPLE,
    MESSAGE_LABEL,
    MESSAGE_MAPPING,
    MESSAGE_LOCATION,
    MESSAGE_LINE,
    MESSAGE_FUNCTION,
    MESSAGE_COUNT,
};
enum { SAMPLE_LOCATION = 1, SAMPLE_VALUE = 2, SAMPLE_LABEL = 3 };
extern const struct shape proto_shapes[MESSAGE_COUNT];

struct function {
    uint64_t name, system_name, file; /* texts */
    struct span message;
    enum { PRUNE_UNKNOWN, PRUNE_NO, PRUNE_YES } prune; /* by the profile's own expressions */
};

/* Where a stack may be cut, so that it begins where the program's own code ends. */
enum location_cut {
    CUT_NOT,
    CUT_BELOW, /* what this location called, and what was inlined in it */
    CUT_HERE,  /* this location too */
};

struct location {
    uint64_t id, address, pc;
    struct span message;
    uint32_t frames_at, n_frames;
    enum location_cut cut;
};

struct proto {
    struct filling *filling;
    struct span *texts;
    str_id *text_ids; /* + 1 of each text that was needed; 0: not yet */
    struct function *functions;
    struct location *locations;
    struct idmap function_ids, location_ids;
    uint32_t n_texts, n_functions, n_locations;
    uint32_t texts_cap, functions_cap, locations_cap;
    uint64_t drop_frames, keep_frames, default_type; /* texts */
    int64_t period;

    struct carried_frame *frames;
    uint32_t n_frames, frames_cap;
    bool has_cuts;
};

enum { TYPES_MAX = 256 };

/* Which column the n-th value of each sample goes to; COLUMNS_MAX: to none. */
struct columns {
    str_id type[TYPES_MAX], unit[TYPES_MAX];
    column_ix column[TYPES_MAX];
    uint32_t n_types;
    bool has_mean; /* the column behind the two of a contention profile */
};

/* The next field of a message. False at its end and, with the cursor failed, where there is none or
 * one of another type than its number says. */
bool proto_next(struct cursor *c, enum proto_message message, struct wire_field *field);
/* Tells what the cursor failed at. Returns false. */
bool proto_refuse(const struct proto *proto, const struct cursor *c, enum proto_message message,
                  struct error *err);
/* Puts the file's name and the place in front of the error. Returns false. */
bool proto_error_at(const struct proto *proto, struct span at, struct error *err);

/* The text that a field of a message names. */
bool proto_text(struct proto *proto, uint64_t index, const char *field, struct span message,
                str_id *text, struct error *err) CHECKED;

/* The types of the values of a sample, and the builder's columns for them. Texts are known. */
bool proto_types(struct proto *proto, struct columns *columns, struct error *err) CHECKED;
bool proto_columns(struct proto *proto, struct columns *columns, struct error *err) CHECKED;

/* Gives all locations their pc and the builder their names. Functions and texts are known. */
bool proto_place(struct proto *proto, struct error *err) CHECKED;

/* Adds all samples. Columns are known, and locations have their pc. */
bool proto_samples(struct proto *proto, const struct columns *columns, struct error *err) CHECKED;
