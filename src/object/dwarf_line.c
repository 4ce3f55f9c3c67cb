/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Line programs: run once for a touched unit into rows sorted by address, those that cover wanted
 * addresses. Sequences may come in any order; those of functions that the linker threw away are
 * left out. The invariant: rows of a sequence are contiguous, their addresses rise, and a search
 * never leaves the sequence it is in. */
#include "object/dwarf_internal.h"

#include <stdlib.h>

/* How many sequences that overlap a search looks at before it gives up: sane ones do not overlap.
 */
#define MAX_OVERLAPS 64

struct header {
    struct dwarf_shape shape;
    uint64_t end;
    uint64_t program;
    uint8_t min_length, max_ops, line_range, opcode_base;
    int8_t line_base;
    const uint8_t *operands; /* of standard opcodes: operands[opcode - 1] */
};

/* The registers of the line machine, as far as they matter here, and what it has made. */
struct machine {
    const struct header *header;
    uint64_t address;
    uint32_t op_index;
    uint64_t file;
    uint64_t line;
    struct dwarf_scratch *scratch;     /* holds rows and sequences */
    const struct dwarf_wanted *wanted; /* NULL: all */
    uint32_t next;                     /* the first wanted address that is not below the last row */
    uint32_t first;                    /* row of the running sequence */
    uint64_t low;                      /* of the running sequence */
    bool has_rows;                     /* the running sequence has begun */
    bool is_unsorted;
};

/* Reads the length and leaves the cursor over the table alone, behind it. */
static bool enter(struct cursor *c, const struct dwarf_unit *unit, struct header *out)
{
    const struct dwarf_sections *s = &unit->file->sections;
    *c = cursor_over(s->line, s->order);
    cursor_seek(c, unit->lines);
    uint64_t length = cursor_u32(c);
    out->shape = (struct dwarf_shape){.address_size = unit->shape.address_size, .offset_size = 4};
    if (length == 0xffffffffu) {
        length = cursor_u64(c);
        out->shape.offset_size = 8;
    }
    if (cursor_failed(c) || length > cursor_left(c))
        return false;
    out->end = cursor_offset(c) + length;
    const size_t at = cursor_offset(c);
    *c = cursor_over(span_first(s->line, (size_t)out->end), s->order);
    cursor_seek(c, at);
    return true;
}

uint64_t dwarf_lines_size(const struct dwarf_unit *unit)
{
    struct cursor c;
    struct header header;
    return unit->has_lines && enter(&c, unit, &header) ? header.end - unit->lines : 0;
}

static const char *read_header(struct cursor *c, struct header *h)
{
    const uint16_t version = cursor_u16(c);
    if (version < 2 || version > 5)
        return "its line table has an unknown version";
    h->shape.version = (uint8_t)version;
    if (version >= 5) {
        h->shape.address_size = cursor_u8(c);
        cursor_u8(c); /* size of segment selectors */
    }
    const uint64_t length = cursor_uint(c, h->shape.offset_size);
    if (length > cursor_left(c))
        return "its line table's header is cut short";
    h->program = cursor_offset(c) + length;
    h->min_length = cursor_u8(c);
    h->max_ops = version >= 4 ? cursor_u8(c) : 1;
    if (h->max_ops == 0)
        h->max_ops = 1;
    cursor_u8(c); /* whether rows are statements by default */
    h->line_base = (int8_t)cursor_u8(c);
    h->line_range = cursor_u8(c);
    h->opcode_base = cursor_u8(c);
    if (cursor_failed(c))
        return "its line table's header is cut short";
    if (h->line_range == 0 || h->opcode_base == 0)
        return "its line table's header makes no sense";
    h->operands = (const uint8_t *)cursor_bytes(c, h->opcode_base - 1u).p;
    return cursor_failed(c) ? "its line table's header is cut short" : NULL;
}

static void advance(struct machine *m, uint64_t operations)
{
    const struct header *h = m->header;
    if (h->max_ops == 1) {
        m->address += operations * h->min_length;
        return;
    }
    const uint64_t total = m->op_index + operations;
    m->address += h->min_length * (total / h->max_ops);
    m->op_index = (uint32_t)(total % h->max_ops);
}

/* Whether a wanted address lies from the last row up to the machine's address. */
static bool is_last_wanted(const struct machine *m)
{
    const struct dwarf_wanted *wanted = m->wanted;
    return !wanted || (m->next < wanted->n && wanted->addresses[m->next] < m->address);
}

