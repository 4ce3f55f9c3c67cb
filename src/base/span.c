/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Cutting and reading text. The invariant: nothing here reads outside a span, and a number is only
 * given where the text is that number and nothing else. */
#include "base/span.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>

bool span_equal(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool span_is(struct span s, const char *text)
{
    return span_equal(s, span_of(text));
}

bool span_starts(struct span s, const char *prefix)
{
    const size_t n = strlen(prefix);
    return s.n >= n && span_equal(span_first(s, n), span_make(prefix, n));
}

bool span_ends(struct span s, const char *suffix)
{
    const size_t n = strlen(suffix);
    return s.n >= n && span_equal(span_skip(s, s.n - n), span_make(suffix, n));
}

int span_compare(struct span a, struct span b)
{
    const size_t n = a.n < b.n ? a.n : b.n;
    const int order = n ? memcmp(a.p, b.p, n) : 0;
    return order ? order : (a.n > b.n) - (a.n < b.n);
}

size_t span_find(struct span s, char byte)
{
    const char *at = s.n ? memchr(s.p, byte, s.n) : NULL;
    return at ? (size_t)(at - s.p) : SIZE_MAX;
}

size_t span_find_last(struct span s, char byte)
{
    const char *at = s.n ? memrchr(s.p, byte, s.n) : NULL;
    return at ? (size_t)(at - s.p) : SIZE_MAX;
}

size_t span_find_text(struct span s, const char *text)
{
    const size_t n = strlen(text);
    if (n == 0)
        return 0;
    const char *at = s.n ? memmem(s.p, s.n, text, n) : NULL;
    return at ? (size_t)(at - s.p) : SIZE_MAX;
}

char *span_copy(struct span s)
{
    char *copy = base_alloc(s.n + 1, 1);
    if (s.n)
        memcpy(copy, s.p, s.n);
    return copy;
}

bool span_is_hex_of(struct span text, struct span bytes)
{
    static const char digits[] = "0123456789abcdef";
    if (bytes.n == 0 || text.n != bytes.n * 2)
        return false;
    for (size_t i = 0; i < bytes.n; i++) {
        const unsigned char byte = (unsigned char)bytes.p[i];
        if (text.p[2 * i] != digits[byte >> 4] || text.p[2 * i + 1] != digits[byte & 15])
            return false;
    }
    return true;
}

struct span span_file_name(struct span path)
{
    const size_t slash = span_find_last(path, '/');
    return slash == SIZE_MAX ? path : span_skip(path, slash + 1);
}

struct span span_without_slashes(struct span path)
{
    while (path.n && path.p[path.n - 1] == '/')
        path.n--;
    return path;
}

bool span_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct span span_trim_left(struct span s)
{
    size_t n = 0;
    while (n < s.n && span_is_space(s.p[n]))
        n++;
    return span_skip(s, n);
}

struct span span_trim(struct span s)
{
    s = span_trim_left(s);
    while (s.n && span_is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool span_line(struct span *rest, struct span *line)
{
    if (rest->n == 0)
        return false;
    const size_t at = span_find(*rest, '\n');
    struct span cut = span_first(*rest, at);
    *rest = at == SIZE_MAX ? span_skip(*rest, rest->n) : span_skip(*rest, at + 1);
    if (cut.n && cut.p[cut.n - 1] == '\r')
        cut.n--;
    *line = cut;
    return true;
}

bool span_word(struct span *rest, struct span *word)
{
    const struct span from = span_trim_left(*rest);
    if (from.n == 0)
        return false;
    size_t n = 1;
    while (n < from.n && !span_is_space(from.p[n]))
        n++;
    *word = span_first(from, n);
    *rest = span_skip(from, n);
    return true;
}

bool span_take(struct span *rest, const char *prefix)
{
    if (!span_starts(*rest, prefix))
        return false;
    *rest = span_skip(*rest, strlen(prefix));
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool span_take_u64(struct span *rest, uint64_t *value)
{
    uint64_t v = 0;
    size_t n = 0;
    for (; n < rest->n && is_digit(rest->p[n]); n++) {
        if (__builtin_mul_overflow(v, (uint64_t)10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(rest->p[n] - '0'), &v))
            return false;
    }
    if (n == 0)
        return false;
    *value = v;
    *rest = span_skip(*rest, n);
    return true;
}

/* Of each byte: the value of the hex digit that it is + 1, or 0. Profiles in text are digits for
 * the most part. */
static const uint8_t hex_digits[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

bool span_take_hex(struct span *rest, uint64_t *value)
{
    uint64_t v = 0;
    size_t n = 0;
    for (; n < rest->n; n++) {
        const unsigned digit = hex_digits[(unsigned char)rest->p[n]];
        if (digit == 0)
            break;
        if (v >> 60)
            return false;
        v = v << 4 | (digit - 1);
    }
    if (n == 0)
        return false;
    *value = v;
    *rest = span_skip(*rest, n);
    return true;
}

bool span_u64(struct span s, uint64_t *value)
{
    uint64_t v;
    if (!span_take_u64(&s, &v) || s.n)
        return false;
    *value = v;
    return true;
}

bool span_hex(struct span s, uint64_t *value)
{
    uint64_t v;
    if (!span_take(&s, "0x"))
        (void)span_take(&s, "0X");
    if (!span_take_hex(&s, &v) || s.n)
        return false;
    *value = v;
    return true;
}

/* Cuts a sign off *rest; true where it is a minus. */
static bool take_minus(struct span *rest)
{
    if (span_take(rest, "-"))
        return true;
    (void)span_take(rest, "+");
    return false;
}

bool span_i64(struct span s, int64_t *value)
{
    const bool is_negative = take_minus(&s);
    uint64_t v;
    if (!span_u64(s, &v))
        return false;
    if (v > (uint64_t)INT64_MAX + (is_negative ? 1 : 0))
        return false;
    /* Two's complement by way of unsigned, so that the smallest number is no special case. */
    *value = (int64_t)(is_negative ? 0 - v : v);
    return true;
}

/* What stands in a real number: its digits up to 2^53, and where they are too many, only that. */
struct decimal {
    uint64_t digits;
    int64_t exponent;
    bool is_negative;
    bool is_exact; /* `digits` and `exponent` say it all */
};

static const uint64_t exact_limit = (uint64_t)1 << 53;

static size_t take_digits(struct span *rest, struct decimal *d, int64_t exponent_a_digit)
{
    size_t n = 0;
    for (; n < rest->n && is_digit(rest->p[n]); n++) {
        if (d->digits >= exact_limit / 10 - 1) {
            d->is_exact = false;
            continue;
        }
        d->digits = d->digits * 10 + (uint64_t)(rest->p[n] - '0');
        d->exponent += exponent_a_digit;
    }
    *rest = span_skip(*rest, n);
    return n;
}

static bool read_decimal(struct span s, struct decimal *d)
{
    *d = (struct decimal){.is_exact = true};
    d->is_negative = take_minus(&s);
    size_t n = take_digits(&s, d, 0);
    if (span_take(&s, "."))
        n += take_digits(&s, d, -1);
    if (n == 0)
        return false;
    if (span_take(&s, "e") || span_take(&s, "E")) {
        const bool is_small = take_minus(&s);
        struct decimal power = {.is_exact = true};
        if (take_digits(&s, &power, 0) == 0)
            return false;
        if (power.digits > 1000 || !power.is_exact)
            d->is_exact = false;
        else
            d->exponent += is_small ? -(int64_t)power.digits : (int64_t)power.digits;
    }
    return s.n == 0;
}

/* The C library's conversion, with a point whatever the locale. The text is known to be a number.
 */
static double convert(struct span s)
{
    char small[128];
    char *text = s.n < sizeof small ? small : base_alloc(s.n + 1, 1);
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    const locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c)
        base_oom();
    const double value = strtod_l(text, NULL, c);
    freelocale(c);
    if (text != small)
        base_free(text);
    return value;
}

bool span_double(struct span s, double *value)
{
    /* Powers of ten up to 10^22 and digits up to 2^53 are exact in a double, so one operation on
     * them rounds once, as it should: this is nearly every number there is. */
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    struct decimal d;
    if (!read_decimal(s, &d))
        return false;
    double v;
    if (d.is_exact && d.exponent >= -22 && d.exponent <= 22) {
        v = (double)d.digits;
        v = d.exponent < 0 ? v / powers[-d.exponent] : v * powers[d.exponent];
        v = d.is_negative ? -v : v;
    } else {
        v = convert(s);
        if (!isfinite(v))
            return false;
    }
    *value = v;
    return true;
}

size_t span_character(struct span s, uint32_t *code)
{
    const unsigned char c = (unsigned char)s.p[0];
    if (c < 0x80) {
        *code = c;
        return 1;
    }
    const size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    if (c < 0xc2 || c > 0xf4 || s.n < n)
        return 0;
    uint32_t value = c & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if (((unsigned char)s.p[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | ((unsigned char)s.p[i] & 0x3f);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (value < least[n] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
        return 0;
    *code = value;
    return n;
}
