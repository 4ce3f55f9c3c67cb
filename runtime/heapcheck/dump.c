/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The file of a check that found leaks: a heap profile with a line for each leaked object. Lines
 * that begin with # tell which site the ones after them belong to and whether they are direct;
 * readers that do not know them leave them out. */
#include "heapcheck/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/message.h"
#include "base/syscall.h"

enum { HELD = 8192 };

static struct maps_reader reader;

struct file {
    int fd;
    bool is_bad;
    size_t n;
    char held[HELD];
};

static void flush(struct file *file)
{
    for (size_t done = 0; done < file->n && !file->is_bad;) {
        const ssize_t n = sys_write(file->fd, file->held + done, file->n - done);
        if (n > 0)
            done += (size_t)n;
        else if (n != -EINTR)
            file->is_bad = true;
    }
    file->n = 0;
}

static void put(void *to, const char *piece, size_t n)
{
    struct file *file = to;
    while (n > 0) {
        if (file->n == HELD)
            flush(file);
        const size_t part = n < HELD - file->n ? n : HELD - file->n;
        memcpy(file->held + file->n, piece, part);
        file->n += part;
        piece += part;
        n -= part;
    }
}

/* By stack, direct ones first, then by address. */
static int by_site(const void *a, const void *b)
{
    const struct leak *x = a, *y = b;
    if (x->stack != y->stack)
        return x->stack < y->stack ? -1 : 1;
    if (x->is_indirect != y->is_indirect)
        return x->is_indirect ? 1 : -1;
    return x->start < y->start ? -1 : x->start > y->start;
}

static void write_objects(const struct text_sink *sink, const struct leak *leak, size_t n,
                          stack_ix stack)
{
    size_t low = 0, high = n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (leak[middle].stack < stack)
            low = middle + 1;
        else
            high = middle;
    }
    size_t depth;
    const uintptr_t *pcs = stack_pcs(stack, &depth);
    for (size_t i = low; i < n && leak[i].stack == stack; i++) {
        if (i == low || leak[i].is_indirect != leak[i - 1].is_indirect)
            text_format(sink, "# %s leaks, site %016lx\n",
                        leak[i].is_indirect ? "indirect" : "direct", site_id(stack));
        text_format(sink, "%6d: %8zu [%6d: %8zu] @", 1, leak[i].size, 1, leak[i].size);
        for (size_t k = 0; k < depth; k++)
            text_format(sink, " 0x%08lx", pcs[k]);
        text_format(sink, "\n");
    }
}

static void write_all(struct file *file, const struct leaks *leaks)
{
    const struct text_sink sink = {put, file};
    text_format(&sink, "heap profile: %6zu: %8zu [%6zu: %8zu] @ heapprofile\n", leaks->objects,
                leaks->bytes, leaks->objects, leaks->bytes);
    const struct site *site = leaks->sites.p;
    for (size_t i = 0; i < leaks->sites.n; i++, site++)
        write_objects(&sink, leaks->list.p, leaks->list.n, site->stack);
    text_format(&sink, "\nMAPPED_LIBRARIES:\n");
    (void)maps_write(&reader, -1, &sink);
    flush(file);
}

/* In a folder that all may write to, somebody may have put something else under the name. */
static int open_file(const char *path)
{
    const int fd = sys_open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0664);
    struct stat about;
    if (fd < 0)
        return fd;
    if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_uid == geteuid() &&
        sys_ftruncate(fd, 0) == 0)
        return fd;
    (void)sys_close(fd);
    return -1;
}

bool dump_leaks(const char *path, const struct leaks *leaks)
{
    static struct file file; /* the checker's lock guards it */
    file = (struct file){.fd = open_file(path)};
    if (file.fd >= 0) {
        sort_items(leaks->list.p, leaks->list.n, sizeof(struct leak), by_site);
        write_all(&file, leaks);
        if (sys_close(file.fd) < 0)
            file.is_bad = true;
    }
    if (file.fd >= 0 && !file.is_bad)
        return true;
    message_say(MESSAGE_ERROR, "Failed dumping filtered heap profile to %s", path);
    message_say(MESSAGE_ERROR, "Could not write pprof profile to %s", path);
    return false;
}
