/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a row of a report stands for: the table of granularities and the text of an entry in each.
 * The texts are those that users of the Perl tool know, odd ones included, because reports are
 * compared and scripts read them; docs/reports.md has the table. */
#include "graph/internal.h"

const struct granularity granularities[GRANULARITY_COUNT] = {
    [GRANULARITY_FUNCTIONS] = {.name = "functions", .help = "one row a function (the default)"},
    [GRANULARITY_LINES] = {.name = "lines", .help = "one row a source line"},
    [GRANULARITY_ADDRESSES] = {.name = "addresses", .help = "one row an address"},
    [GRANULARITY_FILES] = {.name = "files", .help = "one row a source file"},
    [GRANULARITY_FILEFUNCTIONS] = {.name = "filefunctions", .help = "one row a function and file"},
    [GRANULARITY_DSO] = {.name = "dso", .help = "one row a program or library"},
};
_Static_assert(COUNT_OF(granularities) == GRANULARITY_COUNT, "a row each");

uint8_t *find_shared_names(const struct view *view)
{
    const struct profile *profile = view->profile;
    const struct symbols *symbols = view->symbols;
    if (!symbols)
        return NULL;
    uint8_t *is_seen = base_alloc(symbols->n_frames, 1);
    struct idmap first_of = {0}; /* short name to the first frame that has it */
    struct idmap shared = {0};
    bool is_any = false;
    for (addr_ix a = 0; a < profile->n_addrs; a++) {
        if (symbols->addr_at[a] == symbols->addr_at[a + 1])
            continue;
        const frame_ix f = symbols->addr_frame[symbols->addr_at[a + 1] - 1];
        const struct frame *frame = &symbols->frames[f];
        if (is_seen[f] || !frame->has_entry)
            continue;
        is_seen[f] = 1;
        const struct frame *first = &symbols->frames[idmap_add(&first_of, frame->name, f, NULL)];
        if (first->full != frame->full || first->entry != frame->entry) {
            (void)idmap_add(&shared, frame->name, 0, NULL);
            is_any = true;
        }
    }
    idmap_free(&first_of);

    if (!is_any) {
        base_free(is_seen);
        is_seen = NULL;
    } else {
        uint32_t id;
        for (frame_ix f = 0; f < symbols->n_frames; f++)
            is_seen[f] =
                symbols->frames[f].has_entry && idmap_find(&shared, symbols->frames[f].name, &id);
    }
    idmap_free(&shared);
    return is_seen;
}

static bool is_stand_in(const struct view *view, const struct frame *frame)
{
    return frame == view->blank || frame == view->missing;
}

static bool is_shared(const struct view *view, const struct entry_style *style,
                      const struct frame *frame)
{
    return style->is_shared && !is_stand_in(view, frame) &&
           style->is_shared[frame - view->symbols->frames];
}

bool entry_is_callback(const struct view *view, const struct entry_style *style,
                       const struct frame *frame)
{
    if (style->granularity == GRANULARITY_FILES || style->granularity == GRANULARITY_DSO ||
        style->is_plain || frame->is_inlined || is_shared(view, style, frame))
        return false;
    const struct span name = strings_span(view->profile->strings, frame->name);
    if (!span_ends(name, "::Run"))
        return false;
    return span_find_text(span_first(name, name.n - strlen("::Run")), "Callback") != SIZE_MAX;
}

/* Whether the address has to stand for the frame, for want of anything better. */
static bool is_unknown(const struct view *view, const struct entry_style *style,
                       const struct frame *frame)
{
    const bool is_unnamed = frame->name == view->blank->name;
    const bool is_unplaced = frame->file == view->blank->file && frame->line == 0;
    switch (style->granularity) {
    case GRANULARITY_FILES:
        return is_unplaced || frame->file == 0;
    case GRANULARITY_LINES:
        return is_unnamed && is_unplaced;
    case GRANULARITY_FUNCTIONS:
    case GRANULARITY_FILEFUNCTIONS:
        return is_unnamed || frame == view->missing;
    default:
        return false;
    }
}

