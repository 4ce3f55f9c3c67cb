/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Command lines by strangers: words are separated by NULs. Whatever they are, parsing ends, each
 * word is an option, a value or an argument, and a failure comes with a line of reasons. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/analysis.h"

#define WORDS_MAX 64

static void require(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        abort();
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    const char *words[WORDS_MAX], *rest[WORDS_MAX];
    uint32_t n = 0, n_rest = 0;
    for (size_t at = 0; at < size && n < WORDS_MAX; at += strlen(text + at) + 1)
        words[n++] = text + at;

    struct arena *arena = arena_new();
    const struct options options = options_all(arena);
    struct settings settings;
    struct buf complaints = BUF_MAX(1 << 20);
    struct error err = {0};
    settings_init(&settings);
    const bool is_fine = options_parse(&options, words, n, &settings, rest, &n_rest, &complaints);
    require(n_rest <= n);
    require(is_fine == (complaints.n == 0));
    require(is_fine || complaints.is_full || complaints.p[complaints.n - 1] == '\n');
    if (!settings_check(&settings, &err))
        require(err.text[0] != '\0');
    require(settings_grain(&settings, settings_emitter(&settings), NULL) < GRANULARITY_COUNT);
    if (n >= 2 && !options_set(&options, span_of(words[0]), span_of(words[1]), &settings, &err))
        require(err.kind == ERROR_USAGE);
    settings_free(&settings);
    buf_free(&complaints);
    arena_free(arena);
    free(text);
    return 0;
}
