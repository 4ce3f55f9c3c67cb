/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Runs independent jobs on a few threads and returns when all are done. Each job writes only to its
 * own place, so the result does not depend on timing. */
#pragma once

#include "base/base.h"

/* Calls run(shared, i) for each i in 0..n-1, in no order, on at most `threads` threads (0: one a
 * processor; 1 or too few jobs: the caller's own). `tick`, if not NULL, is called on the caller's
 * thread now and then, with how many jobs are done. */
void jobs_run(void (*run)(void *shared, uint32_t i), void *shared, uint32_t n, unsigned threads,
              void (*tick)(void *shared, uint32_t done));
