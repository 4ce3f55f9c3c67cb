/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Sorts by 64-bit keys in time that follows the number of items: tables of symbols and batches of
 * addresses are large and mostly differ in a few of their bytes. Equal keys keep their order. */
#pragma once

#include "base/base.h"

struct radix_item {
    uint64_t key;
    uint32_t value;
};

void radix_sort(struct radix_item *items, uint32_t n);
