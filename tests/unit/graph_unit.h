/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the tests of graph and report share: a small profile made through the builder, and symbols
 * written by hand, without a file to read either from. */
#pragma once

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph/graph.h"

struct fixture {
    struct strings *strings;
    struct builder *builder;
    struct profile profile;
    struct symbols symbols;
    uint32_t frames_cap, addr_frame_cap;
    struct notes notes;
    struct arena *arena;
    struct view view;
};

/* A profile with one column, or those of its kind. */
static inline void fixture_begin(struct fixture *f, enum profile_kind kind)
{
    *f = (struct fixture){.strings = strings_new(), .arena = arena_new()};
    const struct limits limits = limits_default();
    f->builder = builder_new(f->strings, &limits);
    builder_kind(f->builder, kind);
    if (kind == PROFILE_HEAP || kind == PROFILE_GROWTH) {
        (void)builder_column(f->builder, "inuse_objects", "count");
        builder_default_column(f->builder, builder_column(f->builder, "inuse_space", "bytes"));
        (void)builder_column(f->builder, "alloc_objects", "count");
        (void)builder_column(f->builder, "alloc_space", "bytes");
    } else if (kind == PROFILE_CONTENTION) {
        (void)builder_column(f->builder, "contentions", "count");
        builder_default_column(f->builder, builder_column(f->builder, "delay", "nanoseconds"));
        (void)builder_column(f->builder, "mean_delay", "nanoseconds");
    } else {
        (void)builder_column(f->builder, "samples", "count");
    }
}

/* Adds a sample; the value goes to every column. The stack ends with 0. */
static inline void fixture_sample(struct fixture *f, double value, const char *label,
                                  const uint64_t *pcs)
{
    uint32_t depth = 0;
    while (pcs[depth])
        depth++;
    const double values[COLUMNS_MAX] = {value, value, value, value, value, value, value, value};
    builder_add(f->builder, builder_stack(f->builder, pcs, depth),
                label ? strings_add_text(f->strings, label) : 0, values);
}
#define SAMPLE(f, value, ...) fixture_sample(f, value, NULL, (const uint64_t[]){__VA_ARGS__, 0})

/* Callers stay as given. Every address is missing until it gets frames. */
static inline void fixture_seal(struct fixture *f)
{
    struct error err = {0};
    assert_true(builder_seal(f->builder, CALLERS_AS_GIVEN, &f->profile, &err));
    builder_free(f->builder);
    f->builder = NULL;
    const uint32_t n = f->profile.n_addrs;
    f->symbols.addr_at = base_alloc((size_t)n + 1, sizeof f->symbols.addr_at[0]);
    f->symbols.addr_state = base_alloc(n, 1);
    f->symbols.addr_image = base_alloc(n, sizeof f->symbols.addr_image[0]);
    f->symbols.addr_place = base_alloc(n, sizeof f->symbols.addr_place[0]);
    memset(f->symbols.addr_state, ADDRESS_MISSING, n);
}

static inline addr_ix fixture_address(const struct fixture *f, uint64_t pc)
{
    for (addr_ix a = 0; a < f->profile.n_addrs; a++) {
        if (f->profile.addr_pc[a] == pc)
            return a;
    }
    fail_msg("no address %llx", (unsigned long long)pc);
    return 0;
}

static inline void fixture_state(struct fixture *f, uint64_t pc, enum address_state state)
{
    f->symbols.addr_state[fixture_address(f, pc)] = (uint8_t)state;
}

/* One more frame of an address, innermost first. Equal frames are one, as symbolize makes them. */
struct frame_text {
    const char *name, *full, *file; /* full NULL: the name; file NULL: "??" */
    uint32_t line;
    uint64_t entry; /* 0: none */
    bool is_inlined;
};

static inline void fixture_frame(struct fixture *f, uint64_t pc, struct frame_text text)
{
    struct symbols *s = &f->symbols;
    const struct frame frame = {
        .name = strings_add_text(f->strings, text.name),
        .full = strings_add_text(f->strings, text.full ? text.full : text.name),
        .file = strings_add_text(f->strings, text.file ? text.file : "??"),
        .line = text.line,
        .entry = text.entry,
        .has_entry = text.entry != 0,
        .is_inlined = text.is_inlined,
    };
    frame_ix at = 0;
    for (; at < s->n_frames; at++) {
        const struct frame *old = &s->frames[at];
        if (old->name == frame.name && old->full == frame.full && old->file == frame.file &&
            old->line == frame.line && old->entry == frame.entry &&
            old->is_inlined == frame.is_inlined)
            break;
    }
    if (at == s->n_frames) {
        s->frames = base_grow(s->frames, &f->frames_cap, (size_t)at + 1, sizeof s->frames[0]);
        s->frames[s->n_frames++] = frame;
    }
    const addr_ix addr = fixture_address(f, pc);
    const uint32_t n = s->addr_at[f->profile.n_addrs];
    s->addr_frame =
        base_grow(s->addr_frame, &f->addr_frame_cap, (size_t)n + 1, sizeof s->addr_frame[0]);
    const uint32_t place = s->addr_at[addr + 1];
    for (uint32_t i = n; i > place; i--)
        s->addr_frame[i] = s->addr_frame[i - 1];
    s->addr_frame[place] = at;
    for (addr_ix a = addr + 1; a <= f->profile.n_addrs; a++)
        s->addr_at[a]++;
    s->addr_state[addr] = ADDRESS_NAMED;
}

/* A function without more. */
static inline void fixture_name(struct fixture *f, uint64_t pc, const char *name)
{
    fixture_frame(f, pc, (struct frame_text){.name = name});
}

/* The same in a profile that came with its names: the place is "?". */
static inline void fixture_carried(struct fixture *f, uint64_t pc, const char *name)
{
    fixture_frame(f, pc, (struct frame_text){.name = name, .file = "?", .line = LINE_NONE});
}

static inline void fixture_view(struct fixture *f, const struct view_options *options)
{
    const struct view_options none = {0};
    struct error err = {0};
    assert_true(view_make(&f->profile, &f->symbols, options ? options : &none, f->arena, &f->notes,
                          &f->view, &err));
}

static inline void fixture_end(struct fixture *f)
{
    builder_free(f->builder);
    profile_free(&f->profile);
    symbols_free(&f->symbols);
    notes_free(&f->notes);
    arena_free(f->arena);
    strings_free(f->strings);
}

/* The view's stacks and values: "5:3000,2000,1000 3:". The arena's. */
static inline const char *fixture_stacks(const struct fixture *f)
{
    struct buf text = BUF_MAX(1 << 16);
    char number[UNITS_TEXT];
    for (uint32_t s = 0; s < f->view.n_stacks; s++) {
        buf_printf(&text, "%s%s:", s ? " " : "", units_general(number, f->view.stack_value[s]));
        for (uint32_t i = f->view.stack_at[s]; i < f->view.stack_at[s + 1]; i++)
            buf_printf(&text, "%s%llx", i > f->view.stack_at[s] ? "," : "",
                       (unsigned long long)f->profile.addr_pc[f->view.stack_addr[i]]);
    }
    const char *copy = arena_text(f->arena, buf_span(&text));
    buf_free(&text);
    return copy;
}
