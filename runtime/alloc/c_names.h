/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The tc_ names of malloc and its companions, to be included once, at the end of the file that
 * defines these. */
#pragma once

ALIAS(malloc) void *tc_malloc(size_t);
ALIAS(free) void tc_free(void *);
ALIAS(free_sized) void tc_free_sized(void *, size_t);
ALIAS(free_aligned_sized) void tc_free_aligned_sized(void *, size_t, size_t);
ALIAS(realloc) void *tc_realloc(void *, size_t);
ALIAS(calloc) void *tc_calloc(size_t, size_t);
ALIAS(cfree) void tc_cfree(void *);
ALIAS(memalign) void *tc_memalign(size_t, size_t);
ALIAS(posix_memalign) int tc_posix_memalign(void **, size_t, size_t);
ALIAS(valloc) void *tc_valloc(size_t);
ALIAS(pvalloc) void *tc_pvalloc(size_t);
ALIAS(malloc_size) size_t tc_malloc_size(void *);
