/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of the allocator know of each other. From the fast path down:
 *
 *   malloc.c     entry points; a block from the thread's list of its class, or the slow path
 *   tracked.c    the slow path, while somebody tracks blocks: a word for each
 *   blocks.c     the slow path's end: blocks of any size, from here down without regard to who asks
 *   cache.c      a thread's lists; moves batches to and from
 *   central.c    one list of spans a class, shared by the threads
 *   pageheap.c   runs of free pages, from and to the system; freespans.c finds them by length
 *   pagemap.c    from an address to its span and class
 *   words.c      from a block to its word
 *   gate.c       who is making a block and its word; and keeping all out
 *   samples.c    one block in so many bytes, with who made it
 *
 * Locks are taken in the order caches, gate, central by class, page heap, words, arena; the fast
 * path takes none. No code of the program runs while one is held. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alloc/alloc.h"
#include "base/lock.h"

#define EXPORT      __attribute__((visibility("default")))
#define ALIAS(name) __attribute__((visibility("default"), alias(#name), copy(name)))
#define COLD        __attribute__((noinline, cold))
/* As rare, but with bytes to copy: what is cold is made small, and copies by a slow instruction. */
#define APART       __attribute__((noinline))
#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* What must hold in any build; failing is a bug of ours or memory that the program overwrote. */
#define ALLOC_CHECK(x) ((x) ? (void)0 : alloc_broken(#x, __FILE__, __LINE__))

enum {
    PAGE_SHIFT = 13,
    PAGE_SIZE = 1 << PAGE_SHIFT,
    CLASSES = 86, /* with class 0, which has no blocks: "not small" */
    SMALL_MAX = 256 << 10,
    FINE_MAX = 1024, /* sizes up to here are looked up in steps of 8, above in steps of 128 */
    CLASS_INDEXES = ((SMALL_MAX + 127 + 15360) >> 7) + 1,
};

/* ---- classes.c */

struct class_facts {
    uint32_t size;
    uint32_t batch;    /* blocks that move at once */
    uint32_t pages;    /* of a span */
    uint32_t capacity; /* blocks in a span */
    uint32_t inverse;  /* of the size, scaled by 2^32 */
    uint32_t first;    /* blocks that a thread takes the first time */
};

extern struct classes {
    uint8_t of_size[CLASS_INDEXES];
    struct class_facts facts[CLASSES];
} classes;

static inline size_t class_index(size_t size) /* size <= SMALL_MAX */
{
    return LIKELY(size <= FINE_MAX) ? (size + 7) >> 3 : (size + 127 + 15360) >> 7;
}

/* Which block of a span an offset falls in; exact where one begins. */
static inline uint32_t class_slot(uint32_t class_ix, size_t offset)
{
    return (uint32_t)((offset * classes.facts[class_ix].inverse) >> 32);
}

void classes_start(size_t most_in_batch);
void classes_check(void);
/* The smallest class for the size whose blocks all have the alignment; 0 if there is none. */
uint32_t class_aligned(size_t size, size_t align);

/* ---- spans */

enum span_state { SPAN_UNUSED, SPAN_RESIDENT, SPAN_RETURNED, SPAN_SMALL, SPAN_LARGE };

/* A run of pages in one state. Spans lie in the arena and are used again; a pointer to one is
 * always readable. */
struct span {
    struct span *next, *prev; /* in a bin of the page heap, or in a central list */
    uintptr_t page;           /* number of the first page */
    size_t pages;
    union {
        struct {            /* SPAN_SMALL: the central list's lock */
            void *freed;    /* blocks that came back, linked through their first word */
            uint32_t fresh; /* blocks from this number on were never handed out */
            uint32_t live;  /* blocks in the hands of threads and transfers */
        };
        struct { /* free and long: the page heap's lock */
            struct span *left, *right;
        };
        struct { /* SPAN_LARGE */
            uint64_t word, sample;
        };
    };
    struct words *words; /* SPAN_SMALL: of its blocks, if one ever had a word; else NULL */
    uint32_t priority;   /* free and long */
    uint8_t class_ix;    /* SPAN_SMALL */
    uint8_t state;       /* enum span_state */
    bool is_listed;      /* SPAN_SMALL: in the central list of spans with blocks to give */
    bool is_zero;        /* SPAN_LARGE, when just taken: reads as zeroes */
};

static inline void *span_start(const struct span *span)
{
    return (void *)(span->page << PAGE_SHIFT);
}

/* ---- pagemap.c */