static void emit(struct machine *m)
{
    struct dwarf_scratch *scratch = m->scratch;
    const struct dwarf_row row = {.address = m->address,
                                  .file = m->file > UINT32_MAX ? 0 : (uint32_t)m->file,
                                  .line = m->line > UINT32_MAX ? 0 : (uint32_t)m->line};
    if (!m->has_rows) {
        m->has_rows = true;
        m->low = row.address;
    } else {
        struct dwarf_row *last = &scratch->rows[scratch->n_rows - 1];
        if (row.address < last->address) {
            m->is_unsorted = true;
            m->low = row.address < m->low ? row.address : m->low;
        } else if (row.address > last->address && last->file == row.file &&
                   last->line == row.line) {
            return;
        } else if (row.address == last->address || !is_last_wanted(m)) {
            *last = row; /* the last row of an address counts */
            return;
        }
    }
    scratch->rows = base_grow(scratch->rows, &scratch->cap_rows, (size_t)scratch->n_rows + 1,
                              sizeof *scratch->rows);
    scratch->rows[scratch->n_rows++] = row;
    if (m->wanted)
        m->next = dwarf_wanted_first(m->wanted, row.address);
}

/* In a stable order: of rows with one address the last stays last. Sequences that run backwards are
 * rare and short. */
static int compare_rows(const void *a, const void *b)
{
    const struct dwarf_row *x = a, *y = b;
    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return x->file < y->file ? -1 : x->file > y->file;
}

static void reset(struct machine *m)
{
    m->address = 0;
    m->op_index = 0;
    m->file = 1;
    m->line = 1;
    m->first = m->scratch->n_rows;
    m->has_rows = false;
    m->is_unsorted = false;
}

static void end_sequence(struct machine *m)
{
    struct dwarf_scratch *scratch = m->scratch;
    const uint32_t n = scratch->n_rows - m->first;
    if (m->is_unsorted)
        qsort(scratch->rows + m->first, n, sizeof *scratch->rows, compare_rows);
    if (!m->has_rows || m->address <= m->low ||
        dwarf_is_gone(m->low, m->header->shape.address_size)) {
        scratch->n_rows = m->first;
    } else {
        scratch->sequences =
            base_grow(scratch->sequences, &scratch->cap_sequences, (size_t)scratch->n_sequences + 1,
                      sizeof *scratch->sequences);
        scratch->sequences[scratch->n_sequences++] =
            (struct dwarf_sequence){.low = m->low, .high = m->address, .first = m->first, .n = n};
    }
    reset(m);
}

static void define_file(struct cursor *c, struct dwarf_lines *lines, struct arena *arena)
{
    const struct dwarf_source source = {.name = cursor_text(c), .dir = cursor_uleb(c)};
    if (cursor_failed(c))
        return;
    /* Nobody has written this opcode in decades: growing by one is good enough. */
    struct dwarf_source *more = arena_alloc(arena, (size_t)lines->n_sources + 1, sizeof *more);
    if (lines->n_sources)
        memcpy(more, lines->sources, lines->n_sources * sizeof *more);
    more[lines->n_sources++] = source;
    lines->sources = more;
}

static void run_extended(struct machine *m, struct cursor *c, struct dwarf_lines *lines,
                         struct arena *arena)
{
    const uint64_t length = cursor_uleb(c);
    if (length == 0 || length > cursor_left(c)) {
        if (length)
            cursor_fail(c);
        return;
    }
    const struct span bytes = cursor_bytes(c, (size_t)length);
    struct cursor body = cursor_over(bytes, c->order);
    switch (cursor_u8(&body)) {
    case DW_LNE_end_sequence:
        end_sequence(m);
        break;
    case DW_LNE_set_address:
        if (length - 1 <= 8)
            m->address = cursor_uint(&body, (unsigned)length - 1);
        m->op_index = 0;
        break;
    case DW_LNE_define_file:
        if (lines->n_sources < UINT16_MAX)
            define_file(&body, lines, arena);
        break;
    default: /* discriminators, and what is not known */
        break;
    }
}

