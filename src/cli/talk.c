/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is said to a person on the side of a report: whole lines on standard error. */
#include "cli/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void talk_say(struct cli *cli, const char *format, ...)
{
    struct buf text = BUF_MAX((size_t)1 << 16);
    va_list args;
    va_start(args, format);
    char line[8192];
    const int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    buf_add(&text, span_first(span_make(line, sizeof line - 1), n > 0 ? (size_t)n : 0));
    for (size_t i = 0; i < text.n; i++) {
        if (((unsigned char)text.p[i] < 0x20 && text.p[i] != '\t') || text.p[i] == 0x7f)
            text.p[i] = '?';
    }
    buf_byte(&text, '\n');
    progress_erase(&cli->progress);
    (void)fflush(stderr);
    (void)fwrite(text.p, 1, text.n, stderr);
    buf_free(&text);
}

int talk_fail(struct cli *cli, const struct error *err)
{
    talk_say(cli, "%s", err->text);
    if (err->kind == ERROR_LIMIT)
        talk_say(cli, "Limits are what --max-memory, --max-samples and --max-depth say.");
    return 1;
}

const char *talk_signal(int signal)
{
    const char *text = sigdescr_np(signal);
    return text ? text : "unknown";
}
