/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The one place where numbers become text, with "." in every locale and no trap in hostile values.
 * Text goes to a caller's buffer of UNITS_TEXT bytes and is returned. */
#pragma once

#include "base/base.h"

#define UNITS_TEXT 64

/* %d of Perl: fractions cut toward zero; beyond 64 bits clamped to the ends; NaN is 0 ("-1" in Perl
 * on some machines; there is no right answer). */
const char *units_whole(char text[UNITS_TEXT], double value);
int64_t units_to_i64(double value);

/* %.<digits>f; infinite values are "inf" and "-inf", not a number "nan". What would not fit
 * in UNITS_TEXT (beyond 10^40) is written with an exponent. digits is 0 to 15. */
const char *units_fixed(char text[UNITS_TEXT], double value, int digits);

/* %.15g, "Inf", "-Inf", "NaN": as Perl prints a number. */
const char *units_general(char text[UNITS_TEXT], double value);

/* %.<digits>g: at most so many digits that count, 1 to 15. */
const char *units_significant(char text[UNITS_TEXT], double value, int digits);

/* "12.3%" of total; total 0 gives "nan", "+inf" or "-inf" by the sign of value, without a percent
 * sign. Negative zero shows: "-0.0%". */
const char *units_percent(char text[UNITS_TEXT], double value, double total);