enum {
    LEAF_SHIFT = 18,
    LEAF_PAGES = 1 << LEAF_SHIFT,
    ADDRESS_BITS = 48,
    ROOT_SHIFT = PAGE_SHIFT + LEAF_SHIFT,
    ROOT_SIZE = 1 << (ADDRESS_BITS - ROOT_SHIFT),
};

/* 2 GiB of addresses. Two arrays, so that the fast path walks over few cache lines. */
struct leaf {
    uint8_t class_of[LEAF_PAGES];
    struct span *span_of[LEAF_PAGES];
};

extern struct leaf *pagemap_root[ROOT_SIZE];

static inline struct leaf *pagemap_leaf(uintptr_t page)
{
    const uintptr_t i = page >> LEAF_SHIFT;
    return i < ROOT_SIZE ? __atomic_load_n(&pagemap_root[i], __ATOMIC_RELAXED) : NULL;
}

/* The span that was last noted for the page; it may have gone since, if the page is neither its
 * first nor its last one and not in a span of small blocks. */
static inline struct span *pagemap_span(uintptr_t page)
{
    const struct leaf *leaf = pagemap_leaf(page);
    return leaf ? __atomic_load_n(&leaf->span_of[page & (LEAF_PAGES - 1)], __ATOMIC_RELAXED) : NULL;
}

static inline uint32_t pagemap_class(uintptr_t page)
{
    const struct leaf *leaf = pagemap_leaf(page);
    return leaf ? __atomic_load_n(&leaf->class_of[page & (LEAF_PAGES - 1)], __ATOMIC_RELAXED) : 0;
}

/* Makes room for the pages; false when out of memory. The page heap's lock. */
bool pagemap_cover(uintptr_t page, size_t pages);
void pagemap_set_ends(struct span *span);
void pagemap_set_pages(struct span *span);
void pagemap_set_all(struct span *span, uint32_t class_ix);
void pagemap_clear_class(const struct span *span);
/* The large span that begins at the address; NULL when there is none. */
struct span *pagemap_large(const void *p);
/* The span in use that has the address anywhere in it, or NULL; takes time for long ones. */
struct span *pagemap_search(const void *p);

/* ---- the fast path's view
 *
 * The fast path looks at copies of two tables. While somebody wants to hear of every call they
 * are blank, so that all calls take the slow path; else they cost nothing. */
extern struct fast {
    uint8_t of_size[CLASS_INDEXES];
    uintptr_t class_of[ROOT_SIZE]; /* address of the leaf's class_of, less its first page */
} fast;

void fast_show(void);           /* when the classes are known */
void fast_hide(void);           /* from now on every call is slow */
void fast_leaf(uintptr_t root); /* a new leaf */

/* ---- pageheap.c */

/* A span of so many pages, in use, its ends in the page map; NULL when out of memory. */
struct span *pageheap_take(size_t pages);
struct span *pageheap_take_aligned(size_t pages, size_t align);
/* One for blocks of a class, all its pages in the page map. */
struct span *pageheap_take_small(size_t pages, uint32_t class_ix);
void pageheap_give(struct span *span);
/* A large span in use becomes longer or shorter where it is, if that can be. */
bool pageheap_resize(struct span *span, size_t pages);
/* Gives whole free spans back to the system until so many bytes are; returns how many were. */
size_t pageheap_release(size_t bytes);
/* What was free all the time since the last call goes back to the system, part by part. */
void pageheap_tick(void);
/* All pages that were ever asked of the system are in between. */
void pageheap_range(uintptr_t *first, uintptr_t *end);
/* The first span that begins at the page or behind it, or NULL. Under the lock. */
struct span *pageheap_span_from(uintptr_t page);
void pageheap_check(void);
bool pageheap_each_lock(lock_step *step);
void pageheap_lock(void);
void pageheap_unlock(void);

enum { BINS = 128 }; /* free spans of up to so many pages have a bin for each length */

struct pageheap_stats {
    size_t system;   /* bytes from the system for blocks */
    size_t resident; /* free, with memory behind */
    size_t returned; /* free, without */
    size_t spans;    /* in use */
    size_t reserves, commits, releases, scavenges;
    size_t committed_total, released_total;
    size_t bin_resident[BINS + 1], bin_returned[BINS + 1]; /* spans; [0]: the long ones */
    size_t long_resident_pages, long_returned_pages;
};
void pageheap_stats(struct pageheap_stats *out);
/* Place and state of at most n runs of pages, free or not, in the order of addresses, from the
 * page on; returns how many there are. */
