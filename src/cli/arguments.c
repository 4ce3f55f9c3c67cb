/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the arguments are: the program, profiles, or profiles only. The first one is looked at; the
 * order of reading is that of pprof (the first profile, then from the last to the second), because
 * the one read last decides about units. */
#include "cli/internal.h"

bool arguments_load(struct analysis *analysis, const char *const *names, uint32_t n,
                    struct error *err)
{
    const struct settings *settings = analysis_settings(analysis);
    const struct emitter *emitter = settings_emitter(settings);
    if (n == 0)
        return error_set(err, ERROR_USAGE, "Did not specify program");
    for (uint32_t i = 0; i < n; i++) { /* "$PROGRAM" of a script that did not set it */
        if (!*names[i])
            return error_set(err, ERROR_USAGE, "An argument is empty where a file is expected");
    }
    if (emitter && emitter->reader)
        return analysis_load(analysis, names[0], LOAD_PROGRAM, err) &&
               analysis_load(analysis, "-", LOAD_INPUT, err);

    /* With a format given there is nothing to look for in a single file. */
    const bool is_forced = settings->reader && *settings->reader;
    const enum load_as as = is_forced && n == 1 ? LOAD_PROFILE : LOAD_FIRST;
    if (!analysis_load(analysis, names[0], as, err))
        return false;
    const uint32_t first = analysis_program(analysis) ? 1 : 0;
    if (first == n)
        return error_set(err, ERROR_USAGE, "Did not specify profile file");
    if (first == 1 && !analysis_load(analysis, names[1], LOAD_PROFILE, err))
        return false;
    for (uint32_t i = n; i-- > first + 1;) {
        if (!analysis_load(analysis, names[i], LOAD_PROFILE, err))
            return false;
    }
    return true;
}
