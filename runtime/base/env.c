/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading and changing the environment without the C library's functions, which lock and allocate.
 * Arrays that were replaced stay: somebody may still read them. */
#include "base/env.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/pages.h"

static bool is_named(const char *pair, const char *name, size_t n)
{
    return strncmp(pair, name, n) == 0 && pair[n] == '=';
}

const char *env_get(const char *name)
{
    const size_t n = strlen(name);
    for (char **p = environ; p && *p; p++) {
        if (is_named(*p, name, n))
            return *p + n + 1;
    }
    return NULL;
}

bool env_is_set(const char *name)
{
    return env_get(name) != NULL;
}

bool env_bool(const char *name, bool otherwise)
{
    const char *text = env_get(name);
    if (!text)
        return otherwise;
    return *text == '\0' || strchr("tTyY1", *text) != NULL;
}

int64_t env_number(const char *text, const char **rest)
{
    while (*text == ' ' || (*text >= '\t' && *text <= '\r'))
        text++;
    const bool is_negative = *text == '-';
    if (*text == '-' || *text == '+')
        text++;
    int64_t value = 0;
    bool is_over = false;
    for (; *text >= '0' && *text <= '9'; text++) {
        is_over |= __builtin_mul_overflow(value, 10, &value) ||
                   __builtin_add_overflow(value, *text - '0', &value);
    }
    if (rest)
        *rest = text;
    if (is_over)
        return is_negative ? INT64_MIN : INT64_MAX;
    return is_negative ? -value : value;
}

int64_t env_int(const char *name, int64_t otherwise)
{
    const char *text = env_get(name);
    return text ? env_number(text, NULL) : otherwise;
}

double env_double(const char *name, double otherwise)
{
    const char *text = env_get(name);
    return text ? strtod(text, NULL) : otherwise;
}

/* A copy of the array with one more in front, and without those of a name. */
static bool replace(const char *pair, const char *dropped)
{
    size_t n = 0, n_dropped = dropped ? strlen(dropped) : 0;
    while (environ && environ[n])
        n++;
    char **copy = pages_map(NULL, (n + 2) * sizeof *copy, SYSTEM_PAGE);
    if (!copy)
        return false;
    size_t to = 0;
    if (pair) {
        union {
            const char *given;
            char *kept;
        } as = {pair};
        copy[to++] = as.kept;
    }
    for (size_t i = 0; i < n; i++) {
        if (!dropped || !is_named(environ[i], dropped, n_dropped))
            copy[to++] = environ[i];
    }
    copy[to] = NULL;
    __atomic_store_n(&environ, copy, __ATOMIC_RELEASE);
    return true;
}

uint64_t env_hex(const char *name)
{
    const char *text = env_get(name);
    return text ? strtoull(text, NULL, 16) : 0;
}

bool env_put(const char *pair)
{
    return replace(pair, NULL);
}

bool env_drop(const char *name)
{
    return replace(NULL, name);
}

bool env_is_untrusted(void)
{
    return getauxval(AT_SECURE) || getuid() != geteuid() || getgid() != getegid();
}
