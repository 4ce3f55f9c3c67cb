/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The allocator's functions under names of their own. They do what the functions without tc_ do
 * when the library is linked or preloaded. */
#ifndef GPERFTOOLS_TCMALLOC_H
#define GPERFTOOLS_TCMALLOC_H

#include <malloc.h>
#include <stddef.h>
#ifdef __cplusplus
#include <new>
#endif

/* The version of the interface that is offered. */
#define TC_VERSION_MAJOR  2
#define TC_VERSION_MINOR  18
#define TC_VERSION_PATCH  ".1"
#define TC_VERSION_STRING "gperftools 2.18.1"

#ifndef PERFTOOLS_NOTHROW
#if defined(__cplusplus) && __cplusplus >= 201103L
#define PERFTOOLS_NOTHROW noexcept
#elif defined(__cplusplus)
#define PERFTOOLS_NOTHROW throw()
#elif defined(__GNUC__)
#define PERFTOOLS_NOTHROW __attribute__((__nothrow__))
#else
#define PERFTOOLS_NOTHROW
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* TC_VERSION_STRING of the library; its parts where the pointers are not NULL. */
const char *tc_version(int *major, int *minor, const char **patch) PERFTOOLS_NOTHROW;

void *tc_malloc(size_t size) PERFTOOLS_NOTHROW;
/* Never calls the new handler, whatever tc_set_new_mode said. */
void *tc_malloc_skip_new_handler(size_t size) PERFTOOLS_NOTHROW;
void tc_free(void *p) PERFTOOLS_NOTHROW;
void tc_free_sized(void *p, size_t size) PERFTOOLS_NOTHROW;
void tc_free_aligned_sized(void *p, size_t align, size_t size) PERFTOOLS_NOTHROW;
void *tc_realloc(void *p, size_t size) PERFTOOLS_NOTHROW;
void *tc_calloc(size_t n, size_t size) PERFTOOLS_NOTHROW;
void tc_cfree(void *p) PERFTOOLS_NOTHROW;

void *tc_memalign(size_t align, size_t size) PERFTOOLS_NOTHROW;
int tc_posix_memalign(void **out, size_t align, size_t size) PERFTOOLS_NOTHROW;
void *tc_valloc(size_t size) PERFTOOLS_NOTHROW;
void *tc_pvalloc(size_t size) PERFTOOLS_NOTHROW;

void tc_malloc_stats(void) PERFTOOLS_NOTHROW;
int tc_mallopt(int parameter, int value) PERFTOOLS_NOTHROW;
struct mallinfo tc_mallinfo(void) PERFTOOLS_NOTHROW;
struct mallinfo2 tc_mallinfo2(void) PERFTOOLS_NOTHROW;
size_t tc_malloc_size(void *p) PERFTOOLS_NOTHROW; /* usable bytes */

/* With 1, malloc and its companions call the C++ new handler when memory is short, as operator
 * new does. Returns what was set before. */
int tc_set_new_mode(int flag) PERFTOOLS_NOTHROW;
int tc_query_new_mode(void) PERFTOOLS_NOTHROW;

#ifdef __cplusplus
void *tc_new(size_t size);
void *tc_new_nothrow(size_t size, const std::nothrow_t &) PERFTOOLS_NOTHROW;
void tc_delete(void *p) PERFTOOLS_NOTHROW;
void tc_delete_sized(void *p, size_t size) PERFTOOLS_NOTHROW;
void tc_delete_nothrow(void *p, const std::nothrow_t &) PERFTOOLS_NOTHROW;
void *tc_newarray(size_t size);
void *tc_newarray_nothrow(size_t size, const std::nothrow_t &) PERFTOOLS_NOTHROW;
void tc_deletearray(void *p) PERFTOOLS_NOTHROW;
void tc_deletearray_sized(void *p, size_t size) PERFTOOLS_NOTHROW;
void tc_deletearray_nothrow(void *p, const std::nothrow_t &) PERFTOOLS_NOTHROW;

#if __cplusplus >= 201703L
void *tc_new_aligned(size_t size, std::align_val_t align);
void *tc_new_aligned_nothrow(size_t size, std::align_val_t align,
                             const std::nothrow_t &) PERFTOOLS_NOTHROW;
void tc_delete_aligned(void *p, std::align_val_t align) PERFTOOLS_NOTHROW;
void tc_delete_sized_aligned(void *p, size_t size, std::align_val_t align) PERFTOOLS_NOTHROW;
void tc_delete_aligned_nothrow(void *p, std::align_val_t align,
                               const std::nothrow_t &) PERFTOOLS_NOTHROW;
void *tc_newarray_aligned(size_t size, std::align_val_t align);
void *tc_newarray_aligned_nothrow(size_t size, std::align_val_t align,
                                  const std::nothrow_t &) PERFTOOLS_NOTHROW;
void tc_deletearray_aligned(void *p, std::align_val_t align) PERFTOOLS_NOTHROW;
void tc_deletearray_sized_aligned(void *p, size_t size, std::align_val_t align) PERFTOOLS_NOTHROW;
void tc_deletearray_aligned_nothrow(void *p, std::align_val_t align,
                                    const std::nothrow_t &) PERFTOOLS_NOTHROW;
#endif
}
#endif

#endif
