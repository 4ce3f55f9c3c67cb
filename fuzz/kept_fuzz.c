/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Files that were kept for the next run, as somebody else may have left them there. The first byte
 * says which part of one the others are: the whole file, its answers, or its sections. */
#include "fuzz.h"

#include <stdlib.h>

#include "object/internal.h"
#include "symbolize/answers.h"

static void read_answers(struct span bytes)
{
    struct strings *strings = strings_new();
    struct answers answers;
    if (answers_read(&answers, bytes)) {
        uint32_t at;
        for (uint32_t i = 0; i < answers.n_addrs; i++) {
            if (!answers_find(&answers, answers.addrs[i], &at) || at != i)
                __builtin_trap();
            for (uint32_t k = answers.at[i]; k < answers.at[i + 1]; k++)
                (void)answers_frame(&answers, answers.refs[k], strings);
        }
        if (answers_find(&answers, 0x1234, &at) && answers.addrs[at] != 0x1234)
            __builtin_trap();
        answers_free(&answers);
    }
    strings_free(strings);
}

static void read_sections(struct span bytes)
{
    struct unpacked unpacked[] = {
        {.section = 1, .packed = {.stream = {.p = "", .n = 100}, .size = 200}},
        {.section = 7, .packed = {.stream = {.p = "", .n = 5}, .size = 64}},
    };
    struct elf_file file = {.unpacked = unpacked, .n_unpacked = 2};
    unsigned sum = 0;
    if (!section_cache_take(&file, bytes))
        return;
    for (unsigned i = 0; i < 2; i++) {
        for (uint64_t k = 0; k < unpacked[i].packed.size; k++)
            sum += (unsigned char)unpacked[i].kept[k];
    }
    (void)*(volatile unsigned *)&sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    /* As a mapped file is: aligned, and nothing behind it. */
    const size_t n = size - 1;
    char *bytes = aligned_alloc(CACHE_ALIGN, (n + CACHE_ALIGN) / CACHE_ALIGN * CACHE_ALIGN);
    if (!bytes)
        return 0;
    memcpy(bytes, data + 1, n);
    struct span contents;
    if (data[0] == 'a')
        read_answers(span_make(bytes, n));
    else if (data[0] == 's')
        read_sections(span_make(bytes, n));
    else if (cache_open(span_make(bytes, n), span_of("key"), &contents))
        read_answers(contents);
    free(bytes);
    return 0;
}
