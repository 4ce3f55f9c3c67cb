/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The names under which this program takes the place of others. It behaves the same under all of
 * them; only its usage text shows the name it was called by, so that examples can be copied. */
#include "cli/internal.h"

#include <string.h>

static const char *const known[] = {
    "cprof", "pprof", "google-pprof", "pprof-symbolize", "jeprof",
};

const char *names_shown(const char *argv0)
{
    if (!argv0)
        return known[0];
    const char *slash = strrchr(argv0, '/');
    const char *name = slash ? slash + 1 : argv0;
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (strcmp(name, known[i]) == 0)
            return known[i];
    }
    return known[0];
}
