/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Size classes: which sizes small blocks come in, how many pages a span of each has, how many
 * blocks move at once. The sizes are those of the tcmalloc library that this one stands in for,
 * so that memory comparisons and nallocx agree. Written once at the start, read-only then. */
#include "alloc/internal.h"

/* clang-format off */
static const uint32_t sizes[CLASSES] = {
    0, 8, 16, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 288, 320, 352,
    384, 416, 448, 480, 512, 576, 640, 704, 768, 896, 1024, 1152, 1280, 1408, 1536, 1792, 2048,
    2304, 2560, 2816, 3072, 3328, 4096, 4608, 5120, 6144, 6656, 8192, 9216, 10240, 12288, 13312,
    16384, 20480, 24576, 26624, 32768, 40960, 49152, 57344, 65536, 73728, 81920, 90112, 98304,
    106496, 114688, 122880, 131072, 139264, 147456, 155648, 163840, 172032, 180224, 188416, 196608,
    204800, 212992, 221184, 229376, 237568, 245760, 253952, 262144,
};
/* clang-format on */

enum { BATCH_BYTES = 64 << 10, LINE = 64 };

struct classes classes;

static size_t pages_of_span(size_t size, size_t batch)
{
    size_t bytes = PAGE_SIZE;
    while (bytes < size || bytes % size > bytes / 8 || bytes / size < batch / 4)
        bytes += PAGE_SIZE;
    return bytes >> PAGE_SHIFT;
}

void classes_start(size_t most_in_batch)
{
    for (uint32_t c = 1; c < CLASSES; c++) {
        struct class_facts *f = &classes.facts[c];
        const size_t size = sizes[c];
        size_t batch = BATCH_BYTES / size;
        batch = batch > most_in_batch ? most_in_batch : batch;
        f->size = sizes[c];
        f->batch = (uint32_t)(batch < 2 ? 2 : batch);
        f->pages = (uint32_t)pages_of_span(size, f->batch);
        f->capacity = (uint32_t)((f->pages << PAGE_SHIFT) / size);
        /* Rounded up, so that offset * inverse >> 32 is exact for every offset in a span. */
        f->inverse = (uint32_t)((((uint64_t)1 << 32) + size - 1) / size);
        /* The first blocks a thread takes fill a cache line, so that two threads do not write to
         * the same one. */
        f->first = size < LINE ? (uint32_t)(LINE / size) : 1;
    }
    uint8_t c = 1;
    for (size_t n = 0; n <= SMALL_MAX; n += n < FINE_MAX ? 8 : 128) {
        while (sizes[c] < n)
            c++;
        classes.of_size[class_index(n)] = c;
    }
}

uint32_t class_aligned(size_t size, size_t align)
{
    /* Spans begin at a page, so all blocks of a class are aligned when its size is. */
    if (align > PAGE_SIZE || size > SMALL_MAX)
        return 0;
    for (uint32_t c = classes.of_size[class_index(size < align ? align : size)]; c < CLASSES; c++)
        if ((sizes[c] & (align - 1)) == 0)
            return c;
    return 0;
}

void classes_check(void)
{
    for (uint32_t c = 1; c < CLASSES; c++) {
        const struct class_facts *f = &classes.facts[c];
        ALLOC_CHECK(f->size > classes.facts[c - 1].size);
        ALLOC_CHECK(f->capacity >= 1 && f->capacity * f->size <= f->pages << PAGE_SHIFT);
        ALLOC_CHECK(classes.of_size[class_index(f->size)] == c);
        ALLOC_CHECK(c + 1 == CLASSES || classes.of_size[class_index(f->size + 1)] == c + 1);
        for (uint32_t i = 0; i < f->capacity; i++)
            ALLOC_CHECK(class_slot(c, (size_t)i * f->size) == i);
    }
}
