/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of analysis share and nobody else sees. */
#pragma once

#include "analysis/analysis.h"

/* Puts one value into the settings; a line in `complaints` where it is none. value.p NULL: none. */
bool option_apply(const struct option_use *use, struct span value, struct settings *settings,
                  struct buf *complaints) CHECKED;

/* Bounds what complaints about options may take: far beyond what a person would read. */
#define COMPLAINTS_MAX ((size_t)1 << 20)

/* Replaces control bytes, so that a name cannot drive a terminal. */
void text_clean(char *text, size_t n);
