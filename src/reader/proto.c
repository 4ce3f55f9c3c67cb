/* SPDX-License-Identifier: BSD-3-Clause
 *
 * profile.proto, the message that google/pprof, Go and many others write (docs/formats.md). Tables
 * come in any order, the texts mostly last, so the file is gone through twice: first what stands in
 * the tables, here, then the samples (proto_samples.c). The invariant: indices and ids of the file
 * are looked up, never trusted. */
#include "reader/proto_internal.h"

enum {
    MAPPING_START = 2,
    MAPPING_LIMIT = 3,
    MAPPING_OFFSET = 4,
    MAPPING_FILE = 5,
    MAPPING_BUILD_ID = 6,
};
enum { LOCATION_ID = 1, LOCATION_ADDRESS = 3 };
enum { FUNCTION_ID = 1, FUNCTION_NAME = 2, FUNCTION_SYSTEM_NAME = 3, FUNCTION_FILE = 4 };

/* Rows: a table takes more room than the bytes that it comes from. */
enum { TABLE_MAX = 1 << 26 };
/* What a profile has besides samples, however few of those are allowed. */
#define FIELDS_ALLOWANCE ((uint64_t)1 << 20)

#define BIT(number)       (1u << (number))
#define BITS(first, last) (BIT((last) + 1) - BIT(first))

const struct shape proto_shapes[MESSAGE_COUNT] = {
    [MESSAGE_PROFILE] = {.name = "profile",
                         .numbers = BITS(7, 10) | BITS(12, 15),
                         .bytes = BITS(1, 6) | BIT(11) | BIT(13)},
    [MESSAGE_VALUE_TYPE] = {.name = "value type", .numbers = BITS(1, 2)},
    [MESSAGE_SAMPLE] = {.name = "sample", .numbers = BITS(1, 2), .bytes = BITS(1, 3)},
    [MESSAGE_LABEL] = {.name = "label", .numbers = BITS(1, 4)},
    [MESSAGE_MAPPING] = {.name = "mapping", .numbers = BITS(1, 10)},
    [MESSAGE_LOCATION] = {.name = "location", .numbers = BITS(1, 3) | BIT(5), .bytes = BIT(4)},
    [MESSAGE_LINE] = {.name = "line", .numbers = BITS(1, 3)},
    [MESSAGE_FUNCTION] = {.name = "function", .numbers = BITS(1, 5)},
};

/* ---- fields -------------------------------------------------------------------------------------
 */

static bool has_bit(uint32_t bits, uint32_t number)
{
    return number < 32 && (bits & BIT(number));
}

static bool is_known(const struct shape *shape, const struct wire_field *field)
{
    return has_bit(field->type == WIRE_VARINT ? shape->numbers : shape->bytes, field->number) &&
           (field->type == WIRE_VARINT || field->type == WIRE_BYTES);
}

bool proto_next(struct cursor *c, enum proto_message message, struct wire_field *field)
{
    const struct shape *shape = &proto_shapes[message];
    const struct cursor before = *c;
    if (!wire_next(c, field))
        return false;
    /* What later versions add is nobody's concern here. */
    if (!has_bit(shape->numbers | shape->bytes, field->number) || is_known(shape, field))
        return true;
    *c = before;
    cursor_fail(c);
    return false;
}

bool proto_error_at(const struct proto *proto, struct span at, struct error *err)
{
    return error_wrap(err, "%s: at byte %zu", proto->filling->job->name,
                      filling_offset(proto->filling, at));
}

bool proto_refuse(const struct proto *proto, const struct cursor *c, enum proto_message message,
                  struct error *err)
{
    error_set(err, ERROR_FORMAT, "no field of a %s: the file is damaged or cut short",
              proto_shapes[message].name);
    return proto_error_at(proto, span_make(c->start + c->failed_at, 0), err);
}

