/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Numbers as text. The invariant: whatever the value and the locale, the text fits, is
 * NUL-terminated and has a point where a decimal point belongs. */
#include "base/units.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

int64_t units_to_i64(double value)
{
    if (isnan(value))
        return 0;
    if (value >= 0x1p63)
        return INT64_MAX;
    if (value < -0x1p63)
        return INT64_MIN;
    return (int64_t)value;
}

const char *units_whole(char text[UNITS_TEXT], double value)
{
    (void)snprintf(text, UNITS_TEXT, "%" PRId64, units_to_i64(value));
    return text;
}

/* printf writes digits, a minus, an e with its sign, and the locale's decimal point, which may be
 * any run of bytes: what is none of the first becomes a point. Cheaper than changing the locale. */
static void set_point(char *text)
{
    char *at = text + strspn(text, "+-0123456789e");
    if (!*at)
        return;
    char *rest = at + strcspn(at, "0123456789");
    *at++ = '.';
    memmove(at, rest, strlen(rest) + 1);
}

/* Whether `value` was infinite or no number, and is written. */
static bool write_special(char *text, double value, const char *infinite, const char *none)
{
    if (isfinite(value))
        return false;
    (void)snprintf(text, UNITS_TEXT, "%s%s", isinf(value) && value < 0 ? "-" : "",
                   isnan(value) ? none : infinite);
    return true;
}

const char *units_fixed(char text[UNITS_TEXT], double value, int digits)
{
    if (write_special(text, value, "inf", "nan"))
        return text;
    digits = digits < 0 ? 0 : digits > 15 ? 15 : digits;
    if (fabs(value) >= 1e40)
        (void)snprintf(text, UNITS_TEXT, "%.*e", digits, value);
    else
        (void)snprintf(text, UNITS_TEXT, "%.*f", digits, value);
    set_point(text);
    return text;
}

const char *units_general(char text[UNITS_TEXT], double value)
{
    if (write_special(text, value, "Inf", "NaN"))
        return text;
    /* Perl has one zero when it prints; adding it makes the negative one positive. */
    (void)snprintf(text, UNITS_TEXT, "%.15g", value + 0.0);
    set_point(text);
    return text;
}

const char *units_significant(char text[UNITS_TEXT], double value, int digits)
{
    if (write_special(text, value, "inf", "nan"))
        return text;
    digits = digits < 1 ? 1 : digits > 15 ? 15 : digits;
    (void)snprintf(text, UNITS_TEXT, "%.*g", digits, value);
    set_point(text);
    return text;
}

const char *units_percent(char text[UNITS_TEXT], double value, double total)
{
    if (total == 0) {
        const char *sign = value > 0 ? "+inf" : value < 0 ? "-inf" : "nan";
        (void)snprintf(text, UNITS_TEXT, "%s", sign);
        return text;
    }
    (void)units_fixed(text, value * 100.0 / total, 1);
    const size_t n = strlen(text);
    memcpy(text + n, "%", sizeof "%");
    return text;
}
