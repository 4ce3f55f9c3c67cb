/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The walk over a unit's DIEs: one pass, forward only, that leaves a node for each function and
 * inlined call with code and the ranges of each. What cannot hold code is passed over, a whole type
 * at a time where the compiler wrote DW_AT_sibling (gcc does, clang does not), and so is a function
 * that nobody asks for. The invariant: each round of the loop consumes at least one byte, so no
 * reference can make the walk long. */
#include "object/dwarf_internal.h"

/* What encloses the DIEs at one depth. */
struct dwarf_level {
    uint32_t node;  /* DWARF_NONE: no function with code */
    uint32_t scope; /* DWARF_NONE: the unit itself */
    bool is_gone;   /* inside a function that the linker threw away, or nobody asks for */
};

struct walk {
    const struct dwarf_unit *unit;
    bool is_whole;                     /* pass over nothing */
    struct dwarf_intervals *out;       /* NULL: only scopes are wanted */
    bool wants_nodes;                  /* else all intervals get `what` and `depth` */
    const struct dwarf_wanted *wanted; /* of nodes; NULL: all */
    uint32_t what, depth;
    struct dwarf_scopes *scopes;   /* NULL: nobody asks */
    struct dwarf_scratch *scratch; /* holds nodes, levels and intervals */
    uint32_t n_nodes, n_levels;
    bool has_skipped;
    const char *damage;
};

/* What the steps over one DIE brought. */
struct found {
    struct dwarf_value low, high, ranges;
    uint64_t call_file, call_line;
    uint64_t sibling; /* 0: none */
};

static bool fail(struct walk *walk, const char *what)
{
    if (!walk->damage)
        walk->damage = what;
    return false;
}

/* Takes the steps of one DIE. With `for_sibling` it stops once the next sibling is known. */
static void take_steps(struct walk *walk, struct cursor *c, const struct dwarf_abbrev *abbrev,
                       bool for_sibling, struct found *out)
{
    const struct dwarf_unit *unit = walk->unit;
    for (uint32_t i = 0; i < abbrev->n_steps; i++) {
        const struct dwarf_step *step = &unit->abbrevs->steps[abbrev->steps_at + i];
        cursor_skip(c, step->before);
        if (step->want == DWARF_WANT_NOTHING) {
            dwarf_form_skip(c, step->form, unit->shape);
            continue;
        }
        const struct dwarf_value value = dwarf_form_read(c, unit, step->form, step->implicit);
        switch (step->want) {
        case DWARF_WANT_SIBLING:
            out->sibling = value.kind == DWARF_VALUE_REFERENCE ? value.number : 0;
            if (for_sibling)
                return;
            break;
        case DWARF_WANT_LOW:
            out->low = value;
            break;
        case DWARF_WANT_HIGH:
            out->high = value;
            break;
        case DWARF_WANT_RANGES:
            out->ranges = value;
            break;
        case DWARF_WANT_CALL_FILE:
            out->call_file = value.number;
            break;
        default:
            out->call_line = value.number;
            break;
        }
    }
    cursor_skip(c, abbrev->tail);
}

/* Jumps to the next sibling. False: there is none that lies ahead. */
static bool jump(const struct walk *walk, struct cursor *c, uint64_t sibling)
{
    if (sibling <= cursor_offset(c) || sibling >= walk->unit->end)
        return false;
    cursor_seek(c, sibling);
    return true;
}

static void push_level(struct walk *walk, struct dwarf_level level)
{
    struct dwarf_scratch *scratch = walk->scratch;
    scratch->levels = base_grow(scratch->levels, &scratch->cap_levels, (size_t)walk->n_levels + 1,
                                sizeof *scratch->levels);
    scratch->levels[walk->n_levels++] = level;
}

static uint32_t add_scope(struct walk *walk, uint32_t die, uint32_t parent)
{
    struct dwarf_scopes *scopes = walk->scopes;
    scopes->scopes = base_grow(scopes->scopes, &scopes->cap_scopes, (size_t)scopes->n_scopes + 1,
                               sizeof *scopes->scopes);
    scopes->scopes[scopes->n_scopes] = (struct dwarf_scope){.die = die, .parent = parent};
    return scopes->n_scopes++;
}

static void add_plain(struct walk *walk, uint32_t die, uint32_t scope)
{
    struct dwarf_scopes *scopes = walk->scopes;
    scopes->plains = base_grow(scopes->plains, &scopes->cap_plains, (size_t)scopes->n_plains + 1,
                               sizeof *scopes->plains);
    scopes->plains[scopes->n_plains++] = (struct dwarf_plain){.die = die, .scope = scope};
}

static uint32_t cut_number(uint64_t number)
{
    return number > UINT32_MAX ? 0 : (uint32_t)number;
}

