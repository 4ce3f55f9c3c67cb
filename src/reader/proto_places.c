/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From locations to addresses. A location has an address, or names, or both, and one address may
 * have several names; a profile has one list of names for an address. So a location with names that
 * cannot have its own address gets one that is made of them. The invariant: equal names get equal
 * addresses, in other files too, so that profiles without addresses can be added up. */
#include "reader/proto_internal.h"

enum { LINE_FUNCTION = 1, LINE_LINE = 2 };
enum { LOCATION_LINE = 4 };

/* ---- which functions to leave out ---------------------------------------------------------------
 */

struct pruning {
    struct regex *drop, *keep;
};

/* The expressions speak of whole names without arguments. One that is broken leaves out nothing. */
static bool open_expression(struct proto *proto, uint64_t index, const char *field,
                            struct regex **out, struct error *err)
{
    str_id id;
    if (!proto_text(proto, index, field, proto->filling->whole, &id, err))
        return false;
    const struct span text = strings_span(proto->filling->job->strings, id);
    if (text.n == 0)
        return true;
    struct buf whole = BUF_MAX(text.n + 16);
    buf_text(&whole, "^(?:");
    buf_add(&whole, text);
    buf_text(&whole, ")$");
    struct error why;
    *out = regex_new(field, buf_span(&whole), &why);
    if (!*out)
        notes_add(proto->filling->job->notes, "%s: %s", proto->filling->job->name, why.text);
    buf_free(&whole);
    return true;
}

/* Up to the argument list. These two have parentheses in their names. */
static struct span without_arguments(struct span name)
{
    static const char *const own[] = {"(anonymous namespace)", "operator()"};
    (void)span_take(&name, ".");
    for (size_t at = 0; at < name.n; at++) {
        size_t skip = 0;
        for (size_t i = 0; i < COUNT_OF(own); i++) {
            if (span_starts(span_skip(name, at), own[i]))
                skip = strlen(own[i]);
        }
        if (skip)
            at += skip - 1;
        else if (name.p[at] == '(')
            return span_first(name, at);
    }
    return name;
}

static bool is_pruned(const struct pruning *pruning, struct function *function, struct span name)
{
    if (!pruning->drop)
        return false;
    if (function->prune == PRUNE_UNKNOWN) {
        const struct span bare = without_arguments(name);
        const bool is_out = regex_matches(pruning->drop, bare) &&
                            !(pruning->keep && regex_matches(pruning->keep, bare));
        function->prune = is_out ? PRUNE_YES : PRUNE_NO;
    }
    return function->prune == PRUNE_YES;
}

/* ---- names --------------------------------------------------------------------------------------
 */

/* One line of a location becomes a frame, if it has a function and that has a name. */
static bool read_line(struct proto *proto, const struct pruning *pruning, struct span message,
                      struct location *location, struct error *err)
{
    uint64_t function_id = 0, line = 0;
    struct wire_field field;
    struct cursor c = cursor_over(message, CURSOR_LITTLE);
    while (proto_next(&c, MESSAGE_LINE, &field)) {
        if (field.number == LINE_FUNCTION)
            function_id = field.value;
        else if (field.number == LINE_LINE)
            line = field.value;
    }
    if (cursor_failed(&c))
        return proto_refuse(proto, &c, MESSAGE_LINE, err);
    if (function_id == 0)
        return true;
    uint32_t at;
    if (!idmap_find(&proto->function_ids, function_id, &at)) {
        error_set(err, ERROR_FORMAT, "line.function_id: there is no function %llu",
                  (unsigned long long)function_id);
        return proto_error_at(proto, message, err);
    }
    struct function *function = &proto->functions[at];
    str_id name, file;
    if (!proto_text(proto, function->name, "function.name", function->message, &name, err) ||
        !proto_text(proto, function->file, "function.filename", function->message, &file, err))
        return false;
    if (!name && !proto_text(proto, function->system_name, "function.system_name",
                             function->message, &name, err))
        return false;
    if (!name)
        return true;
    if (proto->n_frames == UINT32_MAX - 1)
        return error_set(err, ERROR_LIMIT, "%s: more than %u lines", proto->filling->job->name,
                         proto->n_frames);

