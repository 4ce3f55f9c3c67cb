/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Memory for the runtime's own tables: never the program's malloc, so that we neither call nor
 * count ourselves. It is never given back; who is done with a piece keeps it on a list of his own
 * for the next use. Thread-safe. */
#pragma once

#include <stddef.h>

#include "base/lock.h"

/* size zeroed bytes, aligned to 16 (to 64 from there on); NULL when the system refuses. */
void *arena_take(size_t size);

/* Bytes handed out. */
size_t arena_used(void);

/* Around a fork. */
bool arena_each_lock(lock_step *step);
