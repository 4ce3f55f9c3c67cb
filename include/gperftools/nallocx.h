/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How large a block would be, without allocating one. */
#ifndef GPERFTOOLS_NALLOCX_H
#define GPERFTOOLS_NALLOCX_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A flag for nallocx: the base-2 logarithm of an alignment. */
#define MALLOCX_LG_ALIGN(la) ((int)(la))

/* The usable size of the block that malloc(size), or an aligned allocation, would return. */
size_t nallocx(size_t size, int flags);
/* The same, under a name that no other library replaces. */
size_t tc_nallocx(size_t size, int flags);

#ifdef __cplusplus
}
#endif

#endif
