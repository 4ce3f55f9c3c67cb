/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Perl regular expressions, by PCRE2. Matched unanchored, case sensitive, over bytes. */
#pragma once

#include "base/error.h"
#include "base/span.h"

struct regex;

/* `option` names the option for the message: "--focus=EXPR: missing closing parenthesis at offset
 * 5". NULL on error. */
struct regex *regex_new(const char *option, struct span expression, struct error *err) CHECKED;
void regex_free(struct regex *regex); /* NULL is allowed */

/* False also where matching gave up on an expression that explodes (a bound on steps). */
bool regex_matches(const struct regex *regex, struct span text);
