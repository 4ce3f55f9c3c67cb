/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Answers of earlier runs: to read a large program's debug information again for the same addresses
 * takes most of the time of a second report. They are believed for the very files, and the build of
 * this program, that they were made of. The invariant: what was read is in bounds, whatever the
 * bytes were. In `bytes`, each at a multiple of CACHE_ALIGN:
 *
 *     addresses, references, frames, texts, bytes of texts: how many    8 bytes each
 *     addresses       8 bytes each
 *     where references of each begin, and their end    4 bytes each
 *     references      4 bytes each, numbers of frames
 *     frames          struct kept_frame
 *     where texts begin    4 bytes each
 *     texts */
#include "symbolize/answers.h"

#include "base/cursor.h"

/* In debug files that are smaller than this the answers are found as fast. */
#define WORTH    ((uint64_t)1 << 20)
#define FOLDER   ((uint64_t)256 << 20)
#define KEPT_MAX ((uint64_t)64 << 20)

_Static_assert(sizeof(struct kept_frame) == 32, "no holes: they would be written");

/* ---- reading ------------------------------------------------------------------------------------
 */

/* The next part of n things; NULL where it is cut short. */
static const void *take_part(struct cursor *c, uint64_t n, size_t size)
{
    cursor_skip(c, -cursor_offset(c) & (CACHE_ALIGN - 1));
    if (n > cursor_left(c) / size)
        cursor_skip(c, cursor_left(c) + 1);
    const struct span part = cursor_bytes(c, cursor_failed(c) ? 0 : (size_t)n * size);
    return cursor_failed(c) ? NULL : part.p;
}

static bool are_in_order(const struct answers *a)
{
    for (uint32_t i = 1; i < a->n_addrs; i++) {
        if (a->addrs[i] <= a->addrs[i - 1])
            return false;
    }
    for (uint32_t i = 0; i < a->n_addrs; i++) {
        if (a->at[i] > a->at[i + 1])
            return false;
    }
    return a->at[0] == 0 && a->at[a->n_addrs] == a->n_refs;
}

static bool are_in_bounds(const struct answers *a)
{
    uint32_t ref = 0, text = 0, place = 0;
    for (uint32_t i = 0; i < a->n_refs; i++)
        ref = a->refs[i] > ref ? a->refs[i] : ref;
    for (uint32_t i = 0; i < a->n_frames; i++) {
        const struct kept_frame *f = &a->frames[i];
        const uint32_t texts[] = {f->name, f->full, f->brief, f->file};
        for (size_t k = 0; k < COUNT_OF(texts); k++)
            text = texts[k] > text ? texts[k] : text;
    }
    for (uint32_t i = 0; i < a->n_texts; i++)
        place = a->text_at[i] > place ? a->text_at[i] : place;
    return (!a->n_refs || ref < a->n_frames) && (!a->n_frames || text < a->n_texts) &&
           (!a->n_texts || (place < a->texts.n && a->texts.p[a->texts.n - 1] == '\0'));
}

bool answers_read(struct answers *a, struct span bytes)
{
    struct cursor c = cursor_over(bytes, CURSOR_NATIVE);
    const uint64_t n_addrs = cursor_u64(&c), n_refs = cursor_u64(&c), n_frames = cursor_u64(&c);
    const uint64_t n_texts = cursor_u64(&c), n_bytes = cursor_u64(&c);
    if (n_addrs >= UINT32_MAX || n_refs > UINT32_MAX || n_frames > UINT32_MAX ||
        n_texts > UINT32_MAX)
        return false;
    struct answers read = {
        .n_addrs = (uint32_t)n_addrs,
        .n_refs = (uint32_t)n_refs,
        .n_frames = (uint32_t)n_frames,
        .n_texts = (uint32_t)n_texts,
    };
    read.addrs = take_part(&c, n_addrs, sizeof *read.addrs);
    read.at = take_part(&c, n_addrs + 1, sizeof *read.at);
    read.refs = take_part(&c, n_refs, sizeof *read.refs);
    read.frames = take_part(&c, n_frames, sizeof *read.frames);
    read.text_at = take_part(&c, n_texts, sizeof *read.text_at);
    read.texts.p = take_part(&c, n_bytes, 1);
    read.texts.n = (size_t)n_bytes;
    if (cursor_failed(&c) || !are_in_order(&read) || !are_in_bounds(&read))
        return false;
    read.ids = base_alloc(n_texts, sizeof *read.ids);
    memset(read.ids, 0xff, (size_t)n_texts * sizeof *read.ids);
    *a = read;
    return true;
}

