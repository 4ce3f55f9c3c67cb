/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What every fuzz target defines: one door for strangers' bytes, called with some of them. It must
 * come back from any input, leave nothing behind, and return 0. */
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
