/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Packing bytes as gzip; unpacking is part of opening files (base/file.h). */
#pragma once

#include "base/buf.h"

/* Adds one gzip member (RFC 1952) with these bytes in it. Its header holds no name, no time and no
 * system, so the same bytes are always packed the same. False beyond the buffer's maximum. */
bool gzip_pack(struct span bytes, struct buf *out) CHECKED;
