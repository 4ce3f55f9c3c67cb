/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Ranges of addresses: reading the lists (.debug_ranges of DWARF 2 to 4, .debug_rnglists of DWARF
 * 5), and laying intervals that nest or overlap out flat, so that a search finds the best one. The
 * invariant of segments: starts rise strictly, and the last piece is a gap. */
#include "object/dwarf_internal.h"

/* What a linker writes in place of the address of code that it threw away: 0 (GNU), or the largest
 * address or the one below it (LLVM), in the size of the unit's addresses. */
bool dwarf_is_gone(uint64_t address, uint8_t address_size)
{
    const uint64_t largest = address_size >= 8 ? UINT64_MAX : (1ull << (8 * address_size)) - 1;
    return address == 0 || address >= largest - 1;
}

void dwarf_intervals_add(struct dwarf_intervals *intervals, uint64_t low, uint64_t high,
                         uint32_t what, uint32_t depth)
{
    if (low >= high || dwarf_is_gone(low, 8))
        return;
    intervals->list = base_grow(intervals->list, &intervals->cap, (size_t)intervals->n + 1,
                                sizeof *intervals->list);
    intervals->list[intervals->n++] =
        (struct dwarf_interval){.low = low, .high = high, .what = what, .depth = depth};
}

struct list {
    struct dwarf_intervals *to;
    const struct dwarf_unit *unit;
    uint32_t what, depth;
    uint64_t base;
    bool is_base_gone; /* the base is that of code that is not there */
};

static bool spend(struct list *list)
{
    if (list->to->budget == 0)
        return false;
    list->to->budget--;
    return true;
}

static void set_base(struct list *list, uint64_t base)
{
    list->base = base;
    /* A base of 0 is what units with code in many sections start from. */
    list->is_base_gone = base != 0 && dwarf_is_gone(base, list->unit->shape.address_size);
}

/* Addresses wrap around at their size. */
static uint64_t cut_address(const struct list *list, uint64_t address)
{
    const unsigned size = list->unit->shape.address_size;
    return size >= 8 ? address : address & ((1ull << (8 * size)) - 1);
}

static void add(struct list *list, uint64_t low, uint64_t high)
{
    if (!dwarf_is_gone(low, list->unit->shape.address_size))
        dwarf_intervals_add(list->to, low, high, list->what, list->depth);
}

static void add_pair(struct list *list, uint64_t low, uint64_t high)
{
    if (!list->is_base_gone)
        add(list, cut_address(list, list->base + low), cut_address(list, list->base + high));
}

/* DWARF 2 to 4: pairs of addresses; the largest address as the first one sets a new base. */
static bool read_pairs(struct list *list, struct cursor *c)
{
    const unsigned size = list->unit->shape.address_size;
    const uint64_t largest = size >= 8 ? UINT64_MAX : (1ull << (8 * size)) - 1;
    while (spend(list)) {
        const uint64_t low = cursor_uint(c, size), high = cursor_uint(c, size);
        if (cursor_failed(c))
            return false;
        if (low == 0 && high == 0)
            return true;
        if (low == largest)
            set_base(list, high);
        else
            add_pair(list, low, high);
    }
    return false;
}

/* One entry of a DWARF 5 list. False at the end; what is not known fails the cursor. */
static bool read_entry(struct list *list, struct cursor *c)
{
    const struct dwarf_unit *unit = list->unit;
    const unsigned size = unit->shape.address_size;
    uint64_t low = 0, high = 0;
    switch (cursor_u8(c)) {
    case DW_RLE_end_of_list:
        return false;
    case DW_RLE_base_addressx:
        if (dwarf_address_at(unit, cursor_uleb(c), &low))
            set_base(list, low);
        else
            list->is_base_gone = true;
        return true;
    case DW_RLE_base_address:
        set_base(list, cursor_uint(c, size));
        return true;
    case DW_RLE_startx_endx: {
        const uint64_t low_at = cursor_uleb(c), high_at = cursor_uleb(c);
        if (dwarf_address_at(unit, low_at, &low) && dwarf_address_at(unit, high_at, &high))
            add(list, low, high);
        return true;
    }
    case DW_RLE_startx_length: {
        const uint64_t low_at = cursor_uleb(c), length = cursor_uleb(c);
        if (dwarf_address_at(unit, low_at, &low))
            add(list, low, cut_address(list, low + length));
        return true;
    }
    case DW_RLE_offset_pair:
        low = cursor_uleb(c);
        high = cursor_uleb(c);
        if (!cursor_failed(c))
            add_pair(list, low, high);
        return true;
    case DW_RLE_start_end:
        low = cursor_uint(c, size);
        high = cursor_uint(c, size);
        if (!cursor_failed(c))
            add(list, low, high);
        return true;
    case DW_RLE_start_length:
        low = cursor_uint(c, size);
        high = cut_address(list, low + cursor_uleb(c));
        if (!cursor_failed(c))
            add(list, low, high);
        return true;
    default:
        cursor_fail(c);
        return false;
    }
}

