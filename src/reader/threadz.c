/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Stacks of all threads of a server as text (docs/formats.md): one sample a thread, and "same as
 * previous thread" where a stack is not written again. */
#include "reader/internal.h"

static bool is_header(struct span line)
{
    return text_is_header(line, "threadz ") || text_is_header(line, "Thread ");
}

struct threadz {
    struct text_stack stack; /* of the thread that is read */
    stack_ix last;           /* of the one before; STACK_NONE: there is none */
    bool is_in_thread, is_same;
    uint32_t max_depth;
};

/* Every hex number with 0x in the line belongs to the stack; names beside them are not needed. */
static void read_addresses(struct threadz *threadz, struct span line)
{
    struct span rest = line, word;
    while (span_word(&rest, &word)) {
        uint64_t pc;
        if (!span_starts(word, "0x") || !span_hex(word, &pc))
            continue;
        struct text_stack *stack = &threadz->stack;
        if (stack->n > threadz->max_depth)
            return; /* the builder tells */
        stack->pcs = base_grow(stack->pcs, &stack->cap, (size_t)stack->n + 1, sizeof stack->pcs[0]);
        stack->pcs[stack->n++] = pc;
    }
}

static void end_thread(struct threadz *threadz, struct filling *filling)
{
    static const double one = 1;
    if (threadz->is_in_thread) {
        if (!threadz->is_same || threadz->last == STACK_NONE)
            threadz->last = builder_stack(filling->builder, threadz->stack.pcs, threadz->stack.n);
        builder_add(filling->builder, threadz->last, 0, &one);
    }
    threadz->is_in_thread = threadz->is_same = false;
    threadz->stack.n = 0;
}

static bool threadz_fill(struct filling *filling, struct span bytes, struct error *err)
{
    (void)err;
    struct text_lines lines = text_lines_over(text_after_profile_line(bytes));
    struct threadz threadz = {.last = STACK_NONE, .max_depth = filling->job->limits.max_depth};
    struct span line;
    bool is_in_maps = false;
    builder_kind(filling->builder, PROFILE_OTHER);
    builder_default_column(filling->builder, builder_column(filling->builder, "threads", "count"));
    while (text_line(&lines, &line)) {
        if (is_in_maps) {
            builder_maps(filling->builder, line);
        } else if (span_starts(line, "---") || text_starts_maps(line)) {
            end_thread(&threadz, filling);
            is_in_maps = text_starts_maps(line);
            threadz.is_in_thread = text_is_header(line, "Thread ");
        } else if (threadz.is_in_thread) {
            threadz.is_same |= span_find_text(line, "same as previous thread") != SIZE_MAX;
            read_addresses(&threadz, line);
        }
    }
    end_thread(&threadz, filling);
    text_stack_free(&threadz.stack);
    text_lines_free(&lines);
    return true;
}

static int sniff_bytes(struct span bytes)
{
    return is_header(span_first(text_after_profile_line(bytes), 64)) ? 95 : 0;
}

static int sniff(struct span bytes)
{
    return section_sniff(&threadz_section, bytes);
}

static bool read_threadz(struct span bytes, const struct read_job *job, struct profile *out,
                         struct error *err)
{
    return section_read(&threadz_section, bytes, job, out, err);
}

const struct section threadz_section = {.sniff = sniff_bytes, .fill = threadz_fill};

const struct reader reader_threadz = {
    .name = "threadz",
    .help = "stacks of a server's threads as text",
    .sniff = sniff,
    .read = read_threadz,
};