static void run_standard(struct machine *m, struct cursor *c, uint8_t opcode)
{
    const struct header *h = m->header;
    switch (opcode) {
    case DW_LNS_copy:
        emit(m);
        break;
    case DW_LNS_advance_pc:
        advance(m, cursor_uleb(c));
        break;
    case DW_LNS_advance_line:
        m->line += (uint64_t)cursor_sleb(c);
        break;
    case DW_LNS_set_file:
        m->file = cursor_uleb(c);
        break;
    case DW_LNS_set_column:
    case DW_LNS_set_isa:
        cursor_uleb(c);
        break;
    case DW_LNS_negate_stmt:
    case DW_LNS_set_basic_block:
    case DW_LNS_set_prologue_end:
    case DW_LNS_set_epilogue_begin:
        break;
    case DW_LNS_const_add_pc:
        advance(m, (255u - h->opcode_base) / h->line_range);
        break;
    case DW_LNS_fixed_advance_pc:
        m->address += cursor_u16(c);
        m->op_index = 0;
        break;
    default:
        for (uint8_t i = h->operands[opcode - 1]; i > 0; i--)
            cursor_uleb(c);
        break;
    }
}

static bool run(struct machine *m, struct cursor *c, struct dwarf_lines *lines, struct arena *arena)
{
    const struct header *h = m->header;
    reset(m);
    while (cursor_left(c) > 0) {
        const uint8_t opcode = cursor_u8(c);
        if (opcode >= h->opcode_base) {
            const uint8_t adjusted = (uint8_t)(opcode - h->opcode_base);
            advance(m, adjusted / h->line_range);
            m->line += (uint64_t)(int64_t)(h->line_base + adjusted % h->line_range);
            emit(m);
        } else if (opcode == 0) {
            run_extended(m, c, lines, arena);
        } else {
            run_standard(m, c, opcode);
        }
    }
    return !cursor_failed(c);
}

static int compare_sequences(const void *a, const void *b)
{
    const struct dwarf_sequence *x = a, *y = b;
    if (x->low != y->low)
        return x->low < y->low ? -1 : 1;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* Makes sequences ready for the search. */
static void sort_sequences(struct dwarf_scratch *scratch)
{
    struct dwarf_sequence *sequences = scratch->sequences;
    if (scratch->n_sequences > 1)
        qsort(sequences, scratch->n_sequences, sizeof *sequences, compare_sequences);
    uint64_t reach = 0;
    for (uint32_t i = 0; i < scratch->n_sequences; i++) {
        if (sequences[i].high > reach)
            reach = sequences[i].high;
        sequences[i].reach = reach;
    }
}

bool dwarf_lines_read(const struct dwarf_unit *unit, const struct dwarf_wanted *wanted,
                      struct arena *arena, struct dwarf_scratch *scratch, struct dwarf_lines *out,
                      const char **damage)
{
    *out = (struct dwarf_lines){0};
    scratch->n_rows = scratch->n_sequences = 0;
    *damage = NULL;
    if (!unit->has_lines)
        return true;
    struct cursor c;
    struct header header = {0};
    if (!enter(&c, unit, &header)) {
        *damage = "its line table runs past the end of its section";
        return false;
    }
    *damage = read_header(&c, &header);
    if (*damage)
        return false;
    out->version = header.shape.version;
    if (!dwarf_sources_read(&c, unit, header.shape, arena, out)) {
        *out = (struct dwarf_lines){0};
        *damage = "its table of source files cannot be read";
        return false;
    }
    const struct dwarf_sections *s = &unit->file->sections;
    c = cursor_over(span_first(s->line, (size_t)header.end), s->order);
    cursor_seek(&c, header.program);
    struct machine machine = {.header = &header, .scratch = scratch, .wanted = wanted};
    if (!run(&machine, &c, out, arena))
        *damage = "its line program is cut short";
    sort_sequences(scratch);
    return *damage == NULL;
}

static const struct dwarf_row *find_in(const struct dwarf_scratch *scratch,
                                       const struct dwarf_sequence *sequence, uint64_t address)
{
    uint32_t low = sequence->first, high = sequence->first + sequence->n;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (scratch->rows[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low > sequence->first ? &scratch->rows[low - 1] : NULL;
}

const struct dwarf_row *dwarf_lines_find(const struct dwarf_scratch *scratch, uint64_t address)
{
    uint32_t low = 0, high = scratch->n_sequences;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (scratch->sequences[middle].low <= address)
            low = middle + 1;
        else
            high = middle;
    }
    for (uint32_t i = low, tries = 0; i > 0 && tries < MAX_OVERLAPS; i--, tries++) {
        const struct dwarf_sequence *sequence = &scratch->sequences[i - 1];
        if (sequence->reach <= address)
            return NULL;
        if (address < sequence->high)
            return find_in(scratch, sequence, address);
    }
    return NULL;
}