static bool read_entries(struct list *list, struct cursor *c)
{
    while (spend(list)) {
        const bool has_more = read_entry(list, c);
        if (cursor_failed(c))
            return false;
        if (!has_more)
            return true;
    }
    return false;
}

/* The offset of a list that is named by its place in the unit's table of offsets. */
static bool find_list(const struct dwarf_unit *unit, uint64_t index, uint64_t *offset)
{
    const struct dwarf_sections *s = &unit->file->sections;
    const uint8_t size = unit->shape.offset_size;
    uint64_t at;
    if (__builtin_mul_overflow(index, (uint64_t)size, &at) ||
        __builtin_add_overflow(at, unit->rnglists_base, &at))
        return false;
    struct cursor c = cursor_over(s->rnglists, s->order);
    cursor_seek(&c, at);
    const uint64_t from_base = cursor_uint(&c, size);
    return !cursor_failed(&c) && !__builtin_add_overflow(from_base, unit->rnglists_base, offset);
}

bool dwarf_intervals_read(struct dwarf_intervals *intervals, const struct dwarf_unit *unit,
                          const struct dwarf_value *ranges, uint32_t what, uint32_t depth)
{
    const struct dwarf_sections *s = &unit->file->sections;
    struct list list = {.to = intervals, .unit = unit, .what = what, .depth = depth};
    set_base(&list, unit->low);
    uint64_t offset = ranges->number;
    if (ranges->kind == DWARF_VALUE_RANGES_INDEX) {
        if (!find_list(unit, ranges->number, &offset))
            return false;
    } else if (ranges->kind != DWARF_VALUE_NUMBER) {
        return false;
    }
    struct cursor c;
    if (unit->shape.version >= 5) {
        c = cursor_over(s->rnglists, s->order);
        cursor_seek(&c, offset);
        return read_entries(&list, &c);
    }
    if (__builtin_add_overflow(offset, unit->ranges_base, &offset))
        return false;
    c = cursor_over(s->ranges, s->order);
    cursor_seek(&c, offset);
    return read_pairs(&list, &c);
}

/* ---- laying flat ---- */

#define RADIX_BITS 11
#define RADIX      (1u << RADIX_BITS)
#define FEW        48

static void sort_few(struct dwarf_interval *list, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        const struct dwarf_interval one = list[i];
        uint32_t at = i;
        for (; at > 0 && list[at - 1].low > one.low; at--)
            list[at] = list[at - 1];
        list[at] = one;
    }
}

/* Sorts by `low`: a radix sort, since this is a large part of the work of a batch and the addresses
 * of a unit lie close together. The order of equal ones does not matter to the sweep. */
static void sort(struct dwarf_scratch *scratch)
{
    struct dwarf_intervals *intervals = &scratch->intervals;
    const uint32_t n = intervals->n;
    if (n <= FEW) {
        sort_few(intervals->list, n);
        return;
    }
    uint64_t smallest = UINT64_MAX, largest = 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t low = intervals->list[i].low;
        smallest = low < smallest ? low : smallest;
        largest = low > largest ? low : largest;
    }
    scratch->sorting =
        base_grow(scratch->sorting, &scratch->cap_sorting, n, sizeof *scratch->sorting);
    for (unsigned shift = 0; shift < 64 && (largest - smallest) >> shift; shift += RADIX_BITS) {
        uint32_t at[RADIX] = {0};
        struct dwarf_interval *const from = intervals->list, *const to = scratch->sorting;
        for (uint32_t i = 0; i < n; i++)
            at[(from[i].low - smallest) >> shift & (RADIX - 1)]++;
        for (uint32_t i = 0, sum = 0; i < RADIX; i++) {
            const uint32_t count = at[i];
            at[i] = sum;
            sum += count;
        }
        for (uint32_t i = 0; i < n; i++)
            to[at[(from[i].low - smallest) >> shift & (RADIX - 1)]++] = from[i];
        const uint32_t cap = intervals->cap;
        intervals->list = to;
        intervals->cap = scratch->cap_sorting;
        scratch->sorting = from;
        scratch->cap_sorting = cap;
    }
}

