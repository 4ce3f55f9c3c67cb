/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A library that plugins.c loads, lets work, and unloads. */
#include "work.h"

BURNER(in_plugin)

unsigned plugin_work(double seconds);

unsigned plugin_work(double seconds)
{
    return in_plugin(seconds);
}
