/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The questions of a leak checker: mappings and addresses, one a line, to be answered one by one
 * (docs/formats.md). The invariant: one answer for each address line, in order, repeats and all, so
 * nothing is merged or left out. Only read when asked for by name: any text would do. */
#include "reader/internal.h"

/* "START-LIMIT ...": a line of mappings, even if its path looks like an address. */
static bool is_map(struct span line)
{
    uint64_t start, limit;
    struct span rest = span_trim_left(line);
    return span_take_hex(&rest, &start) && span_take(&rest, "-") && span_take_hex(&rest, &limit);
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* The first word of the line that is 0x and hex digits. */
static bool find_address(struct span line, struct span *hex)
{
    for (size_t at = span_find(line, '0'); at < line.n; at++) {
        if (line.p[at] != '0' || (at && text_is_word(line.p[at - 1])))
            continue;
        struct span rest = span_skip(line, at);
        if (!span_take(&rest, "0x") && !span_take(&rest, "0X"))
            continue;
        size_t n = 0;
        while (n < rest.n && is_hex(rest.p[n]))
            n++;
        if (n == 0 || (n < rest.n && text_is_word(rest.p[n])))
            continue;
        *hex = span_first(rest, n);
        return true;
    }
    return false;
}

static bool read_addresses(struct span bytes, const struct read_job *job, struct profile *out,
                           struct error *err)
{
    struct filling filling = {
        .builder = builder_new(job->strings, &job->limits),
        .job = job,
        .whole = bytes,
    };
    struct text_lines lines = text_lines_over(bytes);
    struct text_stack one = {0};
    uint64_t *pcs = NULL;
    uint32_t n = 0, cap = 0;
    struct span line, hex;

    builder_kind(filling.builder, PROFILE_ADDRESSES);
    builder_default_column(filling.builder, builder_column(filling.builder, "samples", "count"));
    while (text_line(&lines, &line)) {
        if (is_map(line) || !find_address(line, &hex)) {
            builder_maps(filling.builder, line);
            continue;
        }
        text_stack_read(&one, hex, job);
        pcs = base_grow(pcs, &cap, (size_t)n + 1, sizeof pcs[0]);
        pcs[n++] = one.pcs[0];
    }
    const double value = 1;
    builder_add(filling.builder, builder_stack(filling.builder, pcs, n), 0, &value);
    base_free(pcs);
    text_stack_free(&one);
    text_lines_free(&lines);
    return filling_seal(&filling, CALLERS_AS_GIVEN, out, err);
}

static int sniff(struct span bytes)
{
    (void)bytes;
    return 0;
}

const struct reader reader_addresses = {
    .name = "addresses",
    .help = "mappings and addresses, one a line, as leak checkers ask",
    .sniff = sniff,
    .read = read_addresses,
};
