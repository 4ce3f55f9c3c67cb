/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Names that came with the profile. A symbolized profile has no others: it may be of another
 * machine, so no file is looked at. In any other, what has no name here is left to the next source.
 */
#include "symbolize/internal.h"

static bool accepts(const struct resolver *r)
{
    return r->profile->is_symbolized || r->profile->n_carried;
}

static bool find_carried(const struct profile *profile, uint64_t pc, uint32_t *at)
{
    uint32_t low = 0,
             high = profile->n_carried; /* before low: at or below pc; from high on: above */
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (profile->carried_pc[middle] <= pc)
            low = middle + 1;
        else
            high = middle;
    }
    *at = low - 1;
    return low && profile->carried_pc[low - 1] == pc;
}

/* Which addresses are somewhere in a stack called from. */
static bool *find_callers(const struct profile *profile)
{
    bool *is_caller = base_alloc(profile->n_addrs, sizeof *is_caller);
    for (stack_ix s = 0; s < profile->n_stacks; s++) {
        for (uint32_t i = profile->stack_at[s] + 1; i < profile->stack_at[s + 1]; i++)
            is_caller[profile->stack_addr[i]] = true;
    }
    return is_caller;
}

/* "<0000000000401020>" at the end of a name that another tool wrote: the symbol's address. Short
 * ones are template arguments. */
static bool take_tag(struct span *name, uint64_t *entry)
{
    if (name->n == 0 || name->p[name->n - 1] != '>')
        return false;
    const size_t at = span_find_last(*name, '<');
    if (at == SIZE_MAX || at == 0)
        return false;
    struct span digits = span_make(name->p + at + 1, name->n - at - 2);
    if ((digits.n != 8 && digits.n != 16) || !span_take_hex(&digits, entry) || digits.n)
        return false;
    *name = span_first(*name, at);
    return true;
}

/* Go writes receivers in parentheses, pkg.(*T).Method: they are no argument list. Symbol sections
 * keep what their users know. */
static bool is_short(const struct profile *profile, struct span name)
{
    return !profile->is_symbolized && span_find_text(name, ".(") != SIZE_MAX;
}

static void name_address(struct resolver *r, addr_ix addr, uint32_t carried)
{
    const struct profile *profile = r->profile;
    struct strings *strings = profile->strings;
    resolver_begin(r, addr);
    const uint32_t first = profile->carried_at[carried], end = profile->carried_at[carried + 1];
    for (uint32_t i = first; i < end; i++) {
        const struct carried_frame *given = &profile->carried_frames[i];
        struct frame frame = {
            .file =
                given->file ? text_of_id(&r->names, given->file) : strings_add_text(strings, "??"),
            .line = given->line,
            .is_inlined = i + 1 < end,
        };
        struct span full = strings_span(strings, given->name);
        frame.has_entry = take_tag(&full, &frame.entry);
        const struct name name =
            name_of_full(&r->names, frame.has_entry ? strings_add(strings, full) : given->name);
        frame.full = name.full;
        frame.name = is_short(profile, full) ? name.full : name.shown;
        frame.brief = frame.name == name.shown && name.brief != name.shown ? name.brief : 0;
        resolver_add(r, addr, &frame);
    }
    resolver_end(r, addr, ADDRESS_NAMED);
}

/* Names for a part of the addresses. */
static void resolve_some(struct resolver *r)
{
    const struct profile *profile = r->profile;
    uint32_t carried;
    for (addr_ix a = 0; a < profile->n_addrs; a++) {
        if (find_carried(profile, profile->addr_pc[a], &carried))
            name_address(r, a, carried);
    }
}

static void resolve(struct resolver *r)
{
    const struct profile *profile = r->profile;
    if (!profile->is_symbolized) {
        resolve_some(r);
        return;
    }
    const str_id no_file = strings_add_text(profile->strings, "?");
    bool *is_caller = find_callers(profile);
    for (addr_ix a = 0; a < profile->n_addrs; a++) {
        const uint64_t pc = profile->addr_pc[a];
        uint32_t carried;
        /* Servers were asked for the names of calls, while some of their profiles have the
         * addresses behind the calls. */
        if (find_carried(profile, pc, &carried) ||
            (is_caller[a] && pc && find_carried(profile, pc - 1, &carried)))
            name_address(r, a, carried);
        else
            resolver_unnamed(r, a, no_file, LINE_NONE);
    }
    base_free(is_caller);
}

const struct symbol_source source_embedded = {
    .name = "embedded",
    .accepts = accepts,
    .resolve = resolve,
};