size_t pageheap_copy(uintptr_t page, struct span *out, size_t n);

/* ---- central.c */

/* A chain of at most n blocks, linked through their first word; returns how many there are. */
uint32_t central_take(uint32_t class_ix, uint32_t n, void **chain);
/* Takes back a chain of n blocks. */
void central_give(uint32_t class_ix, void *chain, uint32_t n);
/* Batches that nobody fetched since the last call go back to their spans; all: every batch. */
void central_tick(bool all);
bool central_each_lock(lock_step *step);
void central_check(void);
struct central_stats {
    size_t in_spans, in_transfer; /* free bytes */
    size_t spans;
};
struct central_stats central_stats(uint32_t class_ix);

/* ---- cache.c */

/* ---- words.c */

/* A span's words, by number of block. They are given back before the span is free, all zero. An
 * array serves one class forever, so that a word may be looked up in one that is no longer the
 * span's. */
struct words {
    struct words *next; /* unused ones of the class */
    size_t capacity;
    uint64_t word[];
};

/* Where the word of the block that begins at p is kept. NULL: there is no such block, it never had
 * one or, when it is to be made, there is no memory. */
uint64_t *word_of(const void *p);
uint64_t *word_make(const void *p);
void words_detach(struct span *span);
void words_clear(void); /* all; frozen only */
bool words_each_lock(lock_step *step);
void words_check(const struct span *span);

/* ---- gate.c */

/* Around what makes or frees a block and writes its word: costs two stores while the gate is open.
 * gate_enter's answer goes to gate_leave. */
struct cache *gate_enter(void);
void gate_leave(struct cache *cache);
/* Nobody is inside, and nobody comes in, until it is opened. Under the caches' lock. */
void gate_close(void);
bool gate_try_close(void); /* false: somebody is inside */
void gate_open(void);
/* Before anybody enters for the first time. */
void gate_start(void);

/* ---- tracked.c */

/* alloc_take and alloc_take_aligned, for whoever may track: `asked` is what the program wants. */
void *tracked_take(size_t size, size_t asked, bool *is_zero);
void *tracked_take_aligned(size_t size, size_t align);
/* alloc_give. */
void tracked_give(void *p);
/* The block gets another size where it is, if that can be: a small one always, if the size fits. */
bool tracked_resize(void *p, size_t size);
/* The same in steps, for blocks whose form must be whole when they get their word, and that stay
 * for a while when they have lost it: alloc_take or a sample; a word; none any more. */
void *sampled_take(size_t size, size_t asked, size_t align);
void tracked_note(void *p, size_t asked);
void tracked_forget(void *p);
bool tracked_any(void);
void tracked_thread_ends(void);

/* A thread's blocks. Split by use, so that the fast path walks over few cache lines. */
struct cache {
    void *head[CLASSES];
    uint32_t room[CLASSES];    /* how many more blocks the list may hold */
    uint32_t max[CLASSES];     /* room and length together */
    uint32_t seen[CLASSES];    /* length at the last tick */
    uint8_t overruns[CLASSES]; /* times it was full, which it did not grow for yet */
    bool has_thread;
    uint32_t thief;     /* the class that is next to lose room */
    size_t claimed;     /* bytes of all max together */
    size_t limit;       /* what claimed may be */
    uint64_t next_tick; /* in ticks of the coarse clock */
    uint32_t inside;    /* the thread makes or frees a block with its word: gate.c */
    struct cache *next; /* all caches that ever were */
};

struct own {
    struct cache *cache; /* never NULL: cache_none is full and empty at once */
    uint8_t is_ending;   /* the thread is past its end: no new cache */
    uint8_t is_inside;   /* the thread is past the gate, or about to be */
    uint8_t large_calls; /* since the last look at the clock */
    /* The largest size and alignment that the shortest way serves. While blocks are sampled they
     * are 0, and the way beside it counts bytes. */
    uint32_t fine_most, align_most;
    int64_t until_sample; /* bytes */
    uint64_t random;
    size_t grown; /* bytes that the system gave in this call */
};
extern struct cache cache_none;
extern __thread struct own own __attribute__((tls_model("initial-exec")));