bool answers_find(const struct answers *a, uint64_t address, uint32_t *i)
{
    uint32_t low = 0, high = a->n_addrs; /* those before low are below the address */
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (a->addrs[middle] < address)
            low = middle + 1;
        else
            high = middle;
    }
    *i = low;
    return low < a->n_addrs && a->addrs[low] == address;
}

static str_id text_id(struct answers *a, uint32_t text, struct strings *strings)
{
    if (a->ids[text] == UINT32_MAX)
        a->ids[text] = strings_add_text(strings, a->texts.p + a->text_at[text]);
    return a->ids[text];
}

struct frame answers_frame(struct answers *a, uint32_t frame, struct strings *strings)
{
    const struct kept_frame *f = &a->frames[frame];
    return (struct frame){
        .name = text_id(a, f->name, strings),
        .full = text_id(a, f->full, strings),
        .brief = text_id(a, f->brief, strings),
        .file = text_id(a, f->file, strings),
        .line = f->line,
        .entry = f->entry,
        .has_entry = f->has_entry != 0,
        .is_inlined = f->is_inlined != 0,
    };
}

void answers_free(struct answers *a)
{
    base_free(a->ids);
    cache_unload(&a->cached);
    *a = (struct answers){0};
}

/* ---- one image's --------------------------------------------------------------------------------
 */

/* False: its answers are not kept. */
static bool make_name(const struct resolver *r, struct object *object, struct buf *name,
                      struct buf *key)
{
    uint8_t id[64];
    size_t n;
    const struct naming *naming = &r->options->naming;
    if (!r->options->object.cache || !object_identify(object, WORTH, key))
        return false;
    buf_printf(key, "%d %d " CPROF_VERSION " ", (int)naming->style, naming->keep_templates);
    if (object_read_build_id("/proc/self/exe", id, sizeof id, &n))
        buf_add(key, span_make(id, n));
    buf_hex(name, object_build_id(object));
    buf_text(name, "-answers");
    return !name->is_full && !key->is_full;
}

void answers_load(struct answers *a, const struct resolver *r, struct object *object)
{
    struct buf name = BUF_MAX(200), key = BUF_MAX(1024);
    struct cached cached;
    *a = (struct answers){0};
    if (make_name(r, object, &name, &key) &&
        cache_load(r->options->object.cache, buf_c(&name), buf_span(&key), &cached)) {
        if (answers_read(a, cached.bytes))
            a->cached = cached;
        else
            cache_unload(&cached);
    }
    buf_free(&name);
    buf_free(&key);
}

/* ---- writing ------------------------------------------------------------------------------------
 */

/* What is to be kept, while it is put together. */
struct writer {
    struct strings *strings;
    struct buf addrs, at, refs, frames, text_at, texts;
    struct frame_table table; /* by number in `frames` */
    struct idmap text_of;     /* str_id to number in `text_at` */
    uint32_t n_refs, n_frames, n_texts;
};

static void add_u32(struct buf *to, uint32_t value)
{
    buf_add(to, span_make(&value, sizeof value));
}

static uint32_t write_text(struct writer *w, str_id id)
{
    bool is_new;
    const uint32_t at = idmap_add(&w->text_of, (uint64_t)id + 1, w->n_texts, &is_new);
    if (is_new) {
        add_u32(&w->text_at, (uint32_t)w->texts.n);
        buf_text(&w->texts, strings_text(w->strings, id));
        buf_byte(&w->texts, '\0');
        w->n_texts++;
    }
    return at;
}

