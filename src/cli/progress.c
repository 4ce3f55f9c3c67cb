/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tells a waiting person what is going on. The invariant: whoever writes to the terminal erases the
 * line first, so that it leaves no trace. */
#include "cli/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define QUIET_MS        1000 /* work that is done by then needs no words */
#define REDRAW_MS       100
#define LINE_MAX_LENGTH 200

static uint64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void progress_start(struct progress_line *line)
{
    const char *term = getenv("TERM");
    struct winsize size = {0};
    *line = (struct progress_line){
        .is_terminal = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0,
        .width = 80,
        .started = now_ms(),
    };
    if (line->is_terminal && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 10)
        line->width = size.ws_col;
}

bool progress_is_due(const struct progress_line *line, uint64_t now)
{
    return now >= line->started + QUIET_MS && (!line->drawn || now >= line->drawn + REDRAW_MS);
}

static void step(void *to, const char *doing, double share)
{
    struct progress_line *line = to;
    if (!line->is_terminal)
        return;
    if (!doing) {
        progress_erase(line);
        return;
    }
    const uint64_t now = now_ms();
    if (!progress_is_due(line, now))
        return;
    line->drawn = now;

    char text[LINE_MAX_LENGTH];
    int n = share > 0 ? snprintf(text, sizeof text, "%s: %d%%", doing, (int)(share * 100))
                      : snprintf(text, sizeof text, "%s...", doing);
    if (n < 0)
        return;
    if (n >= (int)sizeof text)
        n = (int)sizeof text - 1;
    if (n > line->width - 1)
        n = line->width - 1;
    for (int i = 0; i < n; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = '?';
    }
    line->is_shown = true;
    (void)fprintf(stderr, "\r%.*s\033[K", n, text);
    (void)fflush(stderr);
}

static bool is_stopped(void *to)
{
    (void)to;
    return signals_are_waiting();
}

struct progress progress_of(struct progress_line *line)
{
    return (struct progress){.step = step, .is_stopped = is_stopped, .to = line};
}

void progress_erase(struct progress_line *line)
{
    if (!line->is_shown)
        return;
    line->is_shown = false;
    (void)fputs("\r\033[K", stderr);
    (void)fflush(stderr);
}
