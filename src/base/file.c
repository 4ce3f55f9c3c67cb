/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Getting hold of a file's bytes. The invariant: a `struct file` that was opened has bytes.p set,
 * even where there are none, and one that was not is zeroed and owns nothing.
 *
 * Later: a mapped file that someone cuts short while we read it ends the program by SIGBUS, as it
 * does with every tool that maps. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/internal.h"

#define FIRST_READ ((size_t)64 << 10)

void fd_close(int *fd)
{
    if (*fd < 0)
        return;
    const int before = errno;
    (void)close(*fd);
    errno = before;
    *fd = -1;
}

/* Maps what is left of a regular file behind its offset. False where that cannot be done: then it
 * is read. The files of /proc say that they are empty, so an empty one is read too. */
static bool map_file(struct file *file, int fd, uint64_t size)
{
    const off_t offset = lseek(fd, 0, SEEK_CUR);
    if (offset < 0 || (uint64_t)offset >= size || size > SIZE_MAX)
        return false;
    char *p = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED)
        return false;
    file->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0); /* one's own: the caller's may be closed first */
    (void)posix_madvise(p, (size_t)size, POSIX_MADV_SEQUENTIAL);
    (void)lseek(fd, 0, SEEK_END); /* it was read, as far as others who share it are concerned */
    file->mapped = p;
    file->mapped_size = (size_t)size;
    file->is_mapped = true;
    file->bytes = span_skip(span_make(p, (size_t)size), (size_t)offset);
    return true;
}

size_t growing_limit(uint64_t limit)
{
    return limit >= SIZE_MAX / 2 ? SIZE_MAX / 2 : (size_t)limit + 1;
}

bool growing_room(struct growing *g)
{
    if (g->n < g->cap)
        return true;
    size_t cap = g->cap < FIRST_READ ? FIRST_READ : g->cap + g->cap / 2;
    if (cap > g->limit)
        cap = g->limit;
    char *p = realloc(g->p, cap);
    if (!p)
        return false;
    g->p = p;
    g->cap = cap;
    return true;
}

static void release(struct file *file)
{
    if (file->is_mapped) {
        (void)munmap(file->mapped, file->mapped_size);
        fd_close(&file->fd);
    } else {
        free(file->mapped);
    }
}

void file_take_bytes(struct file *file, struct growing *g)
{
    release(file);
    char *p = realloc(g->p, g->n ? g->n : 1); /* gives back what was asked for too much */
    if (p)
        g->p = p;
    file->mapped = g->p;
    file->mapped_size = g->n;
    file->is_mapped = false;
    file->bytes = span_make(g->p, g->n);
}

static bool read_all(struct file *file, int fd, const char *name, uint64_t limit, struct error *err)
{
    struct growing g = {.limit = growing_limit(limit)};
    bool is_read = false;
    for (;;) {
        if (g.n > limit || g.n == g.limit) {
            error_set(err, ERROR_LIMIT, "%s: more than %" PRIu64 " bytes", name, limit);
            break;
        }
        if (!growing_room(&g)) {
            error_system(err, ENOMEM, "%s", name);
            break;
        }
        const ssize_t got = read(fd, g.p + g.n, g.cap - g.n);
        if (got > 0) {
            g.n += (size_t)got;
        } else if (got == 0) {
            is_read = true;
            break;
        } else if (errno != EINTR) {
            error_system(err, errno, "%s", name);
            break;
        }
    }
    if (is_read)
        file_take_bytes(file, &g);
    else
        free(g.p);
    return is_read;
}

bool file_read_fd(struct file *file, int fd, const char *name, uint64_t limit, struct error *err)
{
    *file = (struct file){0};
    struct stat st;
    if (fstat(fd, &st) != 0)
        return error_system(err, errno, "%s", name);
    if (S_ISDIR(st.st_mode))
        return error_system(err, EISDIR, "%s", name);
    const bool can_map = S_ISREG(st.st_mode) && st.st_size > 0;
    if (!(can_map && map_file(file, fd, (uint64_t)st.st_size)) &&
        !read_all(file, fd, name, limit, err))
        return false;
    file->name = base_copy(name);
    return true;
}

bool file_open(struct file *file, const char *name, uint64_t limit, struct error *err)
{
    if (strcmp(name, "-") == 0)
        return file_read_fd(file, STDIN_FILENO, name, limit, err);
    *file = (struct file){0};
    int fd CLEANUP(fd_close) = -1;
    do
        fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return error_system(err, errno, "%s", name);
    return file_read_fd(file, fd, name, limit, err);
}

size_t file_copy(const struct file *file, size_t at, void *to, size_t n)
{
    const struct span from = span_first(span_skip(file->bytes, at), n);
    size_t done = 0;
    if (file->is_mapped && file->fd >= 0) {
        const size_t start = (size_t)(from.p - (const char *)file->mapped);
        while (done < from.n) {
            const ssize_t got =
                pread(file->fd, (char *)to + done, from.n - done, (off_t)(start + done));
            if (got > 0)
                done += (size_t)got;
            else if (got == 0 || errno != EINTR)
                break; /* cut short meanwhile: what is not there is not touched */
        }
        return done;
    }
    if (from.n)
        memcpy(to, from.p, from.n);
    return from.n;
}

void file_close(struct file *file)
{
    release(file);
    free(file->name);
    *file = (struct file){0};
}

bool file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && !S_ISDIR(st.st_mode) && access(path, R_OK) == 0;
}

bool file_is_regular(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

void file_make_folders(const char *path)
{
    char *copy = base_copy(path);
    for (char *end = copy; *end;) {
        end += strcspn(end + 1, "/") + 1;
        const char before = *end;
        *end = '\0';
        (void)mkdir(copy, 0700);
        *end = before;
    }
    base_free(copy);
}

bool fd_write(int fd, struct span bytes)
{
    while (bytes.n) {
        const ssize_t n = write(fd, bytes.p, bytes.n);
        if (n > 0) {
            bytes = span_skip(bytes, (size_t)n);
        } else if (n == 0) {
            errno = EIO; /* not an error and no progress: never loop on it */
            return false;
        } else if (errno == EAGAIN) {
            /* Someone made the other end of our descriptor non-blocking: wait, not spin. */
            struct pollfd wait = {.fd = fd, .events = POLLOUT};
            (void)poll(&wait, 1, -1);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}
