/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Where reports go: a file descriptor, memory, or a function. Writing never fails loudly; the first
 * error sticks and comes out of out_close. */
#pragma once

#include "base/buf.h"
#include "base/error.h"

struct out;
typedef int out_write_fn(void *to, const void *bytes, size_t n); /* 0, or an errno */

struct out *out_to_fd(int fd, const char *name) CHECKED; /* the descriptor stays the caller's */
struct out *out_to_function(out_write_fn *write, void *to) CHECKED;
struct out *out_to_buf(struct buf *buf) CHECKED; /* the buffer stays the caller's */

void out_bytes(struct out *out, struct span bytes);
void out_text(struct out *out, const char *text);
void out_byte(struct out *out, char byte);
/* As printf, but the decimal point is "." in every locale. */
void out_printf(struct out *out, const char *format, ...) PRINTF_LIKE(2, 3);
void out_u64(struct out *out, uint64_t value);

bool out_failed(const struct out *out); /* some write did: long work may stop early */
bool out_flush(struct out *out, struct error *err) CHECKED;
/* Flushes and frees. False with "writing NAME: reason" if any write failed; error.sys is the errno.
 */
bool out_close(struct out *out, struct error *err) CHECKED;
