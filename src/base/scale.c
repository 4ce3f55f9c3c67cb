/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Units of measure. Apart from units.c, which writes numbers and knows nothing of what they count.
 * The invariant: within a family factors grow down the table, and only some are chosen unasked. */
#include "base/scale.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct unit {
    const char *name, *spellings; /* lower case, each between spaces; an s at the end is optional */
    double factor;
    bool is_usual; /* may be chosen for a value */
};

static const struct unit bytes[] = {
    {.name = "B", .spellings = " b byte ", .factor = 1, .is_usual = true},
    {.name = "kB", .spellings = " kb kbyte kilobyte ", .factor = 0x1p10, .is_usual = true},
    {.name = "MB", .spellings = " mb mbyte megabyte ", .factor = 0x1p20, .is_usual = true},
    {.name = "GB", .spellings = " gb gbyte gigabyte ", .factor = 0x1p30, .is_usual = true},
    {.name = "TB", .spellings = " tb tbyte terabyte ", .factor = 0x1p40, .is_usual = true},
    {.name = "PB", .spellings = " pb pbyte petabyte ", .factor = 0x1p50, .is_usual = true},
};

static const struct unit times[] = {
    {.name = "ns", .spellings = " ns nanosecond ", .factor = 1, .is_usual = true},
    {.name = "us", .spellings = " us microsecond ", .factor = 1e3, .is_usual = true},
    {.name = "ms", .spellings = " ms millisecond ", .factor = 1e6, .is_usual = true},
    {.name = "s", .spellings = " s sec second ", .factor = 1e9, .is_usual = true},
    {.name = "min", .spellings = " min minute ", .factor = 60e9},
    {.name = "hrs", .spellings = " hr hour ", .factor = 3600e9, .is_usual = true},
};

/* `plain` is taken where no other unit can be. */
static const struct family {
    const struct unit *units;
    size_t n, plain;
} families[] = {
    {bytes, COUNT_OF(bytes), 0},
    {times, COUNT_OF(times), 3},
};

static const struct unit *find_in(const struct family *family, const char *spelling)
{
    char wanted[24] = " ";
    size_t n = strlen(spelling);
    if (n == 0 || n > sizeof wanted - 3)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        const char c = spelling[i];
        if (c == ' ')
            return NULL;
        wanted[i + 1] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    if (n > 2 && wanted[n] == 's')
        n--;
    wanted[n + 1] = ' ';
    wanted[n + 2] = '\0';
    for (size_t i = 0; i < family->n; i++) {
        if (strstr(family->units[i].spellings, wanted))
            return &family->units[i];
    }
    return NULL;
}

bool scale_is_known(const char *unit)
{
    for (size_t i = 0; i < COUNT_OF(families); i++) {
        if (find_in(&families[i], unit))
            return true;
    }
    return false;
}

bool scale_is_auto(const char *unit)
{
    return strcmp(unit, "auto") == 0 || strcmp(unit, "minimum") == 0;
}

/* The greatest usual unit of which the value has at least one. */
static const struct unit *choose_unit(const struct family *family, double value)
{
    const struct unit *chosen = &family->units[family->plain];
    for (size_t i = 0; i < family->n; i++) {
        const struct unit *unit = &family->units[i];
        if (unit->is_usual && value / unit->factor >= 1)
            chosen = unit;
    }
    return chosen;
}

double scale_value(double value, const char *from, const char *to, const char **name)
{
    for (size_t i = 0; i < COUNT_OF(families); i++) {
        const struct family *family = &families[i];
        const struct unit *unit = find_in(family, from);
        if (!unit)
            continue;
        const double plain = value * unit->factor;
        const struct unit *chosen =
            scale_is_auto(to) ? choose_unit(family, fabs(plain)) : find_in(family, to);
        if (!chosen)
            chosen = &family->units[family->plain];
        *name = chosen->name;
        return plain / chosen->factor;
    }
    static const char *const counts[] = {"count", "sample", "unit", "minimum", "auto"};
    *name = to;
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        if (strcmp(to, counts[i]) == 0)
            *name = "";
    }
    return value;
}

const char *scale_text(char text[UNITS_TEXT], double value, const char *from, const char *to)
{
    const char *name;
    (void)units_fixed(text, scale_value(value, from, to, &name), 2);
    size_t n = strlen(text);
    if (n > 3 && strcmp(text + n - 3, ".00") == 0)
        text[n -= 3] = '\0';
    if (strcmp(text, "-0") == 0)
        (void)snprintf(text, UNITS_TEXT, "0");
    if (strcmp(text, "0") == 0)
        return text;
    (void)snprintf(text + n, UNITS_TEXT - n, "%s", name);
    return text;
}

const char *scale_percent(char text[UNITS_TEXT], double value, double total)
{
    const double share = total != 0 ? fabs(value / total) * 100 : 0;
    if (share >= 99.95 && share <= 100.05) {
        (void)snprintf(text, UNITS_TEXT, "  100%%");
        return text;
    }
    char number[UNITS_TEXT];
    if (share >= 1)
        (void)units_fixed(number, share, 2);
    else
        (void)units_significant(number, share, 2);
    (void)snprintf(text, UNITS_TEXT, "%5.40s%%", number);
    return text;
}