bool proto_text(struct proto *proto, uint64_t index, const char *field, struct span message,
                str_id *text, struct error *err)
{
    if (index >= proto->n_texts) {
        if (index == 0) {
            *text = 0;
            return true;
        }
        error_set(err, ERROR_FORMAT, "%s: text %lld of %u", field, (long long)index,
                  proto->n_texts);
        return proto_error_at(proto, message, err);
    }
    str_id *id = &proto->text_ids[index];
    if (*id == 0)
        *id = strings_add(proto->filling->job->strings, proto->texts[index]) + 1;
    *text = *id - 1;
    return true;
}

/* ---- tables -------------------------------------------------------------------------------------
 */

/* Room for one row more, or an error that names the table. */
static bool grow_table(const struct proto *proto, void **rows, uint32_t n, uint32_t *cap,
                       size_t size, const char *what, struct error *err)
{
    if (n >= TABLE_MAX)
        return error_set(err, ERROR_LIMIT, "%s: more than %u %ss", proto->filling->job->name, n,
                         what);
    *rows = base_grow(*rows, cap, (size_t)n + 1, size);
    return true;
}

static bool add_id(const struct proto *proto, struct idmap *ids, uint64_t id, uint32_t row,
                   const char *field, struct span message, struct error *err)
{
    bool is_new;
    (void)idmap_add(ids, id, row, &is_new);
    if (is_new)
        return true;
    error_set(err, ERROR_FORMAT, "%s: %llu comes twice", field, (unsigned long long)id);
    return proto_error_at(proto, message, err);
}

static bool read_function(struct proto *proto, struct span message, struct error *err)
{
    struct function function = {.message = message};
    uint64_t id = 0;
    struct wire_field field;
    struct cursor c = cursor_over(message, CURSOR_LITTLE);
    while (proto_next(&c, MESSAGE_FUNCTION, &field)) {
        switch (field.number) {
        case FUNCTION_ID:
            id = field.value;
            break;
        case FUNCTION_NAME:
            function.name = field.value;
            break;
        case FUNCTION_SYSTEM_NAME:
            function.system_name = field.value;
            break;
        case FUNCTION_FILE:
            function.file = field.value;
            break;
        default:
            break;
        }
    }
    if (cursor_failed(&c))
        return proto_refuse(proto, &c, MESSAGE_FUNCTION, err);
    void *rows = proto->functions;
    if (!grow_table(proto, &rows, proto->n_functions, &proto->functions_cap, sizeof function,
                    "function", err))
        return false;
    proto->functions = rows;
    proto->functions[proto->n_functions] = function;
    return add_id(proto, &proto->function_ids, id, proto->n_functions++, "function.id", message,
                  err);
}

static bool read_location(struct proto *proto, struct span message, struct error *err)
{
    struct location location = {.message = message};
    struct wire_field field;
    struct cursor c = cursor_over(message, CURSOR_LITTLE);
    while (proto_next(&c, MESSAGE_LOCATION, &field)) {
        if (field.number == LOCATION_ID)
            location.id = field.value;
        else if (field.number == LOCATION_ADDRESS)
            location.address = field.value;
    }
    if (cursor_failed(&c))
        return proto_refuse(proto, &c, MESSAGE_LOCATION, err);
    void *rows = proto->locations;
    if (!grow_table(proto, &rows, proto->n_locations, &proto->locations_cap, sizeof location,
                    "location", err))
        return false;
    proto->locations = rows;
    proto->locations[proto->n_locations] = location;
    return add_id(proto, &proto->location_ids, location.id, proto->n_locations++, "location.id",
                  message, err);
}

static bool read_text(struct proto *proto, struct span text, struct error *err)
{
    void *rows = proto->texts;
    if (!grow_table(proto, &rows, proto->n_texts, &proto->texts_cap, sizeof text, "text", err))
        return false;
    proto->texts = rows;
    proto->texts[proto->n_texts++] = text;
    return true;
}

