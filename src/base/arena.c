/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Blocks that double from 64 KiB to 1 MiB, cut from the front. The invariant: all bytes from `at`
 * to `end` are zero and were never given out, so zeroed memory costs nothing more. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>

#define ALIGNMENT   ((size_t)16)
#define FIRST_BLOCK ((size_t)64 << 10)
#define LAST_BLOCK  ((size_t)1 << 20)

struct block {
    struct block *next;
    _Alignas(16) char bytes[];
};

struct arena {
    struct block *blocks; /* the first is the one that is cut from */
    char *at, *end;
    size_t next_size, total;
};

struct arena *arena_new(void)
{
    struct arena *arena = base_alloc(1, sizeof *arena);
    arena->next_size = FIRST_BLOCK;
    arena->total = sizeof *arena;
    return arena;
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    for (struct block *block = arena->blocks, *next; block; block = next) {
        next = block->next;
        base_free(block);
    }
    base_free(arena);
}

static struct block *add_block(struct arena *arena, size_t size)
{
    size_t bytes;
    if (__builtin_add_overflow(size, sizeof(struct block), &bytes))
        base_oom();
    arena->total += bytes;
    return base_alloc(bytes, 1);
}

/* n bytes where there is no room for them in the current block. */
static char *take_from_new(struct arena *arena, size_t n)
{
    /* What is large gets its own block behind the current one, whose rest stays in use. */
    if (n > arena->next_size / 4 && arena->blocks) {
        struct block *own = add_block(arena, n);
        own->next = arena->blocks->next;
        arena->blocks->next = own;
        return own->bytes;
    }
    const size_t size = n > arena->next_size ? n : arena->next_size;
    struct block *block = add_block(arena, size);
    block->next = arena->blocks;
    arena->blocks = block;
    arena->at = block->bytes + n;
    arena->end = block->bytes + size;
    if (arena->next_size < LAST_BLOCK)
        arena->next_size *= 2;
    return block->bytes;
}

static char *take(struct arena *arena, size_t n)
{
    if ((size_t)(arena->end - arena->at) < n)
        return take_from_new(arena, n);
    char *p = arena->at;
    arena->at += n;
    return p;
}

void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
    size_t n;
    if (__builtin_mul_overflow(count, size, &n))
        base_oom();
    if (n == 0)
        n = 1; /* so that two pieces never share an address */
    const size_t pad = (size_t)(-(uintptr_t)arena->at) & (ALIGNMENT - 1);
    if (pad < (size_t)(arena->end - arena->at))
        arena->at += pad;
    else
        arena->at = arena->end;
    return take(arena, n);
}

/* Text needs no alignment and gets none: names are most of what arenas hold. */
char *arena_text(struct arena *arena, struct span text)
{
    size_t n;
    if (__builtin_add_overflow(text.n, (size_t)1, &n))
        base_oom();
    char *p = take(arena, n);
    if (text.n)
        memcpy(p, text.p, text.n);
    return p;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    char small[512];
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    if (n < 0)
        base_oom();
    if ((size_t)n < sizeof small)
        return arena_text(arena, span_make(small, (size_t)n));
    char *p = take(arena, (size_t)n + 1);
    va_start(args, format);
    (void)vsnprintf(p, (size_t)n + 1, format, args);
    va_end(args);
    return p;
}

size_t arena_size(const struct arena *arena)
{
    return arena->total;
}