/* Whether there is a file that is worth a word. */
static bool is_placed(const struct view *view, const struct frame *frame)
{
    return view_has_place(view, frame) && frame->file != view->blank->file;
}

static bool is_named(const struct view *view, const struct frame *frame)
{
    return !is_stand_in(view, frame) && frame->name != view->blank->name;
}

bool entry_is_of_frame(const struct view *view, const struct entry_style *style,
                       const struct frame *frame)
{
    if (style->granularity == GRANULARITY_DSO)
        return false;
    if (style->is_plain)
        return is_named(view, frame) && style->granularity != GRANULARITY_ADDRESSES &&
               (style->granularity != GRANULARITY_FILES || is_placed(view, frame));
    return !is_stand_in(view, frame) && style->granularity != GRANULARITY_ADDRESSES &&
           !(style->show_addresses && style->granularity != GRANULARITY_FILES) &&
           !is_unknown(view, style, frame);
}

static void add_name(const struct view *view, const struct entry_style *style, addr_ix addr,
                     const struct frame *frame, uint32_t run, struct buf *out)
{
    char text[20];
    if (run) {
        buf_printf(out, "Run#%u", run);
        return;
    }
    buf_text(out, view_name_text(view, addr, frame, text));
    if (is_shared(view, style, frame))
        buf_printf(out, "@%llx", (unsigned long long)frame->entry);
    if (frame->is_inlined)
        buf_text(out, " (inline)");
}

/* "FILE:LINE", "FILE" where a line has no meaning, nothing for a missing frame. */
static void add_place(const struct view *view, const struct frame *frame, struct buf *out)
{
    buf_add(out, strings_span(view->profile->strings, frame->file));
    if (frame->line != LINE_NONE)
        buf_printf(out, ":%u", frame->line);
}

/* The file that the address is in, as the process had it; "" where nobody knows. */
static struct span object_path(const struct view *view, addr_ix addr)
{
    const struct profile *profile = view->profile;
    const struct symbols *symbols = view->symbols;
    const map_ix map = profile->addr_map[addr];
    if (map != MAP_NONE)
        return strings_span(profile->strings, profile->maps[map].path);
    if (symbols && symbols->addr_image[addr] < symbols->n_images)
        return strings_span(profile->strings, symbols->images[symbols->addr_image[addr]].path);
    return span_make("", 0);
}

/* "[libc.so.6]" for what has no name. */
static void add_object(const struct view *view, addr_ix addr, struct buf *out)
{
    struct span path = object_path(view, addr);
    for (size_t slash; (slash = span_find(path, '/')) != SIZE_MAX;)
        path = span_skip(path, slash + 1);
    if (path.n == 0) {
        buf_text(out, "<unknown>");
        return;
    }
    buf_byte(out, '[');
    buf_add(out, path);
    buf_byte(out, ']');
}

/* "./csu/../sysdeps/x.c" as "sysdeps/x.c". */
static void add_path(struct span path, struct buf *out)
{
    const size_t start = out->n;
    const bool is_absolute = path.n && path.p[0] == '/';
    if (is_absolute)
        buf_byte(out, '/');
    const size_t root = out->n;
    for (bool is_last = false; !is_last;) {
        const size_t slash = span_find(path, '/');
        const struct span part = span_first(path, slash);
        is_last = slash == SIZE_MAX;
        path = is_last ? path : span_skip(path, slash + 1);
        if (part.n == 0 || span_is(part, "."))
            continue;
        const struct span so_far = span_make(out->p + root, out->n - root);
        const bool is_up = span_is(part, "..");
        if (is_up && so_far.n && !span_is(so_far, "..") && !span_ends(so_far, "/..")) {
            while (out->n > root && out->p[out->n - 1] != '/')
                out->n--;
            out->n -= out->n > root; /* the slash */
            continue;
        }
        if (is_up && is_absolute)
            continue;
        if (out->n > root)
            buf_byte(out, '/');
        buf_add(out, part);
    }
    if (out->n == start)
        buf_byte(out, '.');
}