/* The first pass: all that samples speak of. */
static bool read_tables(struct proto *proto, struct error *err)
{
    const struct read_job *job = proto->filling->job;
    uint64_t n = 0;
    struct wire_field field;
    struct cursor c = cursor_over(proto->filling->whole, CURSOR_LITTLE);
    while (proto_next(&c, MESSAGE_PROFILE, &field)) {
        /* Two bytes each are a lot of work: there are several passes. */
        if (++n > job->limits.max_stacks + FIELDS_ALLOWANCE)
            return error_set(err, ERROR_LIMIT, "%s: more than %u messages in it", job->name,
                             job->limits.max_stacks);
        bool is_good = true;
        switch (field.number) {
        case FIELD_LOCATION:
            is_good = read_location(proto, field.bytes, err);
            break;
        case FIELD_FUNCTION:
            is_good = read_function(proto, field.bytes, err);
            break;
        case FIELD_TEXT:
            is_good = read_text(proto, field.bytes, err);
            break;
        case FIELD_DROP_FRAMES:
            proto->drop_frames = field.value;
            break;
        case FIELD_KEEP_FRAMES:
            proto->keep_frames = field.value;
            break;
        case FIELD_DEFAULT_TYPE:
            proto->default_type = field.value;
            break;
        case FIELD_TIME:
            builder_time(proto->filling->builder, (int64_t)field.value);
            break;
        case FIELD_DURATION:
            builder_duration(proto->filling->builder, (int64_t)field.value);
            break;
        case FIELD_PERIOD:
            proto->period = (int64_t)field.value;
            builder_period(proto->filling->builder, proto->period);
            break;
        default:
            break;
        }
        if (!is_good)
            return false;
    }
    if (cursor_failed(&c))
        return proto_refuse(proto, &c, MESSAGE_PROFILE, err);
    proto->text_ids = base_alloc(proto->n_texts, sizeof proto->text_ids[0]);
    return true;
}

/* ---- mappings -----------------------------------------------------------------------------------
 */

/* Later: mappings of several processes may lie over one another, and an address without names then
 * belongs to the one that its location says; here it goes to the one that starts last. */
static bool read_mapping(struct proto *proto, struct span message, bool is_first, struct error *err)
{
    struct strings *strings = proto->filling->job->strings;
    struct mapping mapping = {0};
    uint64_t file = 0, build_id = 0;
    struct wire_field field;
    struct cursor c = cursor_over(message, CURSOR_LITTLE);
    while (proto_next(&c, MESSAGE_MAPPING, &field)) {
        switch (field.number) {
        case MAPPING_START:
            mapping.start = field.value;
            break;
        case MAPPING_LIMIT:
            mapping.limit = field.value;
            break;
        case MAPPING_OFFSET:
            mapping.offset = field.value;
            break;
        case MAPPING_FILE:
            file = field.value;
            break;
        case MAPPING_BUILD_ID:
            build_id = field.value;
            break;
        default:
            break;
        }
    }
    str_id id = 0;
    if (cursor_failed(&c))
        return proto_refuse(proto, &c, MESSAGE_MAPPING, err);
    if (!proto_text(proto, file, "mapping.filename", message, &mapping.path, err) ||
        !proto_text(proto, build_id, "mapping.build_id", message, &id, err))
        return false;
    mapping.build_id = profile_build_id(strings, strings_span(strings, id));

    struct span path = strings_span(strings, mapping.path);
    static const char deleted[] = " (deleted)";
    if (span_ends(path, deleted)) {
        mapping.is_deleted = true;
        path = span_first(path, path.n - (sizeof deleted - 1));
        mapping.path = strings_add(strings, path);
    }
    /* Names in brackets are not files, but the kernel's code is known by its name; a mapping of
     * unknown size holds nothing. */
    const bool is_vdso = path_is_vdso(path);
    if (path.n == 0 || (path.p[0] == '[' && !is_vdso) || span_starts(path, "//anon"))
        return true;
    if (is_first && !is_vdso)
        builder_program(proto->filling->builder, path);
    if (mapping.start < mapping.limit)
        builder_mapping(proto->filling->builder, &mapping);
    return true;
}

static bool read_mappings(struct proto *proto, struct error *err)
{
    bool is_first = true;
    struct wire_field field;
    struct cursor c = cursor_over(proto->filling->whole, CURSOR_LITTLE);
    while (proto_next(&c, MESSAGE_PROFILE, &field)) {
        if (field.number != FIELD_MAPPING)
            continue;
        if (!read_mapping(proto, field.bytes, is_first, err))
            return false;
        is_first = false;
    }
    return true;
}