void cache_start(void);
/* The thread's cache; cache_none when it has none and gets none. Never inside a gate. */
struct cache *cache_own(void);
/* The slow half of taking and giving small blocks; NULL when out of memory. */
void *cache_refill(uint32_t class_ix);
void cache_overflow(uint32_t class_ix, void *p);
/* Gives back what the calling thread keeps. */
void cache_flush(void);
void cache_tick(void);
void cache_lock(void);
void cache_unlock(void);
bool cache_try_lock(void);
struct cache *cache_all(void); /* the first one; under the lock */
void cache_after_fork(void);
void cache_check(void);
void cache_stats(size_t bytes[CLASSES], size_t *caches);
size_t cache_bytes(void); /* of the calling thread */
size_t cache_total_limit(void);
void cache_set_total_limit(size_t bytes);
size_t cache_least_limit(void);
void cache_set_least_limit(size_t bytes);

/* ---- samples.c */

/* On the slow path: is this block to be one? Counts what the fast path did not. */
bool sample_is_due(size_t size, bool is_counted);
/* Such a block: a span of its own, which notes who called. NULL when out of memory. */
void *sample_take(size_t size, size_t asked, size_t align);
void sample_resize(struct span *span, size_t size);
/* What the system gave is told to who wants to know; no lock is held. */
COLD void growth_tell(void);

/* ---- start.c */

/* What the environment says; read once, at the first call. */
extern struct knobs {
    size_t total_cache;   /* TCMALLOC_MAX_TOTAL_THREAD_CACHE_BYTES */
    size_t batch;         /* TCMALLOC_TRANSFER_NUM_OBJ */
    double release_rate;  /* TCMALLOC_RELEASE_RATE */
    bool is_aggressive;   /* TCMALLOC_AGGRESSIVE_DECOMMIT */
    bool never_releases;  /* TCMALLOC_DISABLE_MEMORY_RELEASE */
    size_t limit_mb;      /* TCMALLOC_HEAP_LIMIT_MB */
    int64_t large_report; /* TCMALLOC_LARGE_ALLOC_REPORT_THRESHOLD; negative: never */
    int64_t sample;       /* TCMALLOC_SAMPLE_PARAMETER */
} knobs;

extern bool alloc_started;
void alloc_start(void);

/* ---- misuse.c */

_Noreturn COLD void alloc_broken(const char *what, const char *file, int line);
_Noreturn COLD void misuse_invalid_free(const void *p);
_Noreturn COLD void misuse_invalid_size(const void *p);
_Noreturn COLD void misuse_double_free(const void *p);
_Noreturn COLD void misuse_wrong_size(const void *p, size_t said, size_t real);

/* ---- stats.c */

struct alloc_stats {
    size_t in_use, thread, central, transfer, metadata;
    size_t caches;
    size_t class_free[CLASSES]; /* bytes in all three kinds of lists */
    size_t class_spans[CLASSES];
    struct pageheap_stats heap;
};
void alloc_stats(struct alloc_stats *out);
/* The statistics text of level 1 or 2. */
struct text;
void alloc_stats_text(struct text *text, int level);

/* ---- blocks.c */

static inline size_t pages_for(size_t size)
{
    return (size >> PAGE_SHIFT) + ((size & (PAGE_SIZE - 1)) != 0);
}

/* Memory as malloc gives it, without the new handler and without the hooks; errno untouched. */
void *alloc_take(size_t size, bool *is_zero);
void *alloc_take_aligned(size_t size, size_t align);
void *alloc_take_large(size_t size, size_t align, bool *is_zero);
void alloc_give(void *p);
/* Bytes of the block that begins at p, 0 if none does. */
size_t alloc_usable(const void *p);
/* The end of a slow call that may have failed: tells the hooks, sets errno. */
void *alloc_finish(void *p, size_t size);

/* ---- companions.c */

/* Memory is out: true when malloc and its companions try again, for the new handler was asked
 * (tc_set_new_mode). */
bool alloc_retries(void);

/* ---- malloc.c, or the folder debug/ in its place: the form that blocks have */

void entries_start(void);     /* reads the environment; nothing was allocated yet */
size_t entries_waiting(void); /* bytes that were given back and are kept all the same */
void entries_lock(void);      /* around a fork */
void entries_unlock(void);
/* Of a block with a word, what the program sees of it; where all of it is, there is no function. */
__attribute__((weak)) void entries_trim(struct alloc_block *block);

/* ---- malloc.c alone */

/* free, when the fast path did not take the block back; tail calls only, see HOOKS_NOTE_CALLER. */
COLD void alloc_free_slow(void *p);

/* ---- new_handler.c */

/* Calls the C++ new handler; false if there is none. */
bool new_handler_call(void);
bool new_handler_is_set(void);
/* Throws std::bad_alloc; without a C++ library nobody could catch it, and the program ends. */
_Noreturn void new_handler_throw(void);
