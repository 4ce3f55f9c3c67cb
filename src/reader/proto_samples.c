/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The samples of a profile.proto: the second pass, when all that they speak of is known. The
 * invariant: nothing is allocated for a sample; what one needs is kept for the next. */
#include "reader/proto_internal.h"

enum { LABEL_KEY = 1, LABEL_TEXT = 2, LABEL_NUMBER = 3, LABEL_UNIT = 4 };

struct sample {
    uint32_t *locations; /* rows, leaf first; kept from sample to sample */
    uint64_t *pcs;
    uint32_t n, locations_cap, pcs_cap;
    double values[COLUMNS_MAX];
    uint32_t n_values;
    struct label labels[LABELS_MAX];
    uint32_t n_labels;
};

static bool take_label(struct proto *proto, struct sample *sample, struct span message,
                       struct error *err)
{
    struct label label = {0};
    uint64_t key = 0, text = 0, unit = 0;
    struct wire_field field;
    struct cursor c = cursor_over(message, CURSOR_LITTLE);
    while (proto_next(&c, MESSAGE_LABEL, &field)) {
        if (field.number == LABEL_KEY)
            key = field.value;
        else if (field.number == LABEL_TEXT)
            text = field.value;
        else if (field.number == LABEL_NUMBER)
            label.number = (int64_t)field.value;
        else if (field.number == LABEL_UNIT)
            unit = field.value;
    }
    if (cursor_failed(&c))
        return proto_refuse(proto, &c, MESSAGE_LABEL, err);
    if (!proto_text(proto, key, "label.key", message, &label.key, err) ||
        !proto_text(proto, text, "label.str", message, &label.text, err) ||
        !proto_text(proto, unit, "label.num_unit", message, &label.unit, err))
        return false;
    struct strings *strings = proto->filling->job->strings;
    label.key = strings_clean(strings, label.key);
    label.text = strings_clean(strings, label.text);
    label.unit = strings_clean(strings, label.unit);
    label.is_number = text == 0;
    if (sample->n_labels == LABELS_MAX) {
        error_set(err, ERROR_LIMIT, "sample.label: more than %d labels", LABELS_MAX);
        return proto_error_at(proto, message, err);
    }
    sample->labels[sample->n_labels++] = label;
    return true;
}

static bool take_location(struct proto *proto, struct sample *sample, uint64_t id,
                          struct span message, struct error *err)
{
    /* Most writers count their locations from 1. */
    uint32_t row = id <= proto->n_locations ? (uint32_t)id - 1 : UINT32_MAX;
    if ((row >= proto->n_locations || proto->locations[row].id != id) &&
        !idmap_find(&proto->location_ids, id, &row)) {
        error_set(err, ERROR_FORMAT, "sample.location_id: there is no location %llu",
                  (unsigned long long)id);
        return proto_error_at(proto, message, err);
    }
    const uint32_t max_depth = proto->filling->job->limits.max_depth;
    if (sample->n >= max_depth) {
        error_set(err, ERROR_LIMIT, "sample.location_id: more than %u locations", max_depth);
        return proto_error_at(proto, message, err);
    }
    if (sample->n == sample->locations_cap)
        sample->locations = base_grow(sample->locations, &sample->locations_cap,
                                      (size_t)sample->n + 1, sizeof sample->locations[0]);
    sample->locations[sample->n++] = row;
    return true;
}

static bool take_numbers(struct proto *proto, const struct columns *columns, struct sample *sample,
                         const struct wire_field *field, struct span message, struct error *err)
{
    uint64_t value;
    struct wire_numbers numbers = wire_numbers_of(field);
    while (wire_take(&numbers, &value)) {
        if (field->number == SAMPLE_LOCATION) {
            if (!take_location(proto, sample, value, message, err))
                return false;
        } else {
            const uint32_t type = sample->n_values++;
            if (type < columns->n_types && columns->column[type] < COLUMNS_MAX)
                sample->values[columns->column[type]] = (double)(int64_t)value;
        }
    }
    return !cursor_failed(&numbers.packed) ||
           proto_refuse(proto, &numbers.packed, MESSAGE_SAMPLE, err);
}

/* How many locations at the leaf are cut off. Going from the root, the first one that is to be cut
 * ends the stack, but only behind some that is not: of a stack of nothing else all is kept. */
static uint32_t count_cut(const struct proto *proto, const struct sample *sample)
{
    bool has_own = false;
    for (uint32_t i = sample->n; proto->has_cuts && i-- > 0;) {
        const enum location_cut cut = proto->locations[sample->locations[i]].cut;
        if (cut == CUT_NOT)
            has_own = true;
        else if (has_own)
            return cut == CUT_HERE ? i + 1 : i;
    }
    return 0;
}

static bool read_sample(struct proto *proto, const struct columns *columns, struct sample *sample,
                        struct span message, struct error *err)
{
    sample->n = sample->n_values = sample->n_labels = 0;
    struct wire_field field;
    struct cursor c = cursor_over(message, CURSOR_LITTLE);
    while (proto_next(&c, MESSAGE_SAMPLE, &field)) {
        if (field.number == SAMPLE_LABEL && !take_label(proto, sample, field.bytes, err))
            return false;
        if ((field.number == SAMPLE_LOCATION || field.number == SAMPLE_VALUE) &&
            !take_numbers(proto, columns, sample, &field, message, err))
            return false;
    }
    if (cursor_failed(&c))
        return proto_refuse(proto, &c, MESSAGE_SAMPLE, err);
    if (sample->n_values != columns->n_types) {
        error_set(err, ERROR_FORMAT, "sample.value: %u values for %u sample types",
                  sample->n_values, columns->n_types);
        return proto_error_at(proto, message, err);
    }
    if (columns->has_mean)
        sample->values[2] = sample->values[0] != 0 ? sample->values[1] / sample->values[0] : 0;

    const uint32_t cut = count_cut(proto, sample), depth = sample->n - cut;
    if (sample->n > sample->pcs_cap)
        sample->pcs = base_grow(sample->pcs, &sample->pcs_cap, sample->n, sizeof sample->pcs[0]);
    for (uint32_t i = 0; i < depth; i++)
        sample->pcs[i] = proto->locations[sample->locations[cut + i]].pc;
    struct builder *builder = proto->filling->builder;
    const stack_ix stack = builder_stack(builder, sample->pcs, depth);
    builder_add(builder, stack, 0, sample->values);
    if (sample->n_labels)
        builder_part(builder, stack,
                     labels_make(proto->filling->job->strings, sample->labels, sample->n_labels),
                     sample->values);
    return true;
}

bool proto_samples(struct proto *proto, const struct columns *columns, struct error *err)
{
    bool is_good = true;
    struct sample sample = {0};
    struct wire_field field;
    struct cursor c = cursor_over(proto->filling->whole, CURSOR_LITTLE);
    while (is_good && proto_next(&c, MESSAGE_PROFILE, &field)) {
        if (field.number == FIELD_SAMPLE)
            is_good = read_sample(proto, columns, &sample, field.bytes, err);
    }
    base_free(sample.locations);
    base_free(sample.pcs);
    return is_good;
}
