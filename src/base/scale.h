/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Units of measure: which are kin (bytes, times), how one becomes another, which suits a value. The
 * texts are those that users of google/pprof know: "1.50MB", "20ms", "0". */
#pragma once

#include "base/units.h"

/* Whether there are other units that values in this one can be shown in. Any spelling: "B",
 * "bytes", "kilobytes", "ns", "microseconds", "hrs". */
bool scale_is_known(const char *unit);
/* "auto" and "minimum": the unit is chosen by the value. */
bool scale_is_auto(const char *unit);

/* The value in another unit, and what that is called. Of a unit that has no kin the value stays;
 * its name is `to`, or "" where that only says that things were counted. A unit of other kin than
 * the value's becomes the plainest one of its own. */
double scale_value(double value, const char *from, const char *to, const char **name);

/* At most two decimals and the name of the unit; nothing is "0". */
const char *scale_text(char text[UNITS_TEXT], double value, const char *from, const char *to);

/* The share without its sign, six wide, at least two digits: " 5.00%", "  100%", "  0.5%". */
const char *scale_percent(char text[UNITS_TEXT], double value, double total);
