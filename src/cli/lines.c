/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Standard input line by line, for commands that come from a pipe or a file. */
#include "cli/internal.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define LINE_LIMIT ((size_t)1 << 24) /* a line beyond it is no command of a person */

/* Waits for input or a signal; LINE_GOT where there is something to read. */
static enum line_kind wait_for_input(const struct signals *signals)
{
    for (;;) {
        struct pollfd wait[] = {
            {.fd = STDIN_FILENO, .events = POLLIN},
            {.fd = signals->fd, .events = POLLIN},
        };
        if (poll(wait, 2, -1) < 0 && errno != EINTR)
            return LINE_END;
        int signal;
        while ((signal = signals_next(signals)) != 0) {
            if (signal == SIGINT)
                return LINE_INTERRUPTED;
            if (signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT)
                return LINE_ENDED;
        }
        if (wait[0].revents)
            return LINE_GOT;
    }
}

/* Whether there was more. */
static bool read_more(struct lines *lines)
{
    char bytes[4096];
    ssize_t got;
    do
        got = read(STDIN_FILENO, bytes, sizeof bytes);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return false;
    const struct span rest = span_skip(buf_span(&lines->held), lines->given);
    if (rest.n)
        memmove(lines->held.p, rest.p, rest.n);
    lines->held.n = rest.n;
    lines->given = 0;
    buf_add(&lines->held, span_make(bytes, (size_t)got));
    return !lines->held.is_full;
}

enum line_kind lines_next(struct lines *lines, struct span *line)
{
    lines->held.limit = LINE_LIMIT;
    for (;;) {
        struct span rest = span_skip(buf_span(&lines->held), lines->given);
        if (rest.n && (lines->is_at_end || span_find(rest, '\n') != SIZE_MAX)) {
            (void)span_line(&rest, line);
            lines->given = lines->held.n - rest.n;
            return LINE_GOT;
        }
        if (lines->is_at_end)
            return LINE_END;
        const enum line_kind kind = wait_for_input(lines->signals);
        if (kind != LINE_GOT)
            return kind;
        lines->is_at_end = !read_more(lines);
    }
}

void lines_free(struct lines *lines)
{
    buf_free(&lines->held);
}
