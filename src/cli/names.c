/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The names under which this program takes the place of others. It behaves the same under all of
 * them; only its usage text shows the name it was called by, so that examples can be copied. */
#include "cli/internal.h"

#include <string.h>

#include "base/file.h"

static const char *const known[] = {
    "cprof", "pprof", "google-pprof", "pprof-symbolize", "jeprof",
};

bool names_is_word(const char *shown, const char *typed, const char *word)
{
    return strcmp(shown, known[0]) == 0 && strcmp(typed, word) == 0 && !file_is_regular(typed);
}

const char *names_shown(const char *argv0)
{
    if (!argv0)
        return known[0];
    const char *name = span_file_name(span_of(argv0)).p;
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (strcmp(name, known[i]) == 0)
            return known[i];
    }
    return known[0];
}
