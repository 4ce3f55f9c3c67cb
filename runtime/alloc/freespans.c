/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Free spans of one kind by their length: short ones in a bin for each length, long ones in a tree
 * ordered by length and address, so that the best fit is found. */
#include "alloc/freespans.h"

/* ---- the tree of long spans: a treap, ordered by length, then address; what is nearer to the
 * root is drawn by lot, with the page's number for a lot */

static bool is_before(const struct span *a, const struct span *b)
{
    return a->pages != b->pages ? a->pages < b->pages : a->page < b->page;
}

static void tree_insert(struct span **root, struct span *span)
{
    span->priority = (uint32_t)(span->page * UINT64_C(0x9e3779b97f4a7c15) >> 32);
    while (*root && (*root)->priority >= span->priority)
        root = is_before(span, *root) ? &(*root)->left : &(*root)->right;
    /* Split what was here into what comes before and after. */
    struct span *rest = *root, **left = &span->left, **right = &span->right;
    *root = span;
    while (rest) {
        if (is_before(rest, span)) {
            *left = rest;
            left = &rest->right;
        } else {
            *right = rest;
            right = &rest->left;
        }
        rest = is_before(rest, span) ? rest->right : rest->left;
    }
    *left = NULL;
    *right = NULL;
}

static void tree_remove(struct span **root, struct span *span)
{
    while (*root != span)
        root = is_before(span, *root) ? &(*root)->left : &(*root)->right;
    struct span *a = span->left, *b = span->right;
    while (a && b) {
        if (a->priority >= b->priority) {
            *root = a;
            root = &a->right;
            a = a->right;
        } else {
            *root = b;
            root = &b->left;
            b = b->left;
        }
    }
    *root = a ? a : b;
}

static struct span *tree_fit(struct span *root, size_t pages)
{
    struct span *best = NULL;
    while (root) {
        if (root->pages >= pages) {
            best = root;
            root = root->left;
        } else {
            root = root->right;
        }
    }
    return best;
}

static size_t tree_count(const struct span *root)
{
    return root ? 1 + tree_count(root->left) + tree_count(root->right) : 0;
}

static struct span *tree_last(struct span *root)
{
    while (root && root->right)
        root = root->right;
    return root;
}

/* ---- both */

void freespans_insert(struct freespans *free, struct span *span)
{
    free->pages += span->pages;
    if (span->pages > BINS) {
        tree_insert(&free->tree, span);
        return;
    }
    struct span **bin = &free->bin[span->pages];
    span->prev = NULL;
    span->next = *bin;
    if (*bin)
        (*bin)->prev = span;
    *bin = span;
    free->used[span->pages / 64] |= (uint64_t)1 << (span->pages % 64);
}

void freespans_remove(struct freespans *free, struct span *span)
{
    free->pages -= span->pages;
    if (span->pages > BINS) {
        tree_remove(&free->tree, span);
        return;
    }
    struct span **bin = &free->bin[span->pages];
    if (span->next)
        span->next->prev = span->prev;
    if (span->prev)
        span->prev->next = span->next;
    else
        *bin = span->next;
    if (!*bin)
        free->used[span->pages / 64] &= ~((uint64_t)1 << (span->pages % 64));
}

struct span *freespans_fit(const struct freespans *free, size_t pages)
{
    for (size_t i = pages; i <= BINS;) {
        const uint64_t bits = free->used[i / 64] >> (i % 64);
        if (bits)
            return free->bin[i + (size_t)__builtin_ctzll(bits)];
        i = (i / 64 + 1) * 64;
    }
    return tree_fit(free->tree, pages);
}

struct span *freespans_longest(const struct freespans *free)
{
    struct span *span = tree_last(free->tree);
    for (size_t i = BINS; !span && i > 0; i--)
        span = free->bin[i];
    return span;
}

size_t freespans_count(const struct freespans *free, size_t spans[BINS + 1])
{
    size_t pages = free->pages;
    for (size_t i = 1; i <= BINS; i++)
        for (const struct span *s = free->bin[i]; s; s = s->next) {
            spans[i]++;
            pages -= s->pages;
        }
    spans[0] = tree_count(free->tree);
    return pages;
}

/* ---- check */

static size_t check_tree(const struct span *span, const struct span *above, uint8_t state)
{
    if (!span)
        return 0;
    ALLOC_CHECK(span->state == state && span->pages > BINS);
    ALLOC_CHECK(!above || span->priority <= above->priority);
    ALLOC_CHECK(!span->left || is_before(span->left, span));
    ALLOC_CHECK(!span->right || is_before(span, span->right));
    return span->pages + check_tree(span->left, span, state) + check_tree(span->right, span, state);
}

void freespans_check(const struct freespans *free, uint8_t state)
{
    size_t pages = check_tree(free->tree, NULL, state);
    for (size_t i = 1; i <= BINS; i++) {
        ALLOC_CHECK(((free->used[i / 64] >> (i % 64)) & 1) == (free->bin[i] != NULL));
        for (const struct span *s = free->bin[i]; s; s = s->next) {
            ALLOC_CHECK(s->state == state && s->pages == i);
            ALLOC_CHECK(!s->next || s->next->prev == s);
            pages += i;
        }
    }
    ALLOC_CHECK(pages == free->pages);
}