    struct strings *strings = proto->filling->job->strings;
    proto->frames = base_grow(proto->frames, &proto->frames_cap, (size_t)proto->n_frames + 1,
                              sizeof proto->frames[0]);
    proto->frames[proto->n_frames++] = (struct carried_frame){
        .name = name,
        .file = file ? file : strings_add_text(strings, "??"),
        .line = file && line < LINE_NONE ? (uint32_t)line : 0,
    };
    location->n_frames++;
    location->cut = location->cut != CUT_NOT ? CUT_BELOW : CUT_NOT;
    if (is_pruned(pruning, function, strings_span(strings, name))) {
        /* This one and all that is inlined in it; whole only if nothing follows. */
        location->cut = CUT_HERE;
        location->frames_at = proto->n_frames;
        location->n_frames = 0;
        proto->has_cuts = true;
    }
    return true;
}

static bool read_lines(struct proto *proto, const struct pruning *pruning,
                       struct location *location, struct error *err)
{
    const uint32_t begin = proto->n_frames;
    location->frames_at = begin;
    struct wire_field field;
    struct cursor c = cursor_over(location->message, CURSOR_LITTLE);
    while (proto_next(&c, MESSAGE_LOCATION, &field)) {
        if (field.number == LOCATION_LINE && !read_line(proto, pruning, field.bytes, location, err))
            return false;
    }
    if (location->cut == CUT_HERE) {
        /* It stays where a stack has nothing else, and then with its names. */
        location->frames_at = begin;
        location->n_frames = proto->n_frames - begin;
    }
    return true;
}

/* ---- addresses ----------------------------------------------------------------------------------
 */

static bool have_equal_frames(const struct proto *proto, const struct location *a,
                              const struct location *b)
{
    if (a->n_frames != b->n_frames)
        return false;
    for (uint32_t i = 0; i < a->n_frames; i++) {
        const struct carried_frame *x = &proto->frames[a->frames_at + i];
        const struct carried_frame *y = &proto->frames[b->frames_at + i];
        if (x->name != y->name || x->file != y->file || x->line != y->line)
            return false;
    }
    return true;
}

/* Of the texts and not of their ids: those depend on what else was read. */
static uint64_t hash_frames(const struct proto *proto, const struct location *location)
{
    const struct strings *strings = proto->filling->job->strings;
    uint64_t hash = location->n_frames;
    for (uint32_t i = 0; i < location->n_frames; i++) {
        const struct carried_frame *frame = &proto->frames[location->frames_at + i];
        const struct span name = strings_span(strings, frame->name);
        const struct span file = strings_span(strings, frame->file);
        hash = hash_mix(hash, hash_bytes(name.p, name.n));
        hash = hash_mix(hash + frame->line, hash_bytes(file.p, file.n));
    }
    return hash;
}

/* `named` is from each pc that has names to the location that they came with. Addresses that
 * reports would skip, the kernel's, are as good as none once they have a name. */
static void choose_pc(struct proto *proto, struct idmap *named, uint32_t at)
{
    struct location *location = &proto->locations[at];
    location->pc = location->address;
    if (location->n_frames == 0)
        return;
    bool is_new;
    bool is_free = location->address != 0 && location->address < PC_MADE_UP;
    uint64_t made_up = hash_frames(proto, location);
    for (;; made_up++) {
        if (!is_free)
            location->pc = PC_MADE_UP | (made_up & (PC_MADE_UP - 1));
        is_free = false;
        const uint32_t other = idmap_add(named, location->pc, at, &is_new);
        if (is_new)
            break;
        if (have_equal_frames(proto, location, &proto->locations[other]))
            return;
    }
    builder_names(proto->filling->builder, location->pc, proto->frames + location->frames_at,
                  location->n_frames);
}

bool proto_place(struct proto *proto, struct error *err)
{
    struct pruning pruning = {0};
    struct idmap named = {0};
    bool is_good = open_expression(proto, proto->drop_frames, "drop_frames", &pruning.drop, err) &&
                   open_expression(proto, proto->keep_frames, "keep_frames", &pruning.keep, err);
    for (uint32_t i = 0; is_good && i < proto->n_locations; i++)
        is_good = read_lines(proto, &pruning, &proto->locations[i], err);
    for (uint32_t i = 0; is_good && i < proto->n_locations; i++)
        choose_pc(proto, &named, i);
    idmap_free(&named);
    regex_free(pruning.drop);
    regex_free(pruning.keep);
    return is_good;
}