/* Adds the ranges of a function or call. False: they are damaged. */
static bool add_ranges(struct walk *walk, const struct found *found, uint32_t what, uint32_t depth)
{
    if (found->ranges.kind != DWARF_VALUE_NONE)
        return dwarf_intervals_read(walk->out, walk->unit, &found->ranges, what, depth) ||
               fail(walk, "a range list cannot be read");
    if (found->low.kind != DWARF_VALUE_ADDRESS)
        return true;
    const uint64_t low = found->low.number;
    if (dwarf_is_gone(low, walk->unit->shape.address_size))
        return true;
    uint64_t high = found->high.number;
    if (found->high.kind == DWARF_VALUE_NUMBER && __builtin_add_overflow(low, high, &high))
        return true;
    if (found->high.kind != DWARF_VALUE_NONE)
        dwarf_intervals_add(walk->out, low, high, what, depth);
    return true;
}

static bool is_wanted(const struct dwarf_wanted *wanted, const struct dwarf_interval *interval)
{
    const uint32_t first = dwarf_wanted_first(wanted, interval->low);
    return first < wanted->n && wanted->addresses[first] < interval->high;
}

/* Takes a function's ranges back, those from `first` on, unless somebody asks for one of them. */
static void drop_unwanted(struct walk *walk, uint32_t first)
{
    struct dwarf_intervals *out = walk->out;
    for (uint32_t i = first; i < out->n; i++) {
        if (!walk->wanted || is_wanted(walk->wanted, &out->list[i]))
            return;
    }
    walk->has_skipped |= out->n > first;
    out->n = first;
}

/* Looks at a function or inlined call; *level is what its children will be in. */
static bool visit_code(struct walk *walk, const struct dwarf_abbrev *abbrev, uint32_t die,
                       const struct found *found, struct dwarf_level *level)
{
    const bool is_inlined = abbrev->kind == DWARF_KIND_INLINED;
    const bool has_code =
        found->low.kind == DWARF_VALUE_ADDRESS || found->ranges.kind != DWARF_VALUE_NONE;
    if (!walk->out || level->is_gone)
        return true;
    if (!walk->wants_nodes)
        return is_inlined || !has_code || add_ranges(walk, found, walk->what, walk->depth);
    const uint32_t parent = is_inlined ? level->node : DWARF_NONE;
    const uint32_t depth = parent == DWARF_NONE ? 0 : walk->scratch->nodes[parent].depth + 1;
    /* A call without code of its own is still a frame around calls that have some. */
    if (!has_code && parent == DWARF_NONE) {
        level->node = DWARF_NONE;
        return true;
    }
    if (depth >= DWARF_MAX_INLINE)
        return true;
    const uint32_t before = walk->out->n;
    if (!add_ranges(walk, found, walk->n_nodes, depth))
        return false;
    if (!is_inlined) {
        drop_unwanted(walk, before);
        level->is_gone = walk->out->n == before;
        if (level->is_gone)
            return true;
    }
    struct dwarf_scratch *scratch = walk->scratch;
    scratch->nodes = base_grow(scratch->nodes, &scratch->cap_nodes, (size_t)walk->n_nodes + 1,
                               sizeof *scratch->nodes);
    scratch->nodes[walk->n_nodes] = (struct dwarf_node){.die = die,
                                                        .parent = parent,
                                                        .call_file = cut_number(found->call_file),
                                                        .call_line = cut_number(found->call_line),
                                                        .depth = depth};
    level->node = walk->n_nodes++;
    return true;
}

/* Whether the children of a DIE need not be looked at, if there is a way around them. */
static bool may_pass(const struct walk *walk, const struct dwarf_abbrev *abbrev,
                     const struct dwarf_level *level)
{
    if (walk->is_whole || !abbrev->has_sibling)
        return false;
    switch (abbrev->kind) {
    case DWARF_KIND_OTHER:
    case DWARF_KIND_TYPE:
        return true;
    case DWARF_KIND_FUNCTION: /* a declaration, or what inlined calls refer to */
        return level->node == DWARF_NONE || level->is_gone;
    default:
        return false;
    }
}

/* A DIE that cannot hold code, with all that is in it if there is a way around. False: visit it. */
static bool pass(struct walk *walk, struct cursor *c, const struct dwarf_abbrev *abbrev)
{
    if (abbrev->has_children || abbrev->kind >= DWARF_KIND_FUNCTION)
        return false;
    for (uint32_t i = 0; i < abbrev->n_steps; i++) {
        const struct dwarf_step *step = &walk->unit->abbrevs->steps[abbrev->steps_at + i];
        cursor_skip(c, step->before);
        dwarf_form_skip(c, step->form, walk->unit->shape);
    }
    cursor_skip(c, abbrev->tail);
    return true;
}