static bool is_better(const struct dwarf_interval *a, const struct dwarf_interval *b)
{
    if (a->depth != b->depth)
        return a->depth > b->depth;
    if (a->high - a->low != b->high - b->low)
        return a->high - a->low < b->high - b->low;
    /* Of aliases in assembler addr2line too shows the last, of calls side by side the first. */
    return a->depth == 0 ? a->what > b->what : a->what < b->what;
}

/* The sweep from low to high addresses. The heap holds the intervals that cover the place where it
 * is, the best on top, and perhaps some that it has left: those are dropped when they come to the
 * top. */
struct sweep {
    struct dwarf_scratch *scratch;
    uint32_t n_heap;
};

static void push(struct sweep *sweep, const struct dwarf_interval *interval)
{
    struct dwarf_scratch *scratch = sweep->scratch;
    scratch->heap = base_grow(scratch->heap, &scratch->cap_heap, (size_t)sweep->n_heap + 1,
                              sizeof *scratch->heap);
    const struct dwarf_interval **heap = scratch->heap;
    uint32_t i = sweep->n_heap++;
    for (; i > 0 && is_better(interval, heap[(i - 1) / 2]); i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = interval;
}

static void pop(struct sweep *sweep)
{
    const struct dwarf_interval **heap = sweep->scratch->heap;
    const uint32_t n = --sweep->n_heap;
    const struct dwarf_interval *last = heap[n];
    uint32_t i = 0;
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= n)
            break;
        if (child + 1 < n && is_better(heap[child + 1], heap[child]))
            child++;
        if (!is_better(heap[child], last))
            break;
        heap[i] = heap[child];
        i = child;
    }
    if (n)
        heap[i] = last;
}

static const struct dwarf_interval *top(const struct sweep *sweep)
{
    return sweep->n_heap > 0 ? sweep->scratch->heap[0] : NULL;
}

static void start_piece(struct sweep *sweep, uint64_t at, uint32_t what)
{
    struct dwarf_scratch *scratch = sweep->scratch;
    struct dwarf_segments *to = &scratch->segments;
    if (to->n > 0 && to->starts[to->n - 1] == at)
        to->n--; /* nothing lay between */
    if (to->n > 0 && to->whats[to->n - 1] == what)
        return;
    to->starts = base_grow(to->starts, &scratch->cap_starts, (size_t)to->n + 1, sizeof *to->starts);
    to->whats = base_grow(to->whats, &scratch->cap_whats, (size_t)to->n + 1, sizeof *to->whats);
    to->starts[to->n] = at;
    to->whats[to->n++] = what;
}

/* Goes on up to `limit`, where the next interval starts; what ends before it leaves the stage. */
static void sweep_to(struct sweep *sweep, uint64_t limit)
{
    while (top(sweep) && top(sweep)->high <= limit) {
        const uint64_t end = top(sweep)->high;
        do
            pop(sweep);
        while (top(sweep) && top(sweep)->high <= end);
        start_piece(sweep, end, top(sweep) ? top(sweep)->what : DWARF_NONE);
    }
}

void dwarf_segments_make(struct dwarf_scratch *scratch)
{
    const struct dwarf_intervals *intervals = &scratch->intervals;
    sort(scratch);
    scratch->segments.n = 0;
    struct sweep sweep = {.scratch = scratch};
    for (uint32_t i = 0; i < intervals->n; i++) {
        const struct dwarf_interval *interval = &intervals->list[i];
        sweep_to(&sweep, interval->low);
        push(&sweep, interval);
        start_piece(&sweep, interval->low, top(&sweep)->what);
    }
    sweep_to(&sweep, UINT64_MAX);
}

uint32_t dwarf_segments_find(const struct dwarf_segments *segments, uint64_t address)
{
    uint32_t low = 0, high = segments->n;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (segments->starts[middle] <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? segments->whats[low - 1] : DWARF_NONE;
}

uint32_t dwarf_wanted_first(const struct dwarf_wanted *wanted, uint64_t address)
{
    uint32_t low = 0, high = wanted->n; /* those before low are below the address */
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (wanted->addresses[middle] < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
