/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What samples say of themselves beside their stack: labels, such as the size of what was allocated
 * or the request that was served. Apart because hardly any format has them and no sum looks at
 * them. The invariant: parts are shares of samples that are there, in the order of first reading.
 */
#include "profile/internal.h"

/* The labels of a sample as one text, so that equal ones are one: for each, in hex, 8 digits of its
 * key, text and unit, 16 of its number, and whether it is one. */
enum { LABEL_LENGTH = 8 + 8 + 8 + 16 + 1 };

static void put_hex(char *to, uint64_t value, int digits)
{
    for (int i = digits; i-- > 0; value >>= 4)
        to[i] = "0123456789abcdef"[value & 15];
}

static uint64_t take_hex(struct span *rest, size_t digits)
{
    uint64_t value = 0;
    struct span word = span_first(*rest, digits);
    (void)span_take_hex(&word, &value);
    *rest = span_skip(*rest, digits);
    return value;
}

str_id labels_make(struct strings *strings, const struct label *labels, uint32_t n)
{
    char text[LABELS_MAX * LABEL_LENGTH];
    size_t used = 0;
    for (uint32_t i = 0; i < n && i < LABELS_MAX; i++, used += LABEL_LENGTH) {
        char *to = text + used;
        put_hex(to, labels[i].key, 8);
        put_hex(to + 8, labels[i].text, 8);
        put_hex(to + 16, labels[i].unit, 8);
        put_hex(to + 24, (uint64_t)labels[i].number, 16);
        put_hex(to + 40, labels[i].is_number, 1);
    }
    return strings_add(strings, span_make(text, used));
}

uint32_t labels_count(const struct strings *strings, str_id labels)
{
    return (uint32_t)(strings_span(strings, labels).n / LABEL_LENGTH);
}

struct label labels_at(const struct strings *strings, str_id labels, uint32_t i)
{
    struct span rest = span_skip(strings_span(strings, labels), (size_t)i * LABEL_LENGTH);
    struct label label = {0};
    label.key = (str_id)take_hex(&rest, 8);
    label.text = (str_id)take_hex(&rest, 8);
    label.unit = (str_id)take_hex(&rest, 8);
    label.number = (int64_t)take_hex(&rest, 16);
    label.is_number = take_hex(&rest, 1) != 0;
    return label;
}

double *part_table_row(struct part_table *table, stack_ix stack, str_id labels, uint32_t n_columns)
{
    bool is_new;
    struct parts *parts = &table->parts;
    const uint32_t i = idmap_add(&table->ids, (uint64_t)stack << 32 | labels, parts->n, &is_new);
    if (is_new) {
        const size_t n = (size_t)parts->n + 1;
        parts->stack = base_grow(parts->stack, &table->stack_cap, n, sizeof parts->stack[0]);
        parts->labels = base_grow(parts->labels, &table->labels_cap, n, sizeof parts->labels[0]);
        parts->value =
            base_grow(parts->value, &table->value_cap, n * n_columns, sizeof parts->value[0]);
        parts->stack[i] = stack;
        parts->labels[i] = labels;
        for (uint32_t c = 0; c < n_columns; c++)
            parts->value[(size_t)i * n_columns + c] = 0;
        parts->n++;
    }
    return parts->value + (size_t)i * n_columns;
}

struct parts part_table_take(struct part_table *table)
{
    const struct parts parts = table->parts;
    idmap_free(&table->ids);
    *table = (struct part_table){0};
    return parts;
}

void parts_free(struct parts *parts)
{
    base_free(parts->stack);
    base_free(parts->labels);
    base_free(parts->value);
    *parts = (struct parts){0};
}

void part_table_free(struct part_table *table)
{
    struct parts parts = part_table_take(table);
    parts_free(&parts);
}
