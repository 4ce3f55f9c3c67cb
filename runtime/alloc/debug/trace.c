/* SPDX-License-Identifier: BSD-3-Clause
 *
 * TCMALLOC_TRACE: a file with a line for each call, its fields parted by tabs. Also the stack from
 * the program's call on. */
#include "alloc/debug/debug.h"

#include <pthread.h>
#include <time.h>

#include "base/env.h"
#include "base/message.h"
#include "base/syscall.h"

enum {
    DEEPEST = 16,
    LINE_SIZE = 1024,
    FD_FROM = 200, /* programs that close what they do not know leave it alone */
};

static const char usual_file[] = "/tmp/google.alloc";

static struct {
    struct lock lock; /* guards opening */
    int fd;           /* 0: not tried; negative: cannot be written */
} trace;

static int open_trace(void)
{
    const char *path = env_get("TCMALLOC_TRACE_FILE");
    int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
    if (!path || !*path) { /* a name that others know, where others may write */
        path = usual_file;
        flags |= O_NOFOLLOW;
    }
    const int fd = sys_open(path, flags, 0644);
    if (fd < 0) {
        message_say(MESSAGE_ERROR, "Can't open %s.  Logging disabled.", path);
        return -1;
    }
    const int high = sys_fcntl(fd, F_DUPFD_CLOEXEC, FD_FROM);
    if (high >= 0)
        (void)sys_close(fd);
    char head[100];
    const size_t n = text_print(head, sizeof head,
                                "Trace started: %lu\n"
                                "func\tsize\tptr\tthread_id\tstack pcs for tools/symbolize\n",
                                (unsigned long)time(NULL));
    (void)sys_write(high >= 0 ? high : fd, head, n);
    return high >= 0 ? high : fd;
}

static int trace_fd(void)
{
    int fd = __atomic_load_n(&trace.fd, __ATOMIC_ACQUIRE);
    if (fd != 0)
        return fd;
    lock_take(&trace.lock);
    fd = trace.fd;
    if (fd == 0) {
        fd = open_trace();
        __atomic_store_n(&trace.fd, fd, __ATOMIC_RELEASE);
    }
    lock_drop(&trace.lock);
    return fd;
}

void trace_call(const char *call, size_t size, const void *p, struct caller caller)
{
    const int fd = trace_fd();
    if (fd < 0)
        return;
    uintptr_t pcs[DEEPEST];
    const size_t n_pcs = unwind_caller(pcs, DEEPEST, &caller);
    char line[LINE_SIZE];
    size_t n = text_print(line, sizeof line, "%s\t%zu\t%p\t%lu", call, size, p,
                          (unsigned long)pthread_self());
    for (size_t i = 0; i < n_pcs; i++)
        n += text_print(line + n, sizeof line - n, "\t%p", (void *)pcs[i]);
    line[n++] = '\n'; /* a line is much shorter than there is room */
    (void)sys_write(fd, line, n);
}
