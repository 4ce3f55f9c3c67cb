/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Whole files as spans: regular files are mapped, pipes and devices read to their end, gzip
 * unpacked. Every bound is a parameter; nothing here trusts a size that stands in a file. */
#pragma once

#include "base/error.h"
#include "base/span.h"

struct file {
    struct span bytes; /* valid until file_close */
    char *name;        /* as told to file_open, for messages; "-" stays "-" */
    void *mapped;      /* private: what to unmap or free */
    size_t mapped_size;
    bool is_mapped;
    bool is_cut_short; /* it was packed, and only its beginning could be unpacked */
    int fd;            /* private: of a mapped file, for file_copy; else without meaning */
};

/* "-" is standard input. `limit` bounds what is read from a pipe. Errors read "NAME: reason"; a
 * folder is one. */
bool file_open(struct file *file, const char *name, uint64_t limit, struct error *err) CHECKED;
/* The same for a descriptor, read to its end and not closed. */
bool file_read_fd(struct file *file, int fd, const char *name, uint64_t limit,
                  struct error *err) CHECKED;
/* If the bytes start a gzip member (RFC 1952), replaces them by what is packed in it, all members,
 * at most `limit` bytes. What can be unpacked of a damaged member is kept, with a note; error where
 * nothing can. Anything else is left alone. */
bool file_unpack(struct file *file, uint64_t limit, struct notes *notes, struct error *err) CHECKED;
/* Copies bytes [at, at + n) of `bytes`, fewer at their end; how many. A mapped file is read for it
 * and not touched: who goes through gigabytes once, in pieces that stay in cache, saves the page
 * tables' misses. */
size_t file_copy(const struct file *file, size_t at, void *to, size_t n) CHECKED;
void file_close(struct file *file); /* fine on a zeroed struct */

bool file_exists(const char *path);       /* something readable that is not a folder */
bool file_is_regular(const char *path);   /* links followed */
void file_make_folders(const char *path); /* those that are not there yet, for us alone */

/* For CLEANUP(fd_close) */
void fd_close(int *fd);
/* All of the bytes; false: errno says why not. */
bool fd_write(int fd, struct span bytes) CHECKED;
