/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Debug information by strangers. The input is a byte of flags (1: big-endian, 2: the split file is
 * a package) and then sections: a byte that says which (below), three bytes of length with the
 * lowest first, the bytes. Whatever they hold, a batch ends, each address has its frames, and a
 * second batch on two threads gives the same answer. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "object/dwarf_internal.h"

#define ASKED_MAX 128

/* Numbers 0 to 15: the object's own; 16 to 31: the split file's; 32 to 47: the alternate file's. */
struct input {
    struct dwarf_sections files[3];
    bool is_package, has_split, has_alt;
};

static void require(int holds)
{
    if (!holds)
        abort();
}

static struct span *section_of(struct dwarf_sections *s, unsigned number)
{
    struct span *const sections[] = {&s->info,     &s->types,    &s->abbrev,      &s->line,
                                     &s->str,      &s->line_str, &s->ranges,      &s->rnglists,
                                     &s->loclists, &s->addr,     &s->str_offsets, &s->aranges,
                                     &s->cu_index, &s->tu_index};
    return number < COUNT_OF(sections) ? sections[number] : NULL;
}

static void cut(struct span bytes, struct input *out)
{
    *out = (struct input){0};
    struct cursor c = cursor_over(bytes, CURSOR_LITTLE);
    const uint8_t flags = cursor_u8(&c);
    for (unsigned i = 0; i < 3; i++) {
        out->files[i].order = flags & 1 ? CURSOR_BIG : CURSOR_LITTLE;
        out->files[i].path = "fuzz";
    }
    out->is_package = flags & 2;
    while (cursor_left(&c) > 0) {
        const uint8_t number = cursor_u8(&c);
        const size_t size = (size_t)cursor_uint(&c, 3);
        const struct span section =
            cursor_bytes(&c, size < cursor_left(&c) ? size : cursor_left(&c));
        if (number >= 48 || !section_of(&out->files[number / 16], number % 16))
            continue;
        *section_of(&out->files[number / 16], number % 16) = section;
        out->has_split = out->has_split || number / 16 == 1;
        out->has_alt = out->has_alt || number / 16 == 2;
    }
}

static bool find_split(void *to, const char *comp_dir, const char *name, uint64_t id,
                       struct dwarf_sections *out, bool *is_package)
{
    const struct input *input = to;
    (void)comp_dir;
    (void)id;
    require(name != NULL);
    *out = input->files[1];
    *is_package = input->is_package;
    return input->has_split;
}

static struct dwarf *open_input(struct input *input)
{
    const struct dwarf_files files = {.split = find_split, .to = input};
    return dwarf_new(&input->files[0], input->has_alt ? &input->files[2] : NULL, &files);
}

/* The beginnings of what units claim, the last bytes before them, and a few addresses between. */
static uint32_t choose(const struct dwarf *dwarf, uint64_t *asked)
{
    const struct dwarf_segments *claims = &dwarf->claims;
    uint32_t n = 0;
    uint64_t last = 0;
    const uint32_t step = claims->n / (ASKED_MAX / 4) + 1;
    for (uint32_t i = 0; i < claims->n; i += step) {
        const uint64_t start = claims->starts[i];
        const uint64_t some[] = {start - 1, start, start + 5, start + 0x40};
        for (unsigned k = 0; k < COUNT_OF(some) && n < ASKED_MAX; k++) {
            if (some[k] > last)
                asked[n++] = last = some[k];
        }
    }
    return n;
}

static void check(const struct object_answer *answer, uint32_t n)
{
    require(answer->at[0] == 0);
    for (uint32_t i = 0; i < n; i++) {
        require(answer->at[i] <= answer->at[i + 1]);
        require(answer->at[i + 1] - answer->at[i] <= DWARF_MAX_INLINE + 1);
    }
    size_t total = 0;
    for (uint32_t i = 0; i < answer->at[n]; i++) {
        const struct object_frame *frame = &answer->frames[i];
        total += frame->name ? strlen(frame->name) : 0; /* each byte is there */
        total += frame->file ? strlen(frame->file) : 0;
    }
    require(total < SIZE_MAX);
}

static bool is_same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static void compare(const struct object_answer *a, const struct object_answer *b, uint32_t n)
{
    require(memcmp(a->at, b->at, ((size_t)n + 1) * sizeof *a->at) == 0);
    for (uint32_t i = 0; i < a->at[n]; i++) {
        const struct object_frame *x = &a->frames[i], *y = &b->frames[i];
        require(is_same_text(x->name, y->name) && is_same_text(x->file, y->file));
        require(x->line == y->line && x->func_line == y->func_line);
    }
}

static void free_answer(struct object_answer *answer)
{
    base_free(answer->at);
    base_free(answer->frames);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input;
    cut(span_make(data, size), &input);
    struct notes notes = {0};
    struct object_answer nothing, first, second;
    uint64_t asked[ASKED_MAX];
    struct dwarf *dwarf = open_input(&input);
    dwarf_frames(dwarf, NULL, 0, 1, NULL, &notes, &nothing);
    const uint32_t n = choose(dwarf, asked);
    dwarf_frames(dwarf, asked, n, 1, NULL, &notes, &first);
    check(&first, n);
    dwarf_frames(dwarf, asked, n, 2, NULL, &notes, &second);
    compare(&first, &second, n);
    free_answer(&second);
    free_answer(&first);
    free_answer(&nothing);
    dwarf_free(dwarf);
    notes_free(&notes);
    return 0;
}