static bool read_comments(struct proto *proto, struct error *err)
{
    struct wire_field field;
    struct cursor c = cursor_over(proto->filling->whole, CURSOR_LITTLE);
    while (proto_next(&c, MESSAGE_PROFILE, &field)) {
        uint64_t index;
        struct wire_numbers numbers = wire_numbers_of(&field);
        while (field.number == FIELD_COMMENT && wire_take(&numbers, &index)) {
            str_id text = 0;
            if (!proto_text(proto, index, "comment", proto->filling->whole, &text, err))
                return false;
            builder_comment(proto->filling->builder, text);
        }
    }
    return true;
}

/* ---- the reader ---------------------------------------------------------------------------------
 */

/* Addresses are taken as they are: whoever wrote the profile has moved callers into their calls. */
static bool read_proto(struct span bytes, const struct read_job *job, struct profile *out,
                       struct error *err)
{
    struct filling filling = {
        .builder = builder_new(job->strings, &job->limits),
        .job = job,
        .whole = bytes,
    };
    struct proto proto = {.filling = &filling};
    struct columns columns = {0};
    const bool is_read = read_tables(&proto, err) && proto_types(&proto, &columns, err) &&
                         proto_columns(&proto, &columns, err) && read_mappings(&proto, err) &&
                         read_comments(&proto, err) && proto_place(&proto, err) &&
                         proto_samples(&proto, &columns, err);
    base_free(proto.texts);
    base_free(proto.text_ids);
    base_free(proto.functions);
    base_free(proto.locations);
    base_free(proto.frames);
    idmap_free(&proto.function_ids);
    idmap_free(&proto.location_ids);
    if (is_read)
        return filling_seal(&filling, CALLERS_AS_GIVEN, out, err);
    builder_free(filling.builder);
    return false;
}

/* Whether the bytes are nothing but known fields of the message. */
static bool is_message(struct span bytes, enum proto_message message)
{
    struct wire_field field;
    struct cursor c = cursor_over(bytes, CURSOR_LITTLE);
    while (proto_next(&c, message, &field)) {
        if (!is_known(&proto_shapes[message], &field))
            return false;
    }
    return !cursor_failed(&c);
}

/* By structure, there being no magic number: the beginning must be known fields of known shape, and
 * tell what is counted. A file that ends in mid-field is still one. */
static int sniff(struct span bytes)
{
    static const enum proto_message inner[] = {
        [FIELD_SAMPLE_TYPE] = MESSAGE_VALUE_TYPE, [FIELD_SAMPLE] = MESSAGE_SAMPLE,
        [FIELD_MAPPING] = MESSAGE_MAPPING,        [FIELD_LOCATION] = MESSAGE_LOCATION,
        [FIELD_FUNCTION] = MESSAGE_FUNCTION,      [11] = MESSAGE_VALUE_TYPE,
    };
    enum { FIELDS_MAX = 1000 };
    bool has_type = false;
    struct wire_field field;
    struct cursor c = cursor_over(bytes, CURSOR_LITTLE);
    for (int n = 0; n < FIELDS_MAX && proto_next(&c, MESSAGE_PROFILE, &field); n++) {
        if (!is_known(&proto_shapes[MESSAGE_PROFILE], &field))
            return 0;
        if (field.type == WIRE_BYTES && field.number < COUNT_OF(inner) && inner[field.number] &&
            !is_message(field.bytes, inner[field.number]))
            return 0;
        has_type |= field.number == FIELD_SAMPLE_TYPE && field.bytes.n;
    }
    if (cursor_failed(&c))
        return has_type && c.failed_at > 16 ? 60 : 0;
    return has_type ? 90 : 0;
}

const struct reader reader_proto = {
    .name = "proto",
    .help = "profile.proto, of google/pprof, Go and others",
    .sniff = sniff,
    .read = read_proto,
};