/* One DIE; the cursor stands behind its code. */
static bool visit(struct walk *walk, struct cursor *c, const struct dwarf_abbrev *abbrev,
                  uint32_t die)
{
    struct dwarf_level level = walk->scratch->levels[walk->n_levels - 1];
    struct found found = {0};
    const bool is_code = abbrev->kind == DWARF_KIND_FUNCTION || abbrev->kind == DWARF_KIND_INLINED;
    take_steps(walk, c, abbrev, !is_code && may_pass(walk, abbrev, &level), &found);
    if (is_code) {
        if (abbrev->is_plain && walk->scopes && abbrev->kind == DWARF_KIND_FUNCTION)
            add_plain(walk, die, level.scope);
        if (!visit_code(walk, abbrev, die, &found, &level))
            return false;
    }
    if (!abbrev->has_children)
        return true;
    if (may_pass(walk, abbrev, &level) && jump(walk, c, found.sibling)) {
        walk->has_skipped = true;
        return true;
    }
    if (!is_code && may_pass(walk, abbrev, &level))
        return fail(walk, "a DIE's next sibling lies outside the unit");
    if (walk->scopes && (abbrev->kind == DWARF_KIND_SCOPE || abbrev->kind == DWARF_KIND_TYPE))
        level.scope = add_scope(walk, die, level.scope);
    push_level(walk, level);
    return true;
}

static bool run(struct walk *walk)
{
    const struct dwarf_unit *unit = walk->unit;
    struct cursor c = dwarf_unit_cursor(unit, unit->dies);
    push_level(walk, (struct dwarf_level){.node = DWARF_NONE, .scope = DWARF_NONE});
    while (cursor_left(&c) > 0) {
        const size_t at = cursor_offset(&c);
        const uint64_t code = cursor_uleb(&c);
        if (code == 0) {
            /* What is behind the end of the first DIE's children is padding. */
            if (--walk->n_levels <= 1)
                break;
            continue;
        }
        const struct dwarf_abbrev *abbrev = dwarf_abbrevs_find(unit->abbrevs, code);
        if (!abbrev)
            return fail(walk, "a DIE's abbreviation is missing");
        if (!abbrev->is_readable)
            return fail(walk, "a DIE has an attribute of an unknown form");
        if (!pass(walk, &c, abbrev) && !visit(walk, &c, abbrev, (uint32_t)(at - unit->offset)))
            return false;
    }
    return !cursor_failed(&c) || fail(walk, "its DIEs are cut short");
}

/* Budget for range lists: legal units are far below one entry a byte. */
static void start_intervals(struct dwarf_intervals *intervals, const struct dwarf_unit *unit)
{
    intervals->n = 0;
    intervals->budget = unit->end - unit->offset + 256;
}

void dwarf_code_walk(struct dwarf_code *code, const struct dwarf_wanted *wanted,
                     struct dwarf_scratch *scratch)
{
    const struct dwarf_unit *unit = code->unit;
    start_intervals(&scratch->intervals, unit);
    struct walk walk = {.unit = unit,
                        .is_whole = !wanted,
                        .wanted = wanted,
                        .out = &scratch->intervals,
                        .wants_nodes = true,
                        .scratch = scratch};
    if (dwarf_language_is_scoped(unit->language)) {
        dwarf_scopes_free(&code->scopes);
        code->scopes.unit = unit;
        walk.scopes = &code->scopes;
    }
    code->nodes = NULL;
    code->n_nodes = 0;
    scratch->segments.n = 0;
    if (run(&walk)) {
        code->nodes = arena_alloc(code->arena, walk.n_nodes, sizeof *code->nodes);
        code->n_nodes = walk.n_nodes;
        if (walk.n_nodes)
            memcpy(code->nodes, scratch->nodes, walk.n_nodes * sizeof *code->nodes);
        dwarf_segments_make(scratch);
    } else if (!code->damage) {
        code->damage = walk.damage;
    }
    code->has_skipped = walk.has_skipped;
}

bool dwarf_unit_functions(struct dwarf_unit *unit, struct dwarf_scratch *scratch, uint32_t what,
                          uint32_t depth)
{
    if (!unit->abbrevs->has_functions_with_code)
        return true;
    struct walk walk = {
        .unit = unit, .out = &scratch->intervals, .what = what, .depth = depth, .scratch = scratch};
    const bool is_well = run(&walk);
    if (!is_well && !unit->damage)
        unit->damage = walk.damage;
    return is_well;
}

void dwarf_scopes_read(const struct dwarf_unit *unit, struct dwarf_scopes *out)
{
    struct dwarf_scratch scratch = {0};
    *out = (struct dwarf_scopes){.unit = unit};
    struct walk walk = {.unit = unit, .is_whole = true, .scopes = out, .scratch = &scratch};
    (void)run(&walk); /* of a damaged unit the scopes up to the damage */
    base_free(scratch.levels);
}

void dwarf_scopes_free(struct dwarf_scopes *scopes)
{
    base_free(scopes->scopes);
    base_free(scopes->plains);
    *scopes = (struct dwarf_scopes){0};
}
