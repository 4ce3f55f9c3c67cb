/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The operators new and delete of C++ under their mangled names, to be included once, at the end of
 * the file that defines them under their tc_ names. */
#pragma once

ALIAS(tc_new) void *_Znwm(size_t);
ALIAS(tc_newarray) void *_Znam(size_t);
ALIAS(tc_new_nothrow) void *_ZnwmRKSt9nothrow_t(size_t, const void *);
ALIAS(tc_newarray_nothrow) void *_ZnamRKSt9nothrow_t(size_t, const void *);
ALIAS(tc_new_aligned) void *_ZnwmSt11align_val_t(size_t, size_t);
ALIAS(tc_newarray_aligned) void *_ZnamSt11align_val_t(size_t, size_t);
ALIAS(tc_new_aligned_nothrow)
void *_ZnwmSt11align_val_tRKSt9nothrow_t(size_t, size_t, const void *);
ALIAS(tc_newarray_aligned_nothrow)
void *_ZnamSt11align_val_tRKSt9nothrow_t(size_t, size_t, const void *);
ALIAS(tc_delete) void _ZdlPv(void *);
ALIAS(tc_deletearray) void _ZdaPv(void *);
ALIAS(tc_delete_nothrow) void _ZdlPvRKSt9nothrow_t(void *, const void *);
ALIAS(tc_deletearray_nothrow) void _ZdaPvRKSt9nothrow_t(void *, const void *);
ALIAS(tc_delete_sized) void _ZdlPvm(void *, size_t);
ALIAS(tc_deletearray_sized) void _ZdaPvm(void *, size_t);
ALIAS(tc_delete_aligned) void _ZdlPvSt11align_val_t(void *, size_t);
ALIAS(tc_deletearray_aligned) void _ZdaPvSt11align_val_t(void *, size_t);
ALIAS(tc_delete_sized_aligned) void _ZdlPvmSt11align_val_t(void *, size_t, size_t);
ALIAS(tc_deletearray_sized_aligned) void _ZdaPvmSt11align_val_t(void *, size_t, size_t);
ALIAS(tc_delete_aligned_nothrow)
void _ZdlPvSt11align_val_tRKSt9nothrow_t(void *, size_t, const void *);
ALIAS(tc_deletearray_aligned_nothrow)
void _ZdaPvSt11align_val_tRKSt9nothrow_t(void *, size_t, const void *);
