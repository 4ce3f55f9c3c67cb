/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Messages. Text is gathered in a piece on the stack, so that a short message is one write and
 * lines of several threads do not mix; a long one takes several. */
#include "base/message.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/env.h"
#include "base/syscall.h"

/* High enough that a program which closes what it does not know leaves it alone. */
enum { KEPT_FD_FROM = 200 };

static struct {
    int kept_fd; /* a copy of standard error, or 0; written once when a tool starts */
} state;

struct line {
    char held[400];
    size_t n;
    char last;
};

static bool is_open(int fd)
{
    return sys_fcntl(fd, F_GETFD, 0) >= 0;
}

static void write_all(const char *p, size_t n)
{
    const int kept = __atomic_load_n(&state.kept_fd, __ATOMIC_RELAXED);
    const int fd = kept > 0 && !is_open(2) ? kept : 2;
    while (n > 0) {
        const ssize_t done = sys_write(fd, p, n);
        if (done == -EINTR)
            continue;
        if (done <= 0)
            return;
        p += done;
        n -= (size_t)done;
    }
}

static void put_line(void *to, const char *piece, size_t n)
{
    struct line *line = to;
    while (n > 0) {
        if (line->n == sizeof line->held) {
            write_all(line->held, line->n);
            line->n = 0;
        }
        const size_t room = sizeof line->held - line->n, part = n < room ? n : room;
        memcpy(line->held + line->n, piece, part);
        line->n += part;
        line->last = piece[part - 1];
        piece += part;
        n -= part;
    }
}

static void say(const char *format, va_list arguments)
{
    struct line line;
    line.n = 0;
    line.last = '\0';
    const struct text_sink sink = {put_line, &line};
    text_vformat(&sink, format, arguments);
    if (line.last != '\n')
        put_line(&line, "\n", 1);
    write_all(line.held, line.n);
}

void message_say(enum message_level level, const char *format, ...)
{
    if (env_int("PERFTOOLS_VERBOSE", 0) >= (int64_t)level) {
        va_list arguments;
        va_start(arguments, format);
        say(format, arguments);
        va_end(arguments);
    }
    if (level == MESSAGE_FATAL)
        abort();
}

void message_always(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
}

void message_keep_stderr(void)
{
    if (__atomic_load_n(&state.kept_fd, __ATOMIC_RELAXED) > 0)
        return;
    int fd = sys_fcntl(2, F_DUPFD_CLOEXEC, KEPT_FD_FROM);
    if (fd < 0)
        fd = sys_fcntl(2, F_DUPFD_CLOEXEC, 3);
    if (fd >= 0)
        __atomic_store_n(&state.kept_fd, fd, __ATOMIC_RELAXED);
}
