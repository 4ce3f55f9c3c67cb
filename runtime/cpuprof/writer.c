/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The profile's file. What a checkpoint writes is written over by the next one: records keep their
 * order and only their counts grow, so that a file that is cut off in between still reads. Only
 * records of a table that was full stay where they are. A file that cannot be sought in (a pipe)
 * gets no checkpoints.
 *
 * All under the profile's lock; one profile, one buffer. */
#include "cpuprof/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/syscall.h"

enum { FD_FROM = 200 }; /* programs close what they do not know, counting from 3 */

static struct {
    char bytes[16384];
    size_t n;
    struct maps_reader maps;
} buffer; /* the profile's lock */

static int high_fd(int fd)
{
    if (fd < 0)
        return fd;
    const int high = sys_fcntl(fd, F_DUPFD_CLOEXEC, FD_FROM);
    if (high < 0)
        return fd;
    (void)sys_close(fd);
    return high;
}

int writer_open(struct writer *writer)
{
    const int fd =
        sys_open(writer->name.text, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
    if (fd < 0)
        return -fd;
    struct stat about;
    writer->fd = high_fd(fd);
    writer->maps_fd = high_fd(sys_open("/proc/self/maps", O_RDONLY | O_CLOEXEC, 0));
    writer->pid = sys_getpid();
    writer->is_seekable = fstat(writer->fd, &about) == 0 && S_ISREG(about.st_mode);
    writer->device = about.st_dev;
    writer->inode = about.st_ino;
    writer->has_failed = false;
    return 0;
}

static void fail(struct writer *writer, const char *why)
{
    if (!writer->has_failed)
        message_say(MESSAGE_ERROR, "cpu profile '%s' is incomplete: %s", writer->name.text, why);
    writer->has_failed = true;
}

/* The program may have closed our descriptor, and opened a file of its own in its place. */
static bool is_ours(const struct writer *writer)
{
    struct stat about;
    return fstat(writer->fd, &about) == 0 && about.st_dev == writer->device &&
           about.st_ino == writer->inode;
}

static void drain(struct writer *writer)
{
    const char *p = buffer.bytes;
    while (buffer.n > 0 && !writer->has_failed) {
        const ssize_t n = writer->is_seekable ? sys_pwrite(writer->fd, p, buffer.n, writer->at)
                                              : sys_write(writer->fd, p, buffer.n);
        if (n == -EINTR || n == -EAGAIN)
            continue;
        if (n <= 0) {
            fail(writer, strerrordesc_np(n ? (int)-n : EIO));
            break;
        }
        writer->at += n;
        p += n;
        buffer.n -= (size_t)n;
    }
    buffer.n = 0;
}

static void put(void *to, const char *piece, size_t n)
{
    while (n > 0) {
        if (buffer.n == sizeof buffer.bytes)
            drain(to);
        const size_t room = sizeof buffer.bytes - buffer.n, part = n < room ? n : room;
        memcpy(buffer.bytes + buffer.n, piece, part);
        buffer.n += part;
        piece += part;
        n -= part;
    }
}

static void put_words(struct writer *writer, const uint64_t *words, size_t n)
{
    union {
        const uint64_t *words;
        const char *bytes;
    } as = {words};
    put(writer, as.bytes, n * sizeof *words);
    writer->bytes += n * sizeof *words;
}

static bool begin(struct writer *writer)
{
    if (writer->fd < 0 && !writer->has_failed) { /* a child's: opened when there is something */
        const int error = writer_open(writer);
        if (error)
            fail(writer, strerrordesc_np(error));
    }
    if (!writer->has_failed && !is_ours(writer))
        fail(writer, "the program closed its descriptor");
    if (writer->has_failed)
        return false;
    buffer.n = 0;
    writer->at = writer->kept;
    writer->bytes = (uint64_t)writer->kept;
    if (writer->kept == 0) {
        const uint64_t header[] = {0, 3, 0, writer->period_us, 0};
        put_words(writer, header, sizeof header / sizeof *header);
    }
    return true;
}

/* What an earlier checkpoint left behind the end goes too. */
static void finish(struct writer *writer)
{
    drain(writer);
    if (writer->is_seekable && !writer->has_failed)
        (void)sys_ftruncate(writer->fd, writer->at);
}

/* How many. */
static uint64_t put_records(struct writer *writer, const struct table *table)
{
    uint64_t n = 0;
    size_t at = 0;
    for (const uint64_t *record; (record = table_next(table, &at)); n++) {
        const uint64_t count = __atomic_load_n(&record[0], __ATOMIC_RELAXED);
        put_words(writer, &count, 1);
        put_words(writer, record + 1, record[1] + 1);
    }
    return n;
}

void writer_keep(struct writer *writer, const struct table *table)
{
    if (!begin(writer))
        return;
    writer->evictions += put_records(writer, table);
    writer->kept_weight += table_weight(table);
    finish(writer);
    writer->kept = (off_t)writer->bytes;
}

void writer_end(struct writer *writer, const struct table *table)
{
    if (!begin(writer))
        return;
    static const uint64_t trailer[] = {0, 1, 0};
    const struct text_sink sink = {put, writer};
    (void)put_records(writer, table);
    put_words(writer, trailer, sizeof trailer / sizeof *trailer);
    unloaded_write_maps(&buffer.maps, writer->maps_fd, &sink);
    finish(writer);
}

void writer_checkpoint(struct writer *writer, const struct table *table)
{
    size_t at = 0;
    if (writer->fd >= 0 ? !writer->is_seekable : !table_next(table, &at))
        return;
    writer_end(writer, table);
}

void writer_close(struct writer *writer)
{
    if (writer->fd >= 0)
        (void)sys_close(writer->fd);
    if (writer->maps_fd >= 0)
        (void)sys_close(writer->maps_fd);
    writer->fd = writer->maps_fd = -1;
}

void writer_note_code(struct writer *writer)
{
    unloaded_note(&buffer.maps, writer->maps_fd);
}
