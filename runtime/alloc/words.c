/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A word for each block, for whoever tracks blocks: an array beside each span of small ones, in the
 * record of a large one. Arrays are made when a block of the span gets its first word, so that
 * they cost nothing as long as nobody tracks. */
#include "alloc/internal.h"

#include "base/arena.h"

static struct {
    struct lock lock; /* guards the lists */
    struct words *unused[CLASSES];
} all;

static struct words *words_take(uint32_t c)
{
    lock_take(&all.lock);
    struct words *words = all.unused[c];
    if (words)
        all.unused[c] = words->next;
    lock_drop(&all.lock);
    if (words)
        return words;
    const size_t capacity = classes.facts[c].capacity;
    words = arena_take(sizeof *words + capacity * sizeof *words->word);
    if (words)
        words->capacity = capacity;
    return words;
}

static void words_give(uint32_t c, struct words *words)
{
    lock_take(&all.lock);
    words->next = all.unused[c];
    all.unused[c] = words;
    lock_drop(&all.lock);
}

static struct words *words_load(const struct span *span)
{
    return __atomic_load_n(&span->words, __ATOMIC_ACQUIRE);
}

/* Two threads may do this at once. */
static struct words *words_attach(struct span *span)
{
    struct words *fresh = words_take(span->class_ix), *there = NULL;
    if (!fresh)
        return NULL;
    if (__atomic_compare_exchange_n(&span->words, &there, fresh, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        return fresh;
    words_give(span->class_ix, fresh);
    return there;
}

void words_detach(struct span *span)
{
    struct words *words = words_load(span);
    if (!words)
        return;
    __atomic_store_n(&span->words, NULL, __ATOMIC_RELAXED);
    words_give(span->class_ix, words);
}

static uint64_t *find(const void *p, bool makes)
{
    struct span *span = pagemap_span((uintptr_t)p >> PAGE_SHIFT);
    if (!span)
        return NULL;
    const size_t offset = (size_t)((const char *)p - (const char *)span_start(span));
    if (span->state == SPAN_LARGE)
        return offset == 0 ? &span->word : NULL;
    if (span->state != SPAN_SMALL)
        return NULL;
    struct words *words = words_load(span);
    if (!words && (!makes || !(words = words_attach(span))))
        return NULL;
    const uint32_t slot = class_slot(span->class_ix, offset);
    if (slot >= words->capacity || (size_t)slot * classes.facts[span->class_ix].size != offset)
        return NULL;
    return &words->word[slot];
}

uint64_t *word_of(const void *p)
{
    return find(p, false);
}

uint64_t *word_make(const void *p)
{
    return find(p, true);
}

bool alloc_block_at(uintptr_t address, struct alloc_block *out)
{
    /* All pages of a block with a word are noted: nothing is searched for. */
    const uintptr_t page = address >> PAGE_SHIFT;
    struct span *span = pagemap_span(page);
    if (!span || page - span->page >= span->pages)
        return false;
    out->start = (uintptr_t)span_start(span);
    if (span->state == SPAN_LARGE) {
        out->room = span->pages << PAGE_SHIFT;
        out->word = &span->word;
    } else if (span->state == SPAN_SMALL) {
        struct words *words = words_load(span);
        const size_t size = classes.facts[span->class_ix].size;
        size_t slot = class_slot(span->class_ix, address - out->start);
        if (slot * size > address - out->start) /* that is exact only where a block begins */
            slot--;
        if (!words || slot >= words->capacity)
            return false;
        out->start += slot * size;
        out->room = size;
        out->word = &words->word[slot];
    } else {
        return false;
    }
    if (__atomic_load_n(out->word, __ATOMIC_RELAXED) == 0)
        return false;
    if (entries_trim)
        entries_trim(out);
    return true;
}

void alloc_range(uintptr_t *low, uintptr_t *high)
{
    pageheap_range(low, high);
    *low <<= PAGE_SHIFT;
    *high <<= PAGE_SHIFT;
}

static void show(struct alloc_block block, void (*visit)(void *to, const struct alloc_block *block),
                 void *to)
{
    if (*block.word == 0)
        return;
    if (entries_trim)
        entries_trim(&block);
    visit(to, &block);
}

void alloc_each_block(void (*visit)(void *to, const struct alloc_block *block), void *to)
{
    uintptr_t first, end;
    pageheap_range(&first, &end);
    struct span *span;
    for (uintptr_t page = first; page < end && (span = pageheap_span_from(page)) != NULL;
         page = span->page + span->pages) {
        struct alloc_block block = {.start = (uintptr_t)span_start(span)};
        if (span->state == SPAN_LARGE) {
            block.room = span->pages << PAGE_SHIFT;
            block.word = &span->word;
            show(block, visit, to);
        } else if (span->state == SPAN_SMALL && span->words) {
            block.room = classes.facts[span->class_ix].size;
            for (size_t i = 0; i < span->words->capacity; i++, block.start += block.room) {
                block.word = &span->words->word[i];
                show(block, visit, to);
            }
        }
    }
}

static void clear(void *to, const struct alloc_block *block)
{
    (void)to;
    __atomic_store_n(block->word, 0, __ATOMIC_RELAXED);
}

void words_clear(void)
{
    alloc_each_block(clear, NULL);
}

bool words_each_lock(lock_step *step)
{
    return step(&all.lock);
}

/* A span in use; blocks that were never handed out have no word. */
void words_check(const struct span *span)
{
    if (span->state != SPAN_SMALL || !span->words)
        return;
    ALLOC_CHECK(span->words->capacity == classes.facts[span->class_ix].capacity);
    for (size_t i = span->fresh; i < span->words->capacity; i++)
        ALLOC_CHECK(span->words->word[i] == 0);
}