/* The short name; it has lost the names of nameless namespaces, which would leave "a::::b". */
static void add_plain_name(const struct view *view, const struct frame *frame, struct buf *out)
{
    static const char nameless[] = "(anonymous namespace)";
    const struct strings *strings = view->profile->strings;
    const struct span name = strings_span(strings, frame->name);
    if (span_find_text(strings_span(strings, frame->full), nameless) == SIZE_MAX) {
        buf_add(out, name);
        return;
    }
    for (size_t i = 0; i < name.n; i++) {
        const bool is_gap = span_starts(span_skip(name, i), "::") &&
                            (i == 0 || (i >= 2 && name.p[i - 1] == ':' && name.p[i - 2] == ':'));
        if (is_gap)
            buf_text(out, nameless);
        buf_byte(out, name.p[i]);
    }
}

/* The entries of --top and its like: the parts that are known, without marks. */
static str_id plain_label(const struct view *view, const struct entry_style *style, addr_ix addr,
                          const struct frame *frame, struct buf *scratch)
{
    const struct profile *profile = view->profile;
    const enum granularity_kind grain = style->granularity;
    const uint64_t pc = profile->addr_pc[addr];
    const bool is_known = is_named(view, frame) && view->symbols->addr_state[addr] != ADDRESS_HEX;
    const bool has_name = is_known && grain != GRANULARITY_FILES;
    const bool has_file = is_known && grain != GRANULARITY_FUNCTIONS && is_placed(view, frame);
    const bool has_line = has_file && frame->line != 0 && frame->line != LINE_NONE &&
                          (grain == GRANULARITY_LINES || grain == GRANULARITY_ADDRESSES);
    buf_clear(scratch);
    if (grain == GRANULARITY_ADDRESSES && (pc < PC_MADE_UP || pc > INT64_MAX))
        buf_printf(scratch, "%016llx ", (unsigned long long)pc);
    if (has_name)
        add_plain_name(view, frame, scratch);
    if (has_name && has_file)
        buf_byte(scratch, ' ');
    if (has_file)
        add_path(strings_span(profile->strings, frame->file), scratch);
    if (has_line)
        buf_printf(scratch, ":%u", frame->line);
    if (!has_name && !has_file)
        add_object(view, addr, scratch);
    return strings_add(profile->strings, buf_span(scratch));
}

str_id entry_label(const struct view *view, const struct entry_style *style, addr_ix addr,
                   const struct frame *frame, uint32_t run, struct buf *scratch)
{
    struct strings *strings = view->profile->strings;
    char text[20];
    const char *address = profile_address_text(view->profile, addr, text);
    if (style->granularity == GRANULARITY_DSO) {
        const struct span path = object_path(view, addr);
        return path.n ? strings_add(strings, path) : strings_add_text(strings, "<unknown>");
    }
    if (style->is_plain)
        return plain_label(view, style, addr, frame, scratch);
    if (is_unknown(view, style, frame))
        return strings_add_text(strings, address);
    if (style->granularity == GRANULARITY_FILES)
        return frame->file;

    buf_clear(scratch);
    if (style->granularity == GRANULARITY_ADDRESSES)
        buf_printf(scratch, "%s ", address);
    add_name(view, style, addr, frame, run, scratch);
    if (style->granularity == GRANULARITY_FILEFUNCTIONS) {
        buf_byte(scratch, ' ');
        buf_add(scratch, strings_span(strings, frame->file));
    } else if (style->granularity != GRANULARITY_FUNCTIONS) {
        buf_byte(scratch, ' ');
        add_place(view, frame, scratch);
    }
    if (style->show_addresses && style->granularity != GRANULARITY_ADDRESSES &&
        frame != view->missing)
        buf_printf(scratch, " (%s)", address);
    return strings_add(strings, buf_span(scratch));
}

str_id view_plain_label(const struct view *view, enum granularity_kind granularity, addr_ix addr,
                        uint32_t i, struct buf *scratch)
{
    const struct entry_style style = {.granularity = granularity, .is_plain = true};
    return entry_label(view, &style, addr, view_frame(view, addr, i), 0, scratch);
}