static void write_ref(struct writer *w, const struct frame *frame)
{
    const frame_ix at = frame_table_add(&w->table, frame);
    if (at == w->n_frames) {
        const struct kept_frame kept = {
            .entry = frame->entry,
            .name = write_text(w, frame->name),
            .full = write_text(w, frame->full),
            .brief = write_text(w, frame->brief),
            .file = write_text(w, frame->file),
            .line = frame->line,
            .has_entry = frame->has_entry,
            .is_inlined = frame->is_inlined,
        };
        buf_add(&w->frames, span_make(&kept, sizeof kept));
        w->n_frames++;
    }
    add_u32(&w->refs, at);
    w->n_refs++;
}

static void write_address(struct writer *w, uint64_t address)
{
    buf_add(&w->addrs, span_make(&address, sizeof address));
    add_u32(&w->at, w->n_refs);
}

static void write_old(struct writer *w, struct answers *a, uint32_t i)
{
    write_address(w, a->addrs[i]);
    for (uint32_t k = a->at[i]; k < a->at[i + 1]; k++) {
        const struct frame frame = answers_frame(a, a->refs[k], w->strings);
        write_ref(w, &frame);
    }
}

static void write_new(struct writer *w, const struct resolver *r, const struct radix_item *item)
{
    write_address(w, item->key);
    const addr_ix addr = item->value;
    for (uint32_t k = 0; r->addr_state[addr] == ADDRESS_NAMED && k < r->addr_count[addr]; k++)
        write_ref(w, &r->frames.frames[r->pool[r->addr_first[addr] + k]]);
}

/* Both in one order, the new where both are. */
static void write_all(struct writer *w, struct answers *a, const struct resolver *r,
                      const struct radix_item *items, uint32_t n)
{
    uint32_t old = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (i && items[i].key == items[i - 1].key)
            continue;
        for (; old < a->n_addrs && a->addrs[old] < items[i].key; old++)
            write_old(w, a, old);
        old += old < a->n_addrs && a->addrs[old] == items[i].key;
        write_new(w, r, &items[i]);
    }
    for (; old < a->n_addrs; old++)
        write_old(w, a, old);
    add_u32(&w->at, w->n_refs);
}

/* Those of the writer's buffers that become parts, in their order. */
enum { N_BUFS = 6 };

static void keep(struct buf *const bufs[N_BUFS], const struct writer *w, const struct resolver *r,
                 const char *name, struct span key)
{
    const uint64_t counts[] = {w->addrs.n / sizeof(uint64_t), w->n_refs, w->n_frames, w->n_texts,
                               w->texts.n};
    struct span parts[N_BUFS + 1] = {span_make(counts, sizeof counts)};
    uint64_t size = 0;
    bool is_full = false;
    for (size_t i = 0; i < N_BUFS; i++) {
        parts[i + 1] = buf_span(bufs[i]);
        size += bufs[i]->n;
        is_full |= bufs[i]->is_full;
    }
    if (!is_full && size <= KEPT_MAX)
        cache_store(r->options->object.cache, name, key, parts, COUNT_OF(parts), FOLDER);
}

void answers_store(struct answers *a, const struct resolver *r, struct object *object,
                   const struct radix_item *items, uint32_t n)
{
    struct buf name = BUF_MAX(200), key = BUF_MAX(1024);
    if (make_name(r, object, &name, &key)) {
        struct writer w = {.strings = r->profile->strings};
        struct buf *const bufs[N_BUFS] = {&w.addrs,  &w.at,      &w.refs,
                                          &w.frames, &w.text_at, &w.texts};
        struct answers none = {0};
        for (size_t i = 0; i < N_BUFS; i++)
            *bufs[i] = BUF_MAX(KEPT_MAX);
        /* Where there would be too many, old ones go. */
        write_all(&w, (uint64_t)a->cached.mapped_size < KEPT_MAX / 2 ? a : &none, r, items, n);
        keep(bufs, &w, r, buf_c(&name), buf_span(&key));
        for (size_t i = 0; i < N_BUFS; i++)
            buf_free(bufs[i]);
        frame_table_free(&w.table);
        idmap_free(&w.text_of);
    }
    buf_free(&name);
    buf_free(&key);
}
