/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Variables in columns, as wide as the longest name of all libraries. */
#include "base/knob.h"

#include "base/env.h"
#include "base/message.h"

void knobs_show(const char *whose, const struct knob *knobs, size_t n)
{
    if (!env_bool("CPROF_RUNTIME_HELP", false))
        return;
    message_always("Variables of %s:", whose);
    for (size_t i = 0; i < n; i++)
        message_always("  %-37s  %-10s  %s", knobs[i].name, knobs[i].usual, knobs[i].help);
}
